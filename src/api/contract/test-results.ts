/** How the tests went that jobs reported as JUnit XML: of one batch, and across batches. */
import * as z from 'zod'
import { base, batchId, cursor, instant, publicId, queryInt, queryList } from './base.ts'

const tags = ['batches']

export const testCounts = z.object({
  total: z.int(),
  passed: z.int(),
  failed: z.int(),
  skipped: z.int(),
  /** Of all test cases together. */
  duration_ms: z.number(),
})

export const testStatuses = ['passed', 'failed', 'skipped'] as const
const testResult = z.object({
  suite: z.string(),
  name: z.string(),
  status: z.enum(testStatuses),
  duration_ms: z.number(),
  /** Of a failed one. */
  message: z.string().nullable(),
  job_id: publicId,
  job_name: z.string(),
  attempt: z.int(),
})
export type TestResult = z.infer<typeof testResult>

export const batchTests = base
  .route({
    method: 'GET',
    path: '/job-batches/{id}/tests',
    tags,
    summary: 'The test cases that the jobs of a batch reported (JUnit XML); failed ones first',
  })
  .input(
    z.strictObject({
      id: batchId,
      status: queryList(z.enum(testStatuses)).optional(),
      sort: z.enum(['status', 'slowest']).default('status'),
      name: z.string().min(1).max(200).optional(),
      limit: queryInt(1, 500).default(100),
      cursor: cursor.optional(),
    }),
  )
  .output(z.object({ counts: testCounts, tests: z.array(testResult), next_cursor: z.string().nullable() }))

const insight = z.object({
  suite: z.string(),
  name: z.string(),
  runs: z.int(),
  passed: z.int(),
  failed: z.int(),
  /** Of the executed runs, how often the result differed from the one before: 0 is steady. */
  flips: z.int(),
  mean_ms: z.number(),
  max_ms: z.number(),
  last_status: z.enum(testStatuses),
  last_job_id: publicId,
  last_at: instant,
})
export type TestInsight = z.infer<typeof insight>

export const testInsights = base
  .route({
    method: 'GET',
    path: '/tests/insights',
    tags,
    summary: 'Tests across batches: the flaky ones, the slowest, the most failing',
  })
  .input(
    z.strictObject({
      order: z.enum(['flaky', 'slowest', 'failing']).default('flaky'),
      /** Only batches of exactly this name. */
      batch: z.string().min(1).max(200).optional(),
      days: queryInt(1, 365).default(14),
      limit: queryInt(1, 200).default(50),
    }),
  )
  .output(z.object({ tests: z.array(insight) }))
