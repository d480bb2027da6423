/** A runner that drains gives its leases back: the job waits in its old place, and no attempt is spent. */
import type { Db, Queryable } from '../db/pool.ts'
import { endAttempts, lockHeld } from './end-attempts.ts'
import { notify } from './notify.ts'
import { held, inTransaction, newRank } from './statements.ts'
import type { HandBackItem, Reported } from './types.ts'

export async function handBack(db: Db | Queryable, items: HandBackItem[]): Promise<Reported> {
  if (items.length === 0) return { results: [], changed: [] }
  return inTransaction(db, async (tx) => {
    const mine = await lockHeld(tx, items)
    const all = [...mine.values()]
    const returned = all.filter((attempt) => !attempt.cancel_requested)
    const { rows } = await tx.query<{ public_id: string }>({
      name: 'queue_hand_back',
      text: `
        with back as (select * from unnest($1::bigint[], $2::int[]) as b(job_id, number)),
        attempt as (
          update attempts a set state = 'handed_back', ended_at = now() from back
          where a.job_id = back.job_id and a.number = back.number and a.ended_at is null
        )
        update jobs j set state = 'queued', state_since = now(), rank = coalesce(j.rank, ${newRank('j.priority')})
        from back where j.id = back.job_id and j.state in ${held}
        returning j.public_id`,
      values: [returned.map((a) => a.job_id), returned.map((a) => a.number)],
    })
    // Nobody will run it again, and its runner does not have it any more: the cancel is done.
    const cancelled = await endAttempts(
      tx,
      all
        .filter((attempt) => attempt.cancel_requested)
        .map((attempt) => ({ attempt, outcome: { state: 'cancelled', remaining_processes: 0 }, log: null })),
    )
    const changed = [...rows.map((row) => row.public_id), ...cancelled.changed]
    await notify(tx, changed, rows.length > 0 || cancelled.work)
    return { results: items.map((_, nr) => (mine.has(nr) ? 'accepted' : 'stale')), changed }
  })
}
