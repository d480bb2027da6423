import { expect, test } from 'vitest'
import type { BatchEnded, PipelineEnded } from './outbox.ts'
import { phraseBatchEnd, phrasePipelineEnd } from './phrase.ts'

const facts: BatchEnded = {
  ...{ kind: 'batch_ended', key: '1', id: 'abcdefghijkl', name: 'nightly', status: 'failed', forced: false },
  counts: { waiting: 0, running: 0, passed: 1485, failed: 15, cancelled: 0, total: 1500 },
  created_at: '2026-11-22T10:00:00.000Z',
  started_at: '2026-11-22T10:00:10.000Z',
  ended_at: '2026-11-22T11:02:13.000Z',
}
const passed = { ...facts.counts, passed: 1500, failed: 0 }
const names = Array.from({ length: 11 }, (_, i) => `test-${i}`)

test('a batch that failed names ten of the jobs, and how many more there are', () => {
  const words = phraseBatchEnd(facts, names, 'https://runyard.example/ci/')
  expect(words.subject).toBe('Batch nightly failed: 15 of 1,500 jobs')
  expect(words.text).toBe(
    `1,485 passed, 15 failed; took 1 h 2 min.\n\nFailed jobs:\n${names
      .slice(0, 10)
      .map((name) => `- ${name}`)
      .join('\n')}\n- and 5 more`,
  )
  expect(words).toMatchObject({ tone: 'failed', link: 'https://runyard.example/ci/batches/abcdefghijkl' })
  expect(words.data).toMatchObject({ batch: { id: 'abcdefghijkl', status: 'failed', failed_jobs: names.slice(0, 10) } })
})

test.each([
  [
    { status: 'passed', counts: passed },
    'Batch nightly passed: all 1,500 jobs',
    '1,500 passed, 0 failed; took 1 h 2 min.',
  ],
  [
    { status: 'passed', counts: { ...passed, passed: 1, total: 1 }, ended_at: '2026-11-22T10:00:10.400Z' },
    'Batch nightly passed: its job',
    '1 passed, 0 failed; took 0 s.',
  ],
  [
    { status: 'cancelled', counts: { ...passed, passed: 0, cancelled: 1500 }, started_at: null },
    'Batch nightly was cancelled: 0 of 1,500 jobs passed',
    '0 passed, 0 failed, 1,500 cancelled; none of its jobs began.',
  ],
  [
    { status: 'cancelled', forced: true, counts: { ...passed, passed: 1499, running: 1 } },
    'Batch nightly was cancelled: 1,499 of 1,500 jobs passed',
    '1,499 passed, 0 failed, 1 running; took 1 h 2 min.\nIt was declared complete before all its jobs had ended.',
  ],
] as [Partial<BatchEnded>, string, string][])('%o', (over, subject, text) => {
  const words = phraseBatchEnd({ ...facts, ...over }, [], undefined)
  expect(words).toMatchObject({ subject, text })
  expect(words.link).toBeUndefined()
})

test.each([
  [
    { status: 'failed', last_error: 'task test failed: exit code 3' },
    ['test', 'lint'],
    'Pipeline release failed',
    'Took 1 h 2 min.\ntask test failed: exit code 3\n\nFailed tasks:\n- test\n- lint',
  ],
  [{ status: 'succeeded' }, [], 'Pipeline release succeeded', 'Took 1 h 2 min.'],
  [
    { status: 'cancelled', started_at: null, last_error: 'replaced by run abcdefghijkm' },
    [],
    'Pipeline release was cancelled',
    'None of its tasks began.\nreplaced by run abcdefghijkm',
  ],
] as [Partial<PipelineEnded>, string[], string, string][])('of a pipeline: %o', (over, failed, subject, text) => {
  const { created_at, started_at, ended_at } = facts
  const run = { kind: 'pipeline_ended', key: '1', id: 'abcdefghijkl', pipeline: 'release', last_error: null } as const
  const words = phrasePipelineEnd(
    { ...run, status: 'failed', created_at, started_at, ended_at, ...over },
    failed,
    'https://runyard.example',
  )
  expect(words).toMatchObject({ subject, text, type: 'pipeline.ended' })
  expect(words.link).toBe('https://runyard.example/runs/abcdefghijkl')
})
