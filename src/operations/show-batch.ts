/** A run of the queue as its reader sees it. Pure. */
import { runStatus } from '../job/run-status.ts'
import type { TestCounts } from '../queue/tests.ts'
import type { RunRow } from '../queue/runs.ts'
import { duration } from './show-job.ts'

export function showBatch(row: RunRow, tests: TestCounts | null, now: Date) {
  const { publicId: id, name, description, owner, counts, template, notify } = row
  return {
    ...{ id, name, description, owner, counts, tests, template, notify },
    status: runStatus(counts, row.endedAt !== null),
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
    duration_ms: duration(row.startedAt, row.endedAt, now),
    cancel_requested: row.cancelRequestedAt !== null,
    forced: row.forcedAt !== null,
    rerun_of: row.rerunOf,
  }
}

export type ShownBatch = ReturnType<typeof showBatch>
