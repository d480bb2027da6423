/** Batches and members for tests. */
import type { Batch, Job } from '../../lib/api.ts'

export const sampleBatch = (over: Partial<Batch> = {}): Batch => ({
  id: 'batch0000001',
  name: 'nightly',
  description: null,
  owner: 'ada',
  status: 'running',
  counts: { waiting: 60, running: 20, passed: 15, failed: 4, cancelled: 1, total: 100 },
  tests: null,
  created_at: '2026-11-22T10:00:00.000Z',
  started_at: '2026-11-22T10:00:10.000Z',
  ended_at: null,
  duration_ms: null,
  cancel_requested: false,
  forced: false,
  rerun_of: null,
  template: null,
  notify: [],
  ...over,
})

/** Only what the code under test reads. */
export const sampleMember = (index: number, over: Partial<Job> = {}): Job =>
  ({
    id: `member${String(index).padStart(6, '0')}`,
    name: `test ${index}`,
    batch_index: index,
    state: 'queued',
    status: 'waiting',
    duration_ms: null,
    result: null,
    ...over,
  }) as Job

export const failedMember = (index: number, message: string | null, exitCode: number | null = 1): Job =>
  sampleMember(index, {
    state: 'failed',
    status: 'failed',
    result: { exit_code: exitCode, signal: null, error_class: 'exit', message } as Job['result'],
  })
