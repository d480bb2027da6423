import { ORPCError } from '@orpc/client'
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

interface ProblemData {
  errors?: FieldProblem[]
  retryAfterSeconds?: number
}

/** Reads an `application/problem+json` body (RFC 9457) into the error that the typed client throws. */
export function problemError(body: unknown, status: number, retryAfter: string | undefined) {
  if (typeof body !== 'object' || body === null) return null
  const { title, detail, errors } = body as { title?: unknown; detail?: unknown; errors?: unknown }
  const seconds = Number(retryAfter)
  const data: ProblemData = {
    errors: Array.isArray(errors) ? (errors as FieldProblem[]) : [],
    retryAfterSeconds: retryAfter !== undefined && Number.isFinite(seconds) ? seconds : undefined,
  }
  return new ORPCError(typeof title === 'string' ? title : 'internal', {
    status: status >= 400 ? status : 500,
    message: typeof detail === 'string' ? detail : `The server answered ${status}.`,
    data,
  })
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ORPCError) {
    const data = (error.data ?? {}) as ProblemData
    return {
      status: error.status,
      message: sentence(error.message),
      fields: data.errors ?? [],
      retryAfterSeconds: data.retryAfterSeconds,
    }
  }
  if (error instanceof TypeError) {
    return { status: 0, message: 'The server cannot be reached. Is it running?', fields: [] }
  }
  return { status: 0, message: error instanceof Error ? error.message : String(error), fields: [] }
}

export const isSignedOut = (error: unknown): boolean => error instanceof ORPCError && error.status === 401
export const isMissing = (error: unknown): boolean => error instanceof ORPCError && error.status === 404
