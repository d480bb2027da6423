/**
 * The one error class. Codes are closed and mapped once per edge: to HTTP in `api/errors.ts`, to gRPC in
 * `api/grpc`, to exit codes in `cli/`. `message` is for the person who reads it: it names the field and the fix.
 */
export const errorCodes = [
  'invalid_argument', // the request itself is wrong; sending it again cannot help
  'unauthenticated', // nobody is asking, or the proof is bad or expired
  'permission_denied', // we know who asks, and they may not
  'not_found', // does not exist, or the asker may not see it
  'conflict', // the same key with another body, a name that is taken, cancel of an ended job
  'failed_precondition', // a stale token, a state that does not allow it
  'resource_exhausted', // a quota or a size is used up
  'unavailable', // the database or the server is away for the moment; try again
  'deadline_exceeded',
  'internal', // a defect of ours
] as const
export type ErrorCode = (typeof errorCodes)[number]

export interface FieldProblem {
  /** Path of the field as the user wrote it, e.g. `jobs[3].limits.memory_bytes`. */
  field: string
  message: string
}

export interface AppErrorOptions {
  /** Every wrong field at once, never only the first. */
  fields?: FieldProblem[]
  /** Seconds after which trying again makes sense (503, 429). */
  retryAfterSeconds?: number
  cause?: unknown
}

export class AppError extends Error {
  readonly code: ErrorCode
  readonly fields: FieldProblem[]
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.fields = options.fields ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

export const isAppError = (e: unknown): e is AppError => e instanceof AppError
