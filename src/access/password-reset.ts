/** One-time codes with which somebody sets a new password. Shown once, stored as a hash, worth one try that is right. */
import { createHash, randomBytes } from 'node:crypto'
import type { Queryable } from '../db/pool.ts'
import { findUser, type User } from './users.ts'

export const resetMinutes = 60

/** Without letters that are read as digits; 20 of them are 97 bits. */
const alphabet = '23456789ABCDEFGHJKMNPQRSTVWXYZ'
const length = 20

/** In fours, as people read it aloud; how it is typed does not matter. */
const plain = (code: string): string => code.toUpperCase().replaceAll(/[\s-]/g, '')
const hashOf = (code: string): Buffer => createHash('sha256').update(plain(code)).digest()

function newCode(): string {
  let code = ''
  while (code.length < length) {
    // 30 letters: a byte of 240 or more would make the first ones likelier.
    for (const byte of randomBytes(length)) if (byte < 240 && code.length < length) code += alphabet[byte % 30]
  }
  return code.replaceAll(/(.{4})(?=.)/g, '$1-')
}

/** A new code takes the place of one before. */
export async function createReset(db: Queryable, userId: string): Promise<{ code: string; expiresAt: Date }> {
  const code = newCode()
  const { rows } = await db.query<{ expiresAt: Date }>(
    `insert into password_resets (user_id, hash, expires_at)
     values ($1, $2, clock_timestamp() + interval '${resetMinutes} minutes')
     on conflict (user_id) do update set hash = excluded.hash, expires_at = excluded.expires_at
     returning expires_at as "expiresAt"`,
    [userId, hashOf(code)],
  )
  return { code, expiresAt: rows[0]!.expiresAt }
}

/** Uses the code up. Null: no such account, or the code is wrong, used or ended. */
export async function spendReset(tx: Queryable, username: string, code: string): Promise<User | null> {
  const user = await findUser(tx, username)
  const { rowCount } = await tx.query(
    'delete from password_resets where user_id = $1 and hash = $2 and expires_at > clock_timestamp()',
    [user?.id ?? null, hashOf(code)],
  )
  return rowCount === 1 && user?.disabledAt === null ? user : null
}
