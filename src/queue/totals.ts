/**
 * How many jobs there are of each kind (owner, queue, state) and how many bytes their logs have, without counting rows.
 * Triggers append what each statement changed, in its own transaction; upkeep folds that into `job_counts`. The sum of
 * both is exact in every snapshot, and after every crash: a change and its delta are committed together or not at all.
 */
import type { Db, Queryable } from '../db/pool.ts'
import type { JobState } from '../job/state.ts'
import { recountRuns } from './run-counts.ts'
import { foldAtOnce, inTransaction, terminal } from './statements.ts'
import { foldEnded } from './throughput.ts'

/** A row source: `(select …) t` with one or several rows for each kind, to be summed. */
export const totals = '(select * from job_counts union all select * from job_count_deltas)'

/** Two that fold at the same time take different deltas. Returns how many were folded. */
export async function foldCounts(db: Db | Queryable): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ n: number }>({
      name: 'queue_fold_counts',
      text: `
        with taken as (
          delete from job_count_deltas
          where ctid = any(array(select ctid from job_count_deltas limit ${foldAtOnce} for update skip locked))
          returning *
        ), folded as (
          insert into job_counts as c (owner_id, queue_id, state, jobs, log_bytes)
          select owner_id, queue_id, state, sum(jobs), sum(log_bytes) from taken group by 1, 2, 3 order by 1, 2, 3
          on conflict (owner_id, queue_id, state)
            do update set jobs = c.jobs + excluded.jobs, log_bytes = c.log_bytes + excluded.log_bytes
        ), ended as (${foldEnded})
        select count(*)::int as n from taken`,
    })
    const folded = rows[0]!.n
    if (folded > 0) await tx.query('delete from job_counts where jobs = 0 and log_bytes = 0')
    return folded
  })
}

/** Counts anew, for a database whose rows were written with the triggers off. Nobody may change jobs meanwhile. */
export async function recount(db: Db | Queryable): Promise<void> {
  await inTransaction(db, async (tx) => {
    await tx.query('lock table jobs in share row exclusive mode')
    await tx.query('delete from job_count_deltas')
    await tx.query('delete from job_counts')
    await tx.query(
      `insert into job_counts select owner_id, queue_id, state, count(*), sum(log_bytes) from jobs group by 1, 2, 3`,
    )
    await recountRuns(tx)
  })
}

export interface StateCount {
  /** Username. */
  owner: string
  state: JobState
  n: number
}

/** By user and state. */
export async function jobStats(db: Queryable, ownerId?: string): Promise<StateCount[]> {
  const { rows } = await db.query<StateCount>({
    name: 'queue_stats',
    text: `select u.username as owner, t.state, sum(t.jobs)::int as n from ${totals} t join users u on u.id = t.owner_id
      where $1::bigint is null or t.owner_id = $1
      group by u.username, t.state having sum(t.jobs) <> 0`,
    values: [ownerId ?? null],
  })
  return rows
}

/** What one owner has in the database and in the log store. */
export interface Usage {
  /** Waiting and running. */
  openJobs: number
  /** Ended, and not yet removed. */
  keptJobs: number
  /** Of the sealed logs of all of them, before compression. */
  logBytes: number
}

export const noUsage: Usage = { openJobs: 0, keptJobs: 0, logBytes: 0 }

/** By owner; who has nothing is not in the answer. */
export async function usageByOwner(db: Queryable, ownerId?: string): Promise<Map<string, Usage>> {
  const { rows } = await db.query<Usage & { ownerId: string }>({
    name: 'queue_usage',
    text: `select owner_id as "ownerId", coalesce(sum(jobs) filter (where state not in ${terminal}), 0)::int as "openJobs",
        coalesce(sum(jobs) filter (where state in ${terminal}), 0)::int as "keptJobs",
        sum(log_bytes)::float8 as "logBytes"
      from ${totals} t where $1::bigint is null or owner_id = $1 group by owner_id`,
    values: [ownerId ?? null],
  })
  return new Map(rows.map(({ ownerId: id, ...usage }) => [id, usage]))
}
