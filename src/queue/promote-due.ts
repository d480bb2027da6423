import type { Db, Queryable } from '../db/pool.ts'
import { notify } from './notify.ts'
import { inTransaction, newRank, stateById } from './statements.ts'

/** One pass moves at most this many, so that a flood of due jobs is not one long transaction. */
const perPass = 5000

/** Scheduled jobs whose time has come, delays and backoffs alike, wait in their lane. Returns how many. */
export async function promoteDue(db: Db | Queryable): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ public_id: string }>({
      name: 'queue_promote_due',
      text: `
        with due as (
          select id from jobs where state = 'scheduled' and not_before <= clock_timestamp()
          order by not_before limit ${perPass} for no key update skip locked
        )
        update jobs j set state = 'queued', state_since = now(), scheduled_for = null,
          rank = coalesce(j.rank, ${newRank('j.priority')})
        from due where j.id = due.id and ${stateById('j')} = 'scheduled'
        returning j.public_id`,
    })
    await notify(
      tx,
      rows.map((row) => row.public_id),
      rows.length > 0,
    )
    return rows.length
  })
}

/** Milliseconds until the next scheduled job is due, 0 when one is; undefined when there is none. */
export async function nextDueMs(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query<{ ms: number }>(
    `select greatest(0, extract(epoch from not_before - clock_timestamp()) * 1000)::float8 as ms
     from jobs where state = 'scheduled' order by not_before limit 1`,
  )
  return rows[0]?.ms
}
