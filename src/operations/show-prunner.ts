/** A run in prunner's words: pure. */
import type { RunWithTasks, TaskOfRun } from '../pipelines/runs-with-tasks.ts'

/** A task that never began because another failed stays `waiting`, as in prunner. */
const statusOf = {
  waiting: 'waiting',
  running: 'running',
  approval: 'waiting',
  done: 'done',
  failed: 'error',
  cancelled: 'canceled',
  skipped: 'waiting',
} as const satisfies Record<TaskOfRun['state'], string>

/** prunner's clients parse RFC 3339 without a fraction. */
const time = (at: Date | null): string | null => at && `${at.toISOString().slice(0, 19)}Z`

export function showPrunnerJob(run: RunWithTasks) {
  const canceled = run.result === 'cancelled'
  return {
    id: run.uuid,
    pipeline: run.pipeline,
    tasks: run.tasks.map(showTask),
    // A job that was cancelled on the waiting list has not run to its end: it never began.
    completed: run.state === 'ended' && !(canceled && run.startedAt === null),
    canceled,
    errored: run.result === 'failed',
    created: time(run.createdAt)!,
    start: time(run.startedAt),
    end: time(run.endedAt),
    lastError: run.lastError,
    variables: run.variables,
    user: run.label ?? run.owner,
  }
}

function showTask(task: TaskOfRun) {
  return {
    name: task.name,
    dependsOn: task.dependsOn,
    status: statusOf[task.state],
    start: time(task.startedAt),
    end: time(task.endedAt),
    skipped: false,
    exitCode: task.exitCode ?? 0,
    errored: task.state === 'failed',
    error: task.error,
  }
}

export type PrunnerJobShown = ReturnType<typeof showPrunnerJob>
