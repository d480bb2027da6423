/** Who is asking: a bearer token (session or API token) or the session cookie of a browser. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { looksLikeApiToken, verifyApiToken } from './api-tokens.ts'
import type { Person } from './permissions.ts'
import { verifyAccessToken } from './tokens.ts'

export type { Machine, Person, Principal, Role } from './permissions.ts'

export interface Credentials {
  /** What follows `Bearer `. */
  bearer?: string
  /** The value of the cookie `runyard_session`; API tokens are not taken from it. */
  cookie?: string
}

/** Longer is no token of ours; not worth a hash. */
const longestToken = 4096

/** Throws `unauthenticated`; never says which part was wrong. A bearer token decides alone when both are there. */
export async function authenticate(
  db: Queryable,
  secrets: { jwtSecret: Uint8Array },
  given: Credentials,
): Promise<Person> {
  const token = given.bearer ?? given.cookie
  if (token === undefined || token === '') throw new AppError('unauthenticated', 'sign in first')
  if (token.length > longestToken) throw new AppError('unauthenticated', 'the token is wrong or expired: sign in again')
  if (given.bearer !== undefined && looksLikeApiToken(token)) return verifyApiToken(db, token)
  return verifyAccessToken(db, secrets.jwtSecret, token)
}
