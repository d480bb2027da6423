/** Open jobs of accounts that are gone: nobody is left to want them. */
import type { Db, Queryable } from '../db/pool.ts'
import type { Service } from '../lib/service.ts'
import { cancelMany } from './cancel.ts'
import { terminal } from './statements.ts'

const reason = 'the account was deleted'

/** Returns how many were open. */
export async function cancelAllOf(tx: Db | Queryable, ownerId: string): Promise<number> {
  const { rows } = await tx.query<{ id: string }>(
    `select public_id as id from jobs where owner_id = $1 and state not in ${terminal}`,
    [ownerId],
  )
  return cancelThese(tx, rows)
}

/**
 * What was on its way when an account was deleted: a submit that had asked who it was just before, a retry. Such a job
 * comes within seconds, so only those who left in the last minutes are looked at.
 */
export async function cancelOfLeavers(db: Db | Queryable): Promise<number> {
  const { rows } = await db.query<{ id: string }>(
    `select j.public_id as id from users u join jobs j on j.owner_id = u.id
     where u.deleted_at > now() - interval '5 minutes' and j.state not in ${terminal} and j.cancel_requested_at is null`,
  )
  return cancelThese(db, rows)
}

async function cancelThese(db: Db | Queryable, rows: { id: string }[]): Promise<number> {
  if (rows.length === 0) return 0
  const done = await cancelMany(db, { ids: rows.map(({ id }) => id), reason })
  return done.filter(({ ended }) => !ended).length
}

export const leaverService = (db: Db): Service => ({
  name: 'queue.leavers',
  every: 5000,
  runOnce: async () => void (await cancelOfLeavers(db)),
})
