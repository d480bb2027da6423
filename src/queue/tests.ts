/** Test cases that attempts reported: stored under the fence of the attempt, counted for jobs and runs, listed. */
import type { Db, Queryable } from '../db/pool.ts'
import type { TestReport, TestStatus } from '../job/test-report.ts'
import { AppError } from '../lib/app-error.ts'
import { lockHeld } from './end-attempts.ts'
import { safeJson } from './statements.ts'
import type { AttemptRef, FromRunner } from './types.ts'

/** Failed first, as they are shown. */
const statusNumbers: Record<TestStatus, number> = { failed: 0, skipped: 1, passed: 2 }
export const statusOf = (number: number): TestStatus => (['failed', 'skipped', 'passed'] as const)[number] ?? 'passed'

/**
 * False: the attempt is not the sender's any more, and nothing was stored. Before the attempt ends, in a transaction of
 * its own: 5,000 cases take 115 ms, which the ends of other attempts must not wait for. Told again, it replaces.
 */
export async function storeTests(
  db: Db,
  item: FromRunner & { ref: AttemptRef },
  { cases, ...totals }: TestReport,
): Promise<boolean> {
  const { jobKey, number } = item.ref
  return db.tx(async (tx) => {
    if ((await lockHeld(tx, [item])).size === 0) return false
    await tx.query({
      name: 'tests_forget',
      text: 'delete from test_results where job_id = $1 and attempt = $2',
      values: [jobKey, number],
    })
    await tx.query({
      name: 'tests_total',
      text: `insert into job_tests (job_id, run_id, attempt, total, passed, failed, skipped, duration_ms)
        select id, run_id, $2, $3, $4, $5, $6, $7 from jobs where id = $1
        on conflict (job_id) do update set attempt = excluded.attempt, total = excluded.total,
          passed = excluded.passed, failed = excluded.failed, skipped = excluded.skipped,
          duration_ms = excluded.duration_ms`,
      values: [jobKey, number, totals.total, totals.passed, totals.failed, totals.skipped, totals.durationMs],
    })
    await tx.query({
      name: 'tests_store',
      text: `insert into test_results
          (job_id, attempt, nr, owner_id, run_id, series, status, suite, name, duration_ms, message)
        select j.id, $2, c.nr, j.owner_id, j.run_id, hashtextextended(j.name, 0), c.status, c.suite, c.name, c.ms,
          c.message
        from jobs j, jsonb_to_recordset($3::jsonb)
          as c(nr int, status smallint, suite text, name text, ms float8, message text)
        where j.id = $1`,
      values: [
        jobKey,
        number,
        safeJson(
          cases.map(({ status, suite, name, durationMs, message }, nr) => ({
            ...{ nr, status: statusNumbers[status], suite, name, ms: durationMs, message },
          })),
        ),
      ],
    })
    return true
  })
}

export interface TestCounts {
  total: number
  passed: number
  failed: number
  skipped: number
  duration_ms: number
}

const sums = `sum(total)::float8 as total, sum(passed)::float8 as passed, sum(failed)::float8 as failed,
  sum(skipped)::float8 as skipped, sum(duration_ms)::float8 as duration_ms`

/** By run; one whose jobs have reported no tests is missing. */
export async function testCountsOf(db: Queryable, runKeys: readonly string[]): Promise<Map<string, TestCounts>> {
  if (runKeys.length === 0) return new Map()
  const { rows } = await db.query<TestCounts & { key: string }>({
    name: 'tests_of_runs',
    text: `select run_id::text as key, ${sums} from job_tests where run_id = any($1::bigint[]) group by 1`,
    values: [runKeys],
  })
  return byKey(rows)
}

/** By job; one that has reported no tests is missing. */
export async function testCountsOfJobs(db: Queryable, jobKeys: readonly string[]): Promise<Map<string, TestCounts>> {
  if (jobKeys.length === 0) return new Map()
  const { rows } = await db.query<TestCounts & { key: string }>({
    name: 'tests_of_jobs',
    text: `select job_id::text as key, total, passed, failed, skipped, duration_ms
      from job_tests where job_id = any($1::bigint[])`,
    values: [jobKeys],
  })
  return byKey(rows)
}

const byKey = (rows: (TestCounts & { key: string })[]): Map<string, TestCounts> =>
  new Map(rows.map(({ key, ...counts }) => [key, counts]))

export interface TestRow {
  suite: string
  name: string
  status: TestStatus
  durationMs: number
  message: string | null
  jobPublicId: string
  jobName: string
  attempt: number
}

export interface TestFilter {
  status?: TestStatus[] | undefined
  /** A part of the name or the suite, letter case aside. */
  name?: string | undefined
  sort: 'status' | 'slowest'
}

type Place = [first: number, jobKey: string, nr: number]

/** Of the newest attempt of each of the run's jobs. */
export async function listTests(
  db: Queryable,
  runKey: string,
  { status, name, sort }: TestFilter,
  cursor: string | null,
  limit: number,
): Promise<{ rows: TestRow[]; nextCursor: string | null }> {
  const first = sort === 'status' ? 'r.status' : '-r.duration_ms'
  const after = cursor === null ? null : placeOf(cursor)
  const { rows } = await db.query<
    Omit<TestRow, 'status'> & { status: number; first: number; job_id: string; nr: number }
  >(
    `select r.suite, r.name, r.status, r.duration_ms as "durationMs", r.message, j.public_id as "jobPublicId",
       j.name as "jobName", r.attempt, ${first}::float8 as first, r.job_id, r.nr
     from test_results r join job_tests t on t.job_id = r.job_id and t.attempt = r.attempt join jobs j on j.id = r.job_id
     where r.run_id = $1::bigint
       and ($2::int[] is null or r.status = any($2::int[]))
       and ($3::text is null or strpos(lower(r.suite || ' ' || r.name), lower($3)) > 0)
       and ($4::float8 is null or (${first}, r.job_id, r.nr) > ($4::float8, $5::bigint, $6::int))
     order by ${first}, r.job_id, r.nr limit $7`,
    [
      runKey,
      status?.map((one) => statusNumbers[one]) ?? null,
      name ?? null,
      ...(after ?? [null, null, null]),
      limit + 1,
    ],
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    rows: page.map(({ suite, name: test, status: number, durationMs, message, jobPublicId, jobName, attempt }) => ({
      ...{ suite, name: test, durationMs, message, jobPublicId, jobName, attempt },
      status: statusOf(number),
    })),
    nextCursor: rows.length > limit && last ? cursorOf([last.first, last.job_id, last.nr]) : null,
  }
}

const cursorOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url')

function placeOf(cursor: string): Place {
  try {
    const [first, jobKey, nr] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Place
    if (Number.isFinite(first) && /^\d{1,18}$/.test(jobKey) && Number.isInteger(nr)) return [first, jobKey, nr]
  } catch {
    // The same answer as for any other text that we did not make.
  }
  throw new AppError('invalid_argument', 'the cursor is not one that a list has given', {
    fields: [{ field: 'cursor', message: 'is not one that a list has given' }],
  })
}
