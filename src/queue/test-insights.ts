/** Tests across runs. */
import type { Queryable } from '../db/pool.ts'
import type { TestStatus } from '../job/test-report.ts'
import { statusOf } from './tests.ts'

export interface InsightFilter {
  /** Undefined: everybody's. */
  ownerId?: string | undefined
  /** Only runs of exactly this name. */
  runName?: string | undefined
  days: number
  order: 'flaky' | 'slowest' | 'failing'
  limit: number
}

export interface InsightRow {
  suite: string
  name: string
  runs: number
  passed: number
  failed: number
  flips: number
  meanMs: number
  maxMs: number
  lastStatus: TestStatus
  lastJob: string
  lastAt: Date
}

/** The newest executions are looked at, not more of them: 200,000 took 3 s on a machine that was busy. */
export const mostExecutions = 100_000

const orders = {
  flaky: { having: 'sum(flip) > 0', by: 'flips desc, failed desc' },
  slowest: { having: 'true', by: 'avg(duration_ms) desc' },
  failing: { having: 'count(*) filter (where status = 0) > 0', by: 'failed desc, runs' },
} as const

/**
 * Skipped executions count for nothing. A flip is a result that differs from the one before in the same series: jobs of
 * one name, their retries and re-runs among them.
 */
export async function testInsights(
  db: Queryable,
  { ownerId, runName, days, order, limit }: InsightFilter,
): Promise<InsightRow[]> {
  const { having, by } = orders[order]
  const { rows } = await db.query<Omit<InsightRow, 'lastStatus'> & { lastStatus: number }>(
    `with recent as (
       select suite, name, series, status, duration_ms, at, job_id, attempt, nr from test_results
       where at > now() - make_interval(days => $1) and status <> 1
         and ($2::bigint is null or owner_id = $2::bigint)
         and ($3::text is null or run_id in (select id from runs where kind = 'batch' and name = $3 and ($2::bigint is null or owner_id = $2)))
       order by at desc limit ${mostExecutions}
     ), told as (
       select *, case when status <> lag(status, 1, status) over (
         partition by suite, name, series order by at, job_id, attempt, nr) then 1 else 0 end as flip from recent
     ), summed as (
       select suite, name, count(*)::int as runs, (count(*) filter (where status = 2))::int as passed,
         (count(*) filter (where status = 0))::int as failed, sum(flip)::int as flips,
         avg(duration_ms) as "meanMs", max(duration_ms) as "maxMs",
         max(array[extract(epoch from at), job_id, attempt, nr, status]) as last
       from told group by suite, name having ${having} order by ${by}, suite, name limit $4
     )
     select s.suite, s.name, runs, passed, failed, flips, "meanMs", "maxMs", s.last[5]::int as "lastStatus",
       j.public_id as "lastJob", to_timestamp(s.last[1]) as "lastAt"
     from summed s join jobs j on j.id = s.last[2]::bigint
     order by ${by.replace('avg(duration_ms)', '"meanMs"')}, s.suite, s.name`,
    [days, ownerId ?? null, runName ?? null, limit],
  )
  return rows.map((row) => ({ ...row, lastStatus: statusOf(row.lastStatus) }))
}
