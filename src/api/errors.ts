/** The one map from what went wrong to what HTTP says: RFC 9457 bodies, never a stack trace. */
import { ORPCError } from '@orpc/client'
import { AppError, isAppError, type ErrorCode, type FieldProblem } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import type { Problem } from './contract/base.ts'

const statusOf: Record<ErrorCode, number> = {
  invalid_argument: 422,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  conflict: 409,
  failed_precondition: 409,
  resource_exhausted: 429,
  unavailable: 503,
  deadline_exceeded: 504,
  internal: 500,
}

/** Refusals of the HTTP layer itself, before any operation: too large, wrong content type, not JSON. */
export class HttpRefusal extends AppError {
  readonly status: number
  constructor(status: number, code: ErrorCode, message: string, fields: FieldProblem[] = []) {
    super(code, message, { fields })
    this.status = status
  }
}

export interface HttpProblem {
  status: number
  headers: Record<string, string>
  body: Problem
  /** A defect of ours: log the cause, show nothing of it. */
  unexpected: boolean
}

/** `scopes`: of the API token that asks, if it was made for less than its owner may. */
export function toHttpProblem(error: unknown, requestId: string, scopes?: readonly string[]): HttpProblem {
  const known = toAppError(error)
  const status = known instanceof HttpRefusal ? known.status : statusOf[known.code]
  const unexpected = status === 500
  const headers: Record<string, string> = {}
  const retryAfter = known.retryAfterSeconds ?? (status === 503 ? 2 : undefined)
  if (retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfter)))
  const limits = status === 403 && scopes !== undefined ? `; this API token is for ${scopes.join(', ')} only` : ''
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="runyard"'
  return {
    status,
    headers,
    unexpected,
    body: {
      type: 'about:blank',
      title: known.code,
      status,
      detail: unexpected
        ? 'a defect of the server; its log has the details under this request id'
        : known.message + limits,
      errors: unexpected ? [] : known.fields,
      request_id: requestId,
    },
  }
}

export function toAppError(error: unknown): AppError {
  if (isAppError(error)) return error
  if (error instanceof ORPCError) return fromOrpc(error)
  return fromFastify(error) ?? new AppError('internal', 'unexpected', { cause: error })
}

function fromOrpc(error: ORPCError<string, unknown>): AppError {
  const issues = (error.data as { issues?: ZodIssue[] } | undefined)?.issues
  if (error.code !== 'BAD_REQUEST' || !Array.isArray(issues)) {
    return new AppError('internal', error.message, { cause: error })
  }
  return fieldsRefused(problemsOf(issues))
}

export function fieldsRefused(fields: FieldProblem[]): AppError {
  const [first] = fields
  const where = first === undefined || first.field === '' ? '' : `${first.field}: `
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : ''
  return new AppError('invalid_argument', `${where}${first?.message ?? 'the request is not valid'}${more}`, { fields })
}

export const isTooLarge = (error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === 'FST_ERR_CTP_BODY_TOO_LARGE'

export const tooLarge = (limit: number): HttpRefusal =>
  new HttpRefusal(
    413,
    'resource_exhausted',
    `the request body is larger than ${limit} bytes, the most that is taken here`,
  )

function fromFastify(error: unknown): AppError | undefined {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  if (isTooLarge(error)) {
    return new HttpRefusal(413, 'resource_exhausted', 'the request body is larger than this server takes')
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new HttpRefusal(415, 'invalid_argument', 'send the body as application/json')
  }
  if (statusCode === 429) {
    return new AppError('resource_exhausted', 'too many requests; wait and try again', { retryAfterSeconds: 60 })
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new HttpRefusal(statusCode, 'invalid_argument', error instanceof Error ? error.message : 'bad request')
  }
  return undefined
}
