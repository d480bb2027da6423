/** Session tokens: JWTs signed with HS256 and nothing else, for this product and this audience only. */
import { jwtVerify, SignJWT } from 'jose'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import type { Person, Role } from './permissions.ts'
import { noteSeen } from './seen-users.ts'

const issuer = 'runyard'
const audience = 'runyard-api'
const algorithm = 'HS256'

export interface AccessToken {
  token: string
  expiresInSeconds: number
  expiresAt: Date
}

/**
 * `generation` is the user's `sessions_valid_after` as the database has it: a changed password or role changes it and
 * ends every session, whatever the clocks of the servers say.
 */
export async function issueAccessToken(
  jwtSecret: Uint8Array,
  user: { id: string; generation: string },
  ttlSeconds: number,
): Promise<AccessToken> {
  const now = Math.floor(Date.now() / 1000)
  const token = await new SignJWT({ gen: user.generation })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(user.id)
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(jwtSecret)
  return { token, expiresInSeconds: ttlSeconds, expiresAt: new Date((now + ttlSeconds) * 1000) }
}

export async function verifyAccessToken(db: Queryable, jwtSecret: Uint8Array, token: string): Promise<Person> {
  const claims = await verifiedClaims(jwtSecret, token)
  const { rows } = await db.query<{ id: string; username: string; role: Role; unseen: boolean }>({
    name: 'verify_access_token',
    text: `select id, username, role, coalesce(last_seen_at < now() - interval '1 minute', true) as unseen from users
           where id = $1 and disabled_at is null
             and (extract(epoch from sessions_valid_after) * 1000000)::bigint::text = $2`,
    values: [claims.userId, claims.generation],
  })
  const row = rows[0]
  if (!row) throw refused()
  if (row.unseen) await noteSeen(db, [row.id])
  return { kind: 'user', userId: row.id, username: row.username, role: row.role }
}

async function verifiedClaims(jwtSecret: Uint8Array, token: string): Promise<{ userId: string; generation: string }> {
  try {
    const { payload } = await jwtVerify(token, jwtSecret, {
      algorithms: [algorithm],
      issuer,
      audience,
      typ: 'JWT',
      requiredClaims: ['exp', 'iat', 'sub', 'gen'],
    })
    if (typeof payload.gen !== 'string' || !/^[1-9]\d{0,17}$/.test(payload.sub ?? '')) throw refused()
    return { userId: payload.sub!, generation: payload.gen }
  } catch (cause) {
    throw refused(cause)
  }
}

const refused = (cause?: unknown): AppError =>
  new AppError('unauthenticated', 'the token is wrong or expired: sign in again', { cause })
