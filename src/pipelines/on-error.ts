/** What a pipeline does about a failure, once all its tasks are over: one more job, told what failed. */
import type { Queryable } from '../db/pool.ts'
import type { RunRow } from './load-run.ts'
import { onErrorJob, templateData } from './render-task.ts'
import { onErrorName, type RunGraph } from './run-graph.ts'
import type { PipelineHooks } from './run.ts'
import { makeJobs, refuseMisplaced, submitUnits } from './task-jobs.ts'

/** The end of what the failed task wrote. */
export interface FailedOutput {
  jobId: string
  stdout: string
  stderr: string
}

interface Failed {
  name: string
  jobId: string | null
  exitCode: number | null
  error: string | null
}

/** As Go has it for a process that never ended. */
const noExitCode = -1

export async function startOnError(
  tx: Queryable,
  input: { hooks: PipelineHooks; run: RunRow; graph: RunGraph; failedOutput: FailedOutput | undefined },
): Promise<{ outputWanted: string | null; refused: boolean }> {
  const { hooks, run, graph, failedOutput } = input
  const failed = await firstFailed(tx, run.key)
  if (failed.jobId !== null && failedOutput?.jobId !== failed.jobId)
    return { outputWanted: failed.jobId, refused: false }
  const unit = { position: graph.tasks.length, item: -1 }
  const told = {
    failedTaskName: failed.name,
    // Go's `int`: it compares with a literal.
    failedTaskExitCode: BigInt(failed.exitCode ?? noExitCode),
    failedTaskError: failed.error ?? '',
    failedTaskStdout: failedOutput?.stdout ?? '',
    failedTaskStderr: failedOutput?.stderr ?? '',
  }
  const first = makeJobs(hooks, [unit], () =>
    onErrorJob({
      ...{ run, graph, output: noOutput },
      data: { ...templateData(run, run.variables, graph.definition), ...told },
    }),
  )
  await refuseMisplaced(tx, hooks, run, first)
  const { jobs, refused } = first
  const [made] = jobs
  const insert = (values: { state: string; jobId: string | null; error: string | null }): Promise<unknown> =>
    tx.query({
      name: 'pipelines_on_error',
      text: `insert into run_tasks (run_id, name, item, position, state, job_id, error, ended_at)
        values ($1, $2, -1, $3, $4, $5, $6, case when $4 = 'failed' then clock_timestamp() end)
        on conflict (run_id, name, item) do update set state = excluded.state, job_id = excluded.job_id,
          error = excluded.error, ended_at = excluded.ended_at`,
      values: [run.key, onErrorName, unit.position, values.state, values.jobId, values.error],
    })
  const [wrong] = made === undefined ? refused : await submitUnits(tx, run, [made])
  if (wrong === undefined) await insert({ state: 'running', jobId: made!.job.publicId, error: null })
  else await insert({ state: 'failed', jobId: null, error: wrong.error })
  return { outputWanted: null, refused: wrong !== undefined }
}

function noOutput(): never {
  throw new Error('output is for tasks; on_error has failedTaskStdout and failedTaskStderr')
}

/** An instance rather than the task that it belongs to. */
async function firstFailed(tx: Queryable, runKey: string): Promise<Failed> {
  const { rows } = await tx.query<Failed>({
    name: 'pipelines_first_failed',
    text: `select name, job_id as "jobId", exit_code as "exitCode", error from run_tasks
      where run_id = $1 and state = 'failed' order by ended_at, item desc, position limit 1`,
    values: [runKey],
  })
  return rows[0]!
}
