/** Forgets what nobody uses any more: old idempotency keys, lanes without jobs, runners that are long gone. */
import type { Db, Queryable } from '../db/pool.ts'
import { inTransaction, terminal } from './statements.ts'
import { idempotencyHours } from './submit.ts'
import { totals } from './totals.ts'

export async function pruneIdempotencyKeys(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys where created_at < now() - make_interval(hours => ${idempotencyHours})`,
  )
  return rowCount
}

/** A lane is needed while one of its jobs may still be claimed, also after a retry; and cheap to make again. */
export async function pruneLanes(db: Db | Queryable): Promise<number> {
  return inTransaction(db, async (tx) => {
    await tx.query(
      `update lanes set last_used_at = now() where last_used_at < now() - interval '12 hours' and id in ${lanesInUse}`,
    )
    const { rows } = await tx.query<{ id: string }>(
      `select id from lanes where last_used_at < now() - interval '1 day' order by id for update skip locked`,
    )
    if (rows.length === 0) return 0
    // Looked at after the lock: a submit that was just committed holds its lane no longer, but has its jobs in it.
    const { rowCount } = await tx.query(`delete from lanes where id = any($1::bigint[]) and id not in ${lanesInUse}`, [
      rows.map((row) => row.id),
    ])
    return rowCount
  })
}

/** Looks only at jobs that have not ended, by way of the kinds of which there are any. */
const lanesInUse = `(
  select j.lane_id from (
    select owner_id, queue_id, state from ${totals} t where state not in ${terminal} group by 1, 2, 3 having sum(jobs) > 0
  ) open join jobs j on j.owner_id = open.owner_id and j.queue_id = open.queue_id and j.state = open.state
  where j.lane_id is not null)`

/** Every removal looks through all attempts once, so it does not take many at a time. */
const runnersPerPass = 20

/** Runners that nobody heard of for so long, and that no kept job names. 0 days: never. Returns their names. */
export async function pruneRunners(db: Queryable, retainDays: number): Promise<string[]> {
  if (retainDays <= 0) return []
  const { rows } = await db.query<{ name: string }>({
    name: 'queue_prune_runners',
    text: `
      with gone as (
        select id from runners where state = 'offline' and last_seen_at < now() - make_interval(secs => $1::float8 * 86400)
      ), named as materialized (
        select distinct runner_id from attempts where exists (select 1 from gone)
      ), unnamed as (
        select r.id from runners r join gone using (id)
        where not exists (select 1 from named where named.runner_id = r.id)
        order by r.id limit ${runnersPerPass} for update of r skip locked
      )
      delete from runners r using unnamed where r.id = unnamed.id and r.state = 'offline' returning r.name`,
    values: [retainDays],
  })
  return rows.map((row) => row.name)
}
