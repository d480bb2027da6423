/** What went wrong, as gRPC says it: the one map from our codes, and never a stack trace. */
import { Code, ConnectError, type Interceptor, type StreamResponse } from '@connectrpc/connect'
import { isAppError, type ErrorCode } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'
import { BadRequestSchema } from './gen/google/rpc/error_details_pb.js'

const codeOf: Record<ErrorCode, Code> = {
  invalid_argument: Code.InvalidArgument,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  not_found: Code.NotFound,
  conflict: Code.AlreadyExists,
  failed_precondition: Code.FailedPrecondition,
  resource_exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  deadline_exceeded: Code.DeadlineExceeded,
  internal: Code.Internal,
}

/** Errors in words for the caller; a defect of ours keeps its stack here. */
export function toConnectError(error: unknown, method: string): ConnectError {
  if (error instanceof ConnectError) return error
  if (isAppError(error) && error.code !== 'internal') {
    const fieldViolations = error.fields.map(({ field, message }) => ({ field, description: message }))
    const details = fieldViolations.length === 0 ? [] : [{ desc: BadRequestSchema, value: { fieldViolations } }]
    return new ConnectError(error.message, codeOf[error.code], undefined, details)
  }
  const stack = error instanceof Error ? error.stack : String(error)
  emitFact({ name: 'grpc_call.failed', level: 'error', method, error: stack })
  return new ConnectError('a defect of the server; its log has the details', Code.Internal)
}

/** Why a call was broken off: its deadline, its client, or the server that stops. */
const brokenOff = ({ reason }: AbortSignal): ConnectError =>
  reason instanceof ConnectError ? reason : new ConnectError('the call was cancelled', Code.Canceled)

/**
 * Errors in words, of streams too. A call that was broken off ends with the reason: whatever a handler threw when its
 * signal fired (`write ECANCELED`), and also when it ended as if all were said, which a client must not take for the
 * end of a log.
 */
export const errorsInWords: Interceptor = (next) => async (request) => {
  const { signal, method } = request
  const inWords = (error: unknown): ConnectError =>
    signal.aborted && !isAppError(error) ? brokenOff(signal) : toConnectError(error, method.name)
  try {
    const response = await next(request)
    if (!response.stream) return response
    return { ...response, message: wholeOrError(response, signal, inWords) } as StreamResponse
  } catch (error) {
    throw inWords(error)
  }
}

async function* wholeOrError(
  response: StreamResponse,
  signal: AbortSignal,
  inWords: (error: unknown) => ConnectError,
): AsyncIterable<unknown> {
  try {
    yield* response.message
  } catch (error) {
    throw inWords(error)
  }
  if (signal.aborted) throw brokenOff(signal)
}
