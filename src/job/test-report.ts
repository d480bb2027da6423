/** What the test cases of one attempt came to, as its runner tells the server. */
import * as z from 'zod'

export const testStatuses = ['passed', 'failed', 'skipped'] as const
export type TestStatus = (typeof testStatuses)[number]

export const testLimits = {
  /** Cases that are kept one by one; the totals count all. Failed ones come first. */
  cases: 5000,
  nameLetters: 300,
  messageBytes: 2048,
  /** Of all names and messages of a report together. */
  textBytes: 4 * 1024 * 1024,
  /** Things to say about files that could not be read. */
  notes: 20,
  noteLetters: 500,
} as const

const count = z.int().min(0).max(1_000_000_000)
/** Milliseconds; a century. */
const duration = z.number().min(0).max(3.2e12)
const text = z.string().max(testLimits.nameLetters)

const testCase = z.object({
  suite: text,
  name: text,
  status: z.enum(testStatuses),
  durationMs: duration,
  /** Of a failed one. */
  message: z.string().max(testLimits.messageBytes).nullable(),
})
export type TestCase = z.infer<typeof testCase>

export const testReportSchema = z.object({
  total: count,
  passed: count,
  failed: count,
  skipped: count,
  durationMs: duration,
  cases: z.array(testCase).max(testLimits.cases),
})
export type TestReport = z.infer<typeof testReportSchema>
