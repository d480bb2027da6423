/** How the tests went that jobs reported: of one batch, and across batches. */
import type { TestReport, TestStatus } from '../job/test-report.ts'
import { testReportSchema } from '../job/test-report.ts'
import { AppError } from '../lib/app-error.ts'
import { testInsights as findInsights } from '../queue/test-insights.ts'
import { listTests, testCountsOf } from '../queue/tests.ts'
import { known, type Ask, type Deps } from './deps.ts'
import { batchOf } from './find-batches.ts'
import { ownerScope } from './find-jobs.ts'

export interface BatchTestsInput {
  id: string
  status?: TestStatus[]
  sort: 'status' | 'slowest'
  name?: string
  limit: number
  cursor?: string
}

const none = { total: 0, passed: 0, failed: 0, skipped: 0, duration_ms: 0 }

export async function batchTests(deps: Deps, anyAsk: Ask, { id, cursor, limit, ...filter }: BatchTestsInput) {
  const { key } = await batchOf(deps.db, known(anyAsk), id)
  const [counts, { rows, nextCursor }] = await Promise.all([
    testCountsOf(deps.db, [key]),
    listTests(deps.db, key, filter, cursor ?? null, limit),
  ])
  const tests = rows.map(({ suite, name, status, durationMs, message, jobPublicId, jobName, attempt }) => ({
    ...{ suite, name, status, message, attempt },
    duration_ms: durationMs,
    job_id: jobPublicId,
    job_name: jobName,
  }))
  return { counts: counts.get(key) ?? none, tests, next_cursor: nextCursor }
}

export interface InsightsInput {
  order: 'flaky' | 'slowest' | 'failing'
  batch?: string
  days: number
  limit: number
}

export async function testInsights(deps: Deps, anyAsk: Ask, { order, batch, days, limit }: InsightsInput) {
  const ownerId = ownerScope(known(anyAsk), 'batch.read')
  const rows = await findInsights(deps.db, { ownerId, runName: batch, days, order, limit })
  return {
    tests: rows.map(({ suite, name, runs, passed, failed, flips, ...row }) => ({
      ...{ suite, name, runs, passed, failed, flips },
      mean_ms: row.meanMs,
      max_ms: row.maxMs,
      last_status: row.lastStatus,
      last_job_id: row.lastJob,
      last_at: row.lastAt.toISOString(),
    })),
  }
}

/** A runner's word: its sizes are held to here once more. */
export function checkedTests(report: unknown): TestReport {
  const read = testReportSchema.safeParse(report)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new AppError('invalid_argument', `tests.${issue?.path.join('.')}: ${issue?.message}`)
}
