/**
 * How many jobs of each run are in which state, without counting rows: as `totals.ts`, a trigger appends what a statement
 * changed and upkeep folds it, so the sum of both is exact in every snapshot. A removed job stays counted.
 */
import type { Db, Queryable } from '../db/pool.ts'
import type { RunCounts } from '../job/run-status.ts'
import { batchWords, statesOfBatchWord } from '../job/status-word.ts'
import { foldAtOnce, inTransaction } from './statements.ts'

/** Of the run whose id this expression gives: one row of the five counters and `total`, for a lateral join. */
export const countsOfRun = (id: string): string => `(
  select ${batchWords.map((word) => `${sumOf(word)} as ${word}`).join(', ')}, coalesce(sum(jobs), 0)::int as total
  from (
    select state, jobs from run_counts where run_id = ${id}
    union all select state, jobs from run_count_deltas where run_id = ${id}
  ) moved)`

function sumOf(word: (typeof batchWords)[number]): string {
  const states = statesOfBatchWord(word).map((state) => `'${state}'`)
  return `coalesce(sum(jobs) filter (where state in (${states.join(', ')})), 0)::int`
}

/** Those that exist, by key. */
export async function countsOfRuns(db: Queryable, keys: readonly string[]): Promise<Map<string, RunCounts>> {
  const { rows } = await db.query<RunCounts & { key: string }>({
    name: 'queue_run_counts',
    text: `select r.id as key, c.* from runs r cross join lateral ${countsOfRun('r.id')} c where r.id = any($1::bigint[])`,
    values: [keys],
  })
  return new Map(rows.map(({ key, ...counts }) => [key, counts]))
}

/** As `foldCounts`. Returns how many were folded. */
export async function foldRunCounts(db: Db | Queryable): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ n: number }>({
      name: 'queue_fold_run_counts',
      text: `
        with taken as (
          delete from run_count_deltas
          where ctid = any(array(select ctid from run_count_deltas limit ${foldAtOnce} for update skip locked))
          returning *
        ), folded as (
          insert into run_counts as c (run_id, state, jobs)
          select run_id, state, sum(jobs) from taken group by 1, 2 order by 1, 2
          on conflict (run_id, state) do update set jobs = c.jobs + excluded.jobs
        )
        select count(*)::int as n from taken`,
    })
    return rows[0]!.n
  })
}

/**
 * Counts batches anew whose jobs are all there; how those of others ended is known from their counts only. A pipeline's run
 * does not say how many jobs it made: its counts are as they were written. For a database
 * whose rows were written with the triggers off; nobody may change jobs meanwhile.
 */
export async function recountRuns(tx: Queryable): Promise<void> {
  const whole = `select r.id from runs r where r.kind = 'batch' and r.size = (select count(*) from jobs where run_id = r.id)`
  await tx.query(`delete from run_count_deltas where run_id in (${whole})`)
  await tx.query(`delete from run_counts where run_id in (${whole})`)
  await tx.query(
    `insert into run_counts select run_id, state, count(*) from jobs where run_id in (${whole}) group by 1, 2`,
  )
}
