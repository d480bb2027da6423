/** What a server, or the way to it, answered: in our own codes. */
import { Code, ConnectError } from '@connectrpc/connect'
import { AppError, isAppError, type ErrorCode } from '../lib/app-error.ts'

const codes: Partial<Record<Code, ErrorCode>> = {
  [Code.InvalidArgument]: 'invalid_argument',
  [Code.OutOfRange]: 'invalid_argument',
  [Code.Unauthenticated]: 'unauthenticated',
  [Code.PermissionDenied]: 'permission_denied',
  [Code.NotFound]: 'not_found',
  [Code.AlreadyExists]: 'conflict',
  [Code.FailedPrecondition]: 'failed_precondition',
  [Code.ResourceExhausted]: 'resource_exhausted',
  [Code.DeadlineExceeded]: 'deadline_exceeded',
  [Code.Unimplemented]: 'invalid_argument',
  [Code.DataLoss]: 'internal',
  [Code.Internal]: 'internal',
}

export function fromConnect(error: unknown): AppError {
  const connectError = ConnectError.from(error)
  // Ours, from before there was a session: which address failed and why.
  if (isAppError(connectError.cause)) return connectError.cause
  return new AppError(codeOf(connectError), connectError.rawMessage, { cause: connectError })
}

/** Everything that is not a definite answer of the server counts as "the link is away". */
function codeOf(error: ConnectError): ErrorCode {
  const system = error.cause instanceof Error && 'syscall' in error.cause // e.g. ENOENT: no socket file yet
  return (system ? undefined : codes[error.code]) ?? 'unavailable'
}
