/** Long-lived API tokens: shown once, stored as a hash, used at any rate by their owner's rights only. */
import { createHash, randomBytes } from 'node:crypto'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { tellAccess } from './access-changes.ts'
import type { Person, Role, TokenScope } from './permissions.ts'
import { noteSeen } from './seen-users.ts'

export interface ApiTokenRow {
  id: string
  name: string
  /** Null: all that its owner may. */
  scopes: TokenScope[] | null
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}

const tokenPattern = /^ry_[A-Za-z0-9_-]{43}$/
export const looksLikeApiToken = (text: string): boolean => text.startsWith('ry_')

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()
const columns = `id, name, scopes, created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt"`

export interface NewApiToken {
  userId: string
  name: string
  expiresInSeconds?: number
  /** Left out: all that the owner may. */
  scopes?: readonly TokenScope[]
  /** The token that asks for another: the new one ends with it at the latest. */
  madeByTokenId?: string
}

export async function createApiToken(db: Queryable, input: NewApiToken): Promise<ApiTokenRow & { token: string }> {
  const token = `ry_${randomBytes(32).toString('base64url')}`
  const { rows } = await db.query<ApiTokenRow>(
    `insert into api_tokens (user_id, name, hash, created_at, expires_at, scopes)
     values ($1, $2, $3, clock_timestamp(),
       least(now() + $4 * interval '1 second', (select expires_at from api_tokens where id = $6)), $5)
     returning ${columns}`,
    [
      input.userId,
      input.name,
      hashOf(token),
      input.expiresInSeconds ?? null,
      input.scopes ?? null,
      input.madeByTokenId ?? null,
    ],
  )
  return { ...rows[0]!, token }
}

/** Those that still hold. */
export async function listApiTokens(db: Queryable, userId: string): Promise<ApiTokenRow[]> {
  const { rows } = await db.query<ApiTokenRow>(
    `select ${columns} from api_tokens
     where user_id = $1 and revoked_at is null and (expires_at is null or expires_at > now())
       and created_at >= (select sessions_valid_after from users where id = $1) order by id`,
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

interface VerifiedRow {
  id: string
  userId: string
  username: string
  role: Role
  scopes: TokenScope[] | null
  stale: boolean
  unseen: boolean
}

/** The owner, with today's role. Refused alike: unknown, revoked, expired, owner disabled or signed out everywhere. */
export async function verifyApiToken(db: Queryable, token: string): Promise<Person> {
  if (tokenPattern.test(token)) {
    const { rows } = await db.query<VerifiedRow>({
      name: 'verify_api_token',
      text: `select t.id, u.id as "userId", u.username, u.role, t.scopes,
               coalesce(t.last_used_at < now() - interval '1 minute', true) as stale,
               coalesce(u.last_seen_at < now() - interval '1 minute', true) as unseen
             from api_tokens t join users u on u.id = t.user_id
             where t.hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
               and u.disabled_at is null and t.created_at >= u.sessions_valid_after`,
      values: [hashOf(token)],
    })
    const row = rows[0]
    if (row) {
      if (row.stale) await db.query('update api_tokens set last_used_at = now() where id = $1', [row.id])
      if (row.unseen) await noteSeen(db, [row.userId])
      const { userId, username, role, scopes } = row
      return { kind: 'token', userId, username, role, tokenId: row.id, ...(scopes === null ? {} : { scopes }) }
    }
  }
  throw new AppError('unauthenticated', 'this API token is wrong, expired or revoked')
}
