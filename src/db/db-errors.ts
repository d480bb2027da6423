/** Trouble with the database itself becomes an AppError that says "try again"; a statement's own fault stays as it is. */
import pg from 'pg'
import { AppError, isAppError } from '../lib/app-error.ts'

const socketCodes = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EACCES',
])
/** 57P0x: shutting down, crashed, starting up; 53300: too many connections; 25006: a standby. */
const awayStates = /^(57P0[1-5]|08...|53...|25006)$/
const awayWords =
  /Query read timeout|Connection terminated|timeout exceeded when trying to connect|Client was closed|not queryable|Cannot use a pool after calling end/i

/** PostgreSQL's own error code (SQLSTATE) of a failed statement, e.g. 23505 for a value that is taken. */
export const sqlStateOf = (error: unknown): string | undefined =>
  error instanceof pg.DatabaseError ? error.code : undefined

export const violates = (error: unknown, constraint: string): boolean =>
  error instanceof pg.DatabaseError && error.code?.startsWith('23') === true && error.constraint === constraint

export const isAway = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  const code = (error as { code?: string }).code ?? ''
  return error instanceof pg.DatabaseError
    ? awayStates.test(code)
    : socketCodes.has(code) || awayWords.test(error.message)
}

/** The server has not answered for longer than it may take for a statement. */
export const isSilence = (error: unknown): boolean =>
  /^Query read timeout/.test(((isAppError(error) ? error.cause : error) as Error | undefined)?.message ?? '')

export function asAppError(error: unknown): unknown {
  if (error instanceof AppError) return error
  if (isAway(error)) {
    return new AppError('unavailable', 'the database is away for the moment', { retryAfterSeconds: 2, cause: error })
  }
  const state = sqlStateOf(error)
  // Deadlock, serialization failure, lock timeout: nothing was changed, and the next try usually succeeds.
  if (state === '40P01' || state === '40001' || state === '55P03') {
    return new AppError('unavailable', 'the database is busy with the same rows', {
      retryAfterSeconds: 1,
      cause: error,
    })
  }
  if (state === '57014') {
    return new AppError('deadline_exceeded', 'the database took too long for this request', { cause: error })
  }
  return error
}

/** Of a database that somebody else runs, at boot: which one, and what to do. Never its password. */
export function bootError(error: unknown, databaseUrl: string): unknown {
  const cause = isAppError(error) ? error.cause : error
  const refused = /^(28...|3D000)$/.test(sqlStateOf(cause) ?? '')
  if (!refused && !isAway(cause)) return error
  const { host, port } = new pg.Client({ connectionString: databaseUrl })
  const place = `PostgreSQL at ${host.startsWith('/') ? host : `${host}:${port}`}`
  const why = (cause as { code?: string }).code ?? (cause as Error).message
  return new AppError(
    'unavailable',
    refused
      ? `${place} refuses us: ${(cause as Error).message}; correct DATABASE_URL`
      : `${place} does not answer (${why}); start it, correct DATABASE_URL, or unset DATABASE_URL to use the built-in database`,
    { retryAfterSeconds: 2, cause },
  )
}
