/** What goes wrong on the way to the secure port and behind it, as the person at the command line should read it. */
import { Code, ConnectError } from '@connectrpc/connect'
import { AppError, isAppError, type ErrorCode } from '../../lib/app-error.ts'
import { BadRequestSchema } from './gen/google/rpc/error_details_pb.js'

const otherAuthority = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
])

/** Before TLS stood. `again`: it stood before. */
export function dialError(error: Error, server: string, host: string, again = false): AppError {
  const { code, message } = error as NodeJS.ErrnoException
  const untrusted = (text: string): AppError => new AppError('unauthenticated', text, { cause: error })
  if (code !== undefined && otherAuthority.has(code)) {
    return untrusted(`the server at ${server} is of another authority than --ca names: take the ca.crt of that server`)
  }
  if (code === 'CERT_HAS_EXPIRED') return untrusted(`the certificate of the server at ${server} has ended`)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return untrusted(
      `the certificate of the server at ${server} is not for "${host}": start the server with --grpc-names ${host}`,
    )
  }
  const refused = alertOf(code)
  if (refused !== undefined) return untrusted(`the server at ${server} refused the certificate: ${refused}`)
  if (code?.startsWith('ERR_SSL_')) {
    return new AppError('unavailable', `${server} does not speak TLS 1.3; is it the gRPC port?`, { cause: error })
  }
  if (again) return new AppError('unavailable', `no server answers at ${server} any more`, { cause: error })
  const why = code === 'ECONNREFUSED' ? 'nobody listens there; `runyard certs init` opens the port' : (code ?? message)
  return new AppError('unavailable', `no Runyard server answers at ${server} over gRPC: ${why}`, { cause: error })
}

function alertOf(code: string | undefined): string | undefined {
  const alert = /^ERR_SSL_\w+_ALERT_(\w+)$/.exec(code ?? '')?.[1]
  if (alert === undefined || alert === 'PROTOCOL_VERSION' || alert === 'HANDSHAKE_FAILURE') return undefined
  return alert.toLowerCase().replaceAll('_', ' ')
}

/** TLS stood, and the server closed before its first word. */
export function refusedCertificate(error: Error | undefined, server: string): AppError {
  const alert = alertOf((error as NodeJS.ErrnoException | undefined)?.code)
  const why = alert ?? 'it is of another authority, or has ended'
  return new AppError('unauthenticated', `the server at ${server} refused the certificate: ${why}`, { cause: error })
}

const codes: Partial<Record<Code, ErrorCode>> = {
  [Code.InvalidArgument]: 'invalid_argument',
  [Code.OutOfRange]: 'invalid_argument',
  [Code.Unauthenticated]: 'unauthenticated',
  [Code.PermissionDenied]: 'permission_denied',
  [Code.NotFound]: 'not_found',
  [Code.AlreadyExists]: 'conflict',
  [Code.FailedPrecondition]: 'failed_precondition',
  [Code.ResourceExhausted]: 'resource_exhausted',
  [Code.Unimplemented]: 'failed_precondition',
  [Code.Unavailable]: 'unavailable',
  [Code.Aborted]: 'unavailable',
  [Code.Canceled]: 'unavailable',
  [Code.DeadlineExceeded]: 'deadline_exceeded',
}

/** The job travels as one JSON document: its fields are the ones that the caller wrote. */
const inDocument = 'spec_json.'

export function callError(error: unknown, server: string): AppError {
  if (isAppError(error)) return error
  const refusal = ConnectError.from(error)
  const { code, rawMessage, cause } = refusal
  if (isAppError(cause)) return cause
  // The stream or its session broke; a definite answer of the server has no such cause.
  if (cause instanceof Error && 'code' in cause) return broken(server, cause)
  const known = codes[code] ?? 'internal'
  if (known === 'unavailable' && code !== Code.Unavailable) return broken(server, error)
  const fields = refusal
    .findDetails(BadRequestSchema)
    .flatMap(({ fieldViolations }) => fieldViolations)
    .map(({ field, description }) => ({ field: bare(field), message: description }))
  const retryAfterSeconds = known === 'unavailable' ? 1 : undefined
  return new AppError(known, bare(rawMessage), { fields, retryAfterSeconds, cause: refusal })
}

const bare = (text: string): string => (text.startsWith(inDocument) ? text.slice(inDocument.length) : text)

const broken = (server: string, cause: unknown): AppError =>
  new AppError('unavailable', `the connection to the server at ${server} broke`, { cause, retryAfterSeconds: 1 })
