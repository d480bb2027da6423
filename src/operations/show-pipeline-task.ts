/** The tasks of one run as their reader sees them. Pure; each is looked at once, 10,000 are no trouble. */
import type { PipelineDefinition, TaskDefinition } from '../job/pipeline.ts'
import type { Json } from '../lib/json.ts'
import type { TaskRow } from '../pipelines/find-tasks.ts'
import type { WaitingReason } from '../queue/find.ts'
import { criticalPath } from './critical-path.ts'
import { duration } from './show-job.ts'
import { kindOf } from './show-pipeline.ts'

export interface ShowTasks {
  definition: Pick<PipelineDefinition, 'tasks'>
  run: {
    /** Nothing of it may begin yet. */
    waits: boolean
    /** What began before that was done by the run that it repeats. */
    createdAt: Date
  }
  /** By public id of the job; those that are not in here are not told. */
  reasons: ReadonlyMap<string, WaitingReason>
  now: Date
}

const onError = 'on_error'
/** How a cancelled job ended is told by its state. */
const keepsNote = new Set(['done', 'failed'])

/** `rows` as `tasksOfRun` gives them, all of the run. */
export function showTasks(rows: readonly TaskRow[], { definition, run, reasons, now }: ShowTasks) {
  const defined = new Map(definition.tasks.map((task) => [task.name, task]))
  const own = rows.filter(({ item }) => item === -1)
  const byName = new Map(own.map((row) => [row.name, row]))
  const failed = own.filter(({ state }) => state === 'failed').map(({ name }) => name)
  const critical = criticalPath(
    own.map(({ name, startedAt, endedAt }) => ({
      name,
      // It has no dependencies of its own: what failed is why it runs.
      dependsOn: defined.get(name)?.depends_on ?? failed.filter((one) => one !== name),
      durationMs: startedAt !== null && startedAt < run.createdAt ? null : duration(startedAt, endedAt, now),
    })),
  )
  return rows.map((row) => {
    const task = defined.get(row.name)
    const isItem = row.item >= 0
    return {
      name: row.name,
      item: isItem ? row.item : null,
      ...(isItem && { value: row.value as Json }),
      kind: task === undefined || row.name === onError ? (onError as 'on_error') : kindOf(task),
      depends_on: task?.depends_on ?? [],
      state: row.state,
      allow_failure: task?.allow_failure ?? false,
      job_id: row.jobId,
      job_state: row.jobState,
      waiting_reason: run.waits ? null : waitingReason(row, task, { byName, reasons }),
      attempts: row.attempts,
      child_run: row.childRun,
      started_at: row.startedAt?.toISOString() ?? null,
      ended_at: row.endedAt?.toISOString() ?? null,
      duration_ms: duration(row.startedAt, row.endedAt, now),
      exit_code: row.exitCode,
      error: row.error,
      job_note: keepsNote.has(row.state) && row.jobMessage !== row.error ? row.jobMessage : null,
      outputs: row.outputs,
      critical: !isItem && critical.has(row.name),
      approval:
        task?.approval == null
          ? null
          : {
              message: task.approval.message,
              decision: row.decision,
              decided_by: row.decidedBy,
              decided_at: row.decidedAt?.toISOString() ?? null,
              note: row.note,
            },
    }
  })
}

export type ShownTask = ReturnType<typeof showTasks>[number]

const ended = new Set(['done', 'failed', 'cancelled', 'skipped'])

function waitingReason(
  row: TaskRow,
  task: TaskDefinition | undefined,
  { byName, reasons }: { byName: ReadonlyMap<string, TaskRow>; reasons: ReadonlyMap<string, WaitingReason> },
): string | null {
  if (row.state === 'approval') return 'somebody has to approve or reject it'
  if (row.jobId !== null && !ended.has(row.state)) return reasons.get(row.jobId)?.text ?? null
  if (row.state !== 'waiting' || task === undefined) return null
  if (row.item >= 0) return task.max_parallel === null ? null : `${task.max_parallel} instances at once (max_parallel)`
  const open = task.depends_on.filter((name) => !ended.has(byName.get(name)?.state ?? 'done'))
  if (open.length === 0) return null
  const more = open.length > 3 ? ` and ${open.length - 3} more` : ''
  return `waits for ${open.slice(0, 3).join(', ')}${more}`
}
