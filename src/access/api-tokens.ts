/** Long-lived API tokens: shown once, stored as a hash, used at any rate by their owner's rights only. */
import { createHash, randomBytes } from 'node:crypto'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { tellAccess } from './access-changes.ts'
import type { Person, Role } from './permissions.ts'

export interface ApiTokenRow {
  id: string
  name: string
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}

const tokenPattern = /^ry_[A-Za-z0-9_-]{43}$/
export const looksLikeApiToken = (text: string): boolean => text.startsWith('ry_')

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()
const columns = `id, name, created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt"`

export async function createApiToken(
  db: Queryable,
  input: { userId: string; name: string; expiresInSeconds?: number },
): Promise<ApiTokenRow & { token: string }> {
  const token = `ry_${randomBytes(32).toString('base64url')}`
  const { rows } = await db.query<ApiTokenRow>(
    `insert into api_tokens (user_id, name, hash, created_at, expires_at)
     values ($1, $2, $3, clock_timestamp(), now() + $4 * interval '1 second') returning ${columns}`,
    [input.userId, input.name, hashOf(token), input.expiresInSeconds ?? null],
  )
  return { ...rows[0]!, token }
}

/** Those that still hold. */
export async function listApiTokens(db: Queryable, userId: string): Promise<ApiTokenRow[]> {
  const { rows } = await db.query<ApiTokenRow>(
    `select ${columns} from api_tokens
     where user_id = $1 and revoked_at is null and (expires_at is null or expires_at > now()) order by id`,
    [userId],
  )
  return rows
}

/** False: there is no such token, or it is somebody else's when `ownerId` is given. */
export async function revokeApiToken(db: Queryable, input: { id: string; ownerId?: string }): Promise<boolean> {
  const { rows } = await db.query<{ revoked: boolean }>(
    `with changed as (
       update api_tokens set revoked_at = now()
       where id = $1 and ($2::bigint is null or user_id = $2) and revoked_at is null returning id
     ), ${tellAccess}
     select count(*) > 0 as revoked from told`,
    [input.id, input.ownerId ?? null],
  )
  return rows[0]!.revoked
}

/** The owner, with today's role. Refused alike: unknown, revoked, expired, owner disabled or signed out everywhere. */
export async function verifyApiToken(db: Queryable, token: string): Promise<Person> {
  if (tokenPattern.test(token)) {
    const { rows } = await db.query<{ id: string; userId: string; username: string; role: Role; stale: boolean }>({
      name: 'verify_api_token',
      text: `select t.id, u.id as "userId", u.username, u.role,
               coalesce(t.last_used_at < now() - interval '1 minute', true) as stale
             from api_tokens t join users u on u.id = t.user_id
             where t.hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
               and u.disabled_at is null and t.created_at >= u.sessions_valid_after`,
      values: [hashOf(token)],
    })
    const row = rows[0]
    if (row) {
      if (row.stale) await db.query('update api_tokens set last_used_at = now() where id = $1', [row.id])
      return { kind: 'token', userId: row.userId, username: row.username, role: row.role, tokenId: row.id }
    }
  }
  throw new AppError('unauthenticated', 'this API token is wrong, expired or revoked')
}
