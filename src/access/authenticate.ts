/** Who is asking: a bearer token (session or API token), the session cookie of a browser, or a client certificate. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { certificateRoles, isCertificateRole } from '../x509/roles.ts'
import { verifyCertificates, type CertificateHolder } from './certificates/verify.ts'
import { whyNot } from './certificates/why-not.ts'
import { looksLikeApiToken, verifyApiToken } from './api-tokens.ts'
import type { Person } from './permissions.ts'
import { verifyAccessToken } from './tokens.ts'

export type { CertificateHolder } from './certificates/verify.ts'
export type { CertificateRole } from '../x509/roles.ts'
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

/** What a certificate says of itself, after TLS has accepted it. */
export interface PresentedCertificate {
  /** SHA-256 of the certificate (DER). */
  fingerprint: Buffer
  organizationalUnits: readonly string[]
}

/**
 * Whose certificate it is. The subject alone proves nothing: it must have been issued here and hold now, and its one OU
 * must be the role that is registered. Throws `unauthenticated`; the cause is the reason, for the server's own log.
 */
export async function authenticateCertificate(db: Queryable, given: PresentedCertificate): Promise<CertificateHolder> {
  const [role = '', ...more] = given.organizationalUnits
  if (more.length > 0 || role === '') {
    throw new AppError('unauthenticated', 'the certificate names no role: it must have exactly one OU, e.g. admin')
  }
  if (!isCertificateRole(role)) {
    const roles = certificateRoles.join(', ')
    const ou = JSON.stringify(role.slice(0, 60))
    throw new AppError('unauthenticated', `the certificate's OU ${ou} is none of the roles ${roles}`)
  }
  const holder = (await verifyCertificates(db, [given.fingerprint])).get(given.fingerprint.toString('hex'))
  if (holder?.role === role) return holder
  const cause = holder
    ? `certificate refused: its OU is ${role}, it was issued as ${holder.role}`
    : await whyNot(db, given.fingerprint)
  throw new AppError(
    'unauthenticated',
    'the certificate does not hold: it is not of this installation, has ended, was used up or revoked, or its account changed',
    { cause },
  )
}

/** The answer to an enrolment leaves by the session whose certificate it has just used up. */
const answerWithinSeconds = 15

/** For open sessions, all in one query: those whose certificate holds still, by fingerprint in hex. */
export const stillHold = (db: Queryable, fingerprints: readonly Buffer[]): Promise<Map<string, CertificateHolder>> =>
  verifyCertificates(db, fingerprints, answerWithinSeconds)
