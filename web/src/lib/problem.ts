import { sentence } from './sentence.ts'

export interface FieldProblem {
  field: string
  message: string
}

/** What went wrong, ready to be shown. */
export interface Problem {
  /** 0 when no answer came at all. */
  status: number
  message: string
  fields: FieldProblem[]
  retryAfterSeconds?: number
}

/** What the server refused; thrown by every call of `api`. */
export class ApiError extends Error {
  readonly status: number
  readonly fields: FieldProblem[]
  readonly retryAfterSeconds: number | undefined

  constructor(message: string, status: number, fields: FieldProblem[], retryAfterSeconds: number | undefined) {
    super(message)
    this.status = status
    this.fields = fields
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Reads an `application/problem+json` body (RFC 9457), or what somebody between us and the server sent instead. */
export function problemError(body: unknown, status: number, retryAfter: string | undefined): ApiError {
  const { detail, errors } = (typeof body === 'object' && body !== null ? body : {}) as {
    detail?: unknown
    errors?: unknown
  }
  const seconds = Number(retryAfter)
  return new ApiError(
    typeof detail === 'string' ? detail : `The server answered ${status}.`,
    status,
    Array.isArray(errors) ? (errors as FieldProblem[]) : [],
    retryAfter !== undefined && Number.isFinite(seconds) ? seconds : undefined,
  )
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) {
    const { status, message, fields, retryAfterSeconds } = error
    return { status, message: sentence(message), fields, retryAfterSeconds }
  }
  if (error instanceof TypeError) {
    return { status: 0, message: 'The server cannot be reached. Is it running?', fields: [] }
  }
  return { status: 0, message: error instanceof Error ? error.message : String(error), fields: [] }
}

export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401
/** There is nothing of that id: none that one may see, or what stands in the address is no id at all. */
export const isMissing = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.status === 404 || (error.status === 422 && error.fields.some(({ field }) => field === 'id')))
