/** Forgets what nobody uses any more: old idempotency keys, lanes without jobs, runners that are long gone. */
import type { Db, Queryable } from '../db/pool.ts'
import { idempotencyHours } from './idempotency.ts'
import { claimLock, inTransaction, terminal } from './statements.ts'
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

/**
 * Runners that nobody heard of for so long, and that no kept job names. 0 days: never. Returns their names. No foreign key
 * holds a runner that an attempt names, so it goes under the lock of claims: nobody else makes attempts, and a claim gives
 * them to runners only that are online then.
 */
export async function pruneRunners(db: Db | Queryable, retainDays: number): Promise<string[]> {
  if (retainDays <= 0) return []
  const { rows: unnamed } = await db.query<{ id: string }>({
    name: 'queue_unnamed_runners',
    text: `
      with gone as materialized (select id from runners r where ${longGone('r')}), named as materialized (
        select distinct runner_id from attempts where exists (select 1 from gone)
      )
      select id from gone where not exists (select 1 from named where named.runner_id = gone.id)`,
    values: [retainDays],
  })
  if (unnamed.length === 0) return []
  return inTransaction(db, async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [claimLock])
    const { rows } = await tx.query<{ name: string }>({
      name: 'queue_prune_runners',
      text: `delete from runners r where ${longGone('r')} and r.id = any($2::bigint[])
        and not exists (select 1 from attempts a where a.runner_id = r.id and a.ended_at is null) returning r.name`,
      values: [retainDays, unnamed.map((runner) => runner.id)],
    })
    return rows.map((row) => row.name)
  })
}

const longGone = (r: string): string =>
  `${r}.state = 'offline' and ${r}.last_seen_at < now() - make_interval(secs => $1::float8 * 86400)`
