/** A run of a pipeline as its reader sees it. Pure. */
import { taskStates } from '../job/pipeline.ts'
import type { Json } from '../lib/json.ts'
import type { PipelineRunRow } from '../pipelines/find-runs.ts'
import { explainRunWaiting } from '../pipelines/waiting-reasons.ts'
import { duration } from './show-job.ts'

export function showPipelineRun(row: PipelineRunRow, now: Date) {
  const counts = taskStates.map((state) => [state, row.tasks[state] ?? 0] as const)
  return {
    id: row.publicId,
    uuid: row.uuid,
    pipeline: row.pipeline,
    version: row.version,
    status: row.status,
    waiting_reason: waitingReason(row, now),
    position: row.position,
    owner: row.owner,
    label: row.label,
    trigger: row.trigger,
    variables: row.variables as Record<string, Json>,
    queue_partition: row.queuePartition,
    created_at: row.createdAt.toISOString(),
    not_before: row.notBefore?.toISOString() ?? null,
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
    duration_ms: duration(row.startedAt, row.endedAt, now),
    cancel_requested: row.cancelRequestedAt !== null,
    last_error: row.lastError,
    rerun_of: row.rerunOf,
    parent: row.parentRun === null || row.parentTask === null ? null : { run: row.parentRun, task: row.parentTask },
    tasks: {
      ...(Object.fromEntries(counts) as Record<(typeof taskStates)[number], number>),
      total: counts.reduce((sum, [, n]) => sum + n, 0),
    },
  }
}

export type ShownPipelineRun = ReturnType<typeof showPipelineRun>

function waitingReason({ status, position, runningNow, concurrency, notBefore }: PipelineRunRow, now: Date) {
  if (status !== 'waiting') return null
  return explainRunWaiting({ position: position ?? 1, runningNow: runningNow ?? 0, concurrency, notBefore }, now)
}
