/** Ends all jobs of a run, some hundred in a transaction, so that nobody waits long for a lock of theirs. */
import type { Db, Queryable } from '../db/pool.ts'
import { cancelMany } from './cancel.ts'
import { tellRun } from './run-notices.ts'
import { terminal } from './statements.ts'

const cancelAtOnce = 500

/** Written down first: after a crash in the middle upkeep goes on. False when the run has ended. */
export async function requestRunCancel(tx: Queryable, key: string, how: { complete: boolean }): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'queue_request_run_cancel',
    text: `update runs set cancel_requested_at = coalesce(cancel_requested_at, now()),
        forced_at = case when $2 then coalesce(forced_at, now()) else forced_at end
      where id = $1 and ended_at is null`,
    values: [key, how.complete],
  })
  await tellRun(tx, key)
  return rowCount === 1
}

/** What waits is cancelled at once, what runs is stopped by its runner. Counts of both. */
export async function cancelMembers(
  db: Db,
  runKey: string,
  how: { reason?: string; force?: boolean },
): Promise<{ cancelled: number; stopping: number }> {
  const { rows } = await db.query<{ id: string }>(
    `select public_id as id from jobs where run_id = $1 and state not in ${terminal} order by id`,
    [runKey],
  )
  const sum = { cancelled: 0, stopping: 0 }
  for (let i = 0; i < rows.length; i += cancelAtOnce) {
    const ids = rows.slice(i, i + cancelAtOnce).map((row) => row.id)
    for (const job of await cancelMany(db, { ids, ...how })) {
      if (job.ended) continue
      if (job.requested) sum.stopping += 1
      else sum.cancelled += 1
    }
  }
  return sum
}
