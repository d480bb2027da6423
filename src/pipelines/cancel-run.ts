/** Cancel of a run: a waiting one leaves the list at once, a running one is asked to stop. */
import type { Queryable } from '../db/pool.ts'
import type { RunResult } from '../job/pipeline.ts'
import { AppError } from '../lib/app-error.ts'
import { askToStop, endWaiting } from './stop-runs.ts'
import type { PipelineHooks, RunState } from './run.ts'

export interface CancelledRun {
  pipelineId: string
  /** Before the cancel. `waiting`: it has ended, and its place is free (`admitWaiting`, after the commit). */
  was: RunState
}

/** Cancelling it again is fine; a run that has ended otherwise is a conflict. */
export async function cancelPipelineRun(
  tx: Queryable,
  hooks: PipelineHooks,
  runKey: string,
  reason: string,
): Promise<CancelledRun> {
  const { rows: found } = await tx.query<{ pipelineId: string }>(
    `select p.id as "pipelineId" from pipeline_runs pr join pipelines p on p.id = pr.pipeline_id
     where pr.run_id = $1 for no key update of p`,
    [runKey],
  )
  // What the lock was waited for may have started or ended it.
  const { rows } = await tx.query<{ publicId: string; state: RunState; result: RunResult | null }>(
    `select r.public_id as "publicId", pr.state, pr.result
     from pipeline_runs pr join runs r on r.id = pr.run_id where pr.run_id = $1`,
    [runKey],
  )
  const [run] = rows
  if (!run || !found[0]) throw new AppError('not_found', 'there is no such run of a pipeline')
  if (run.result !== null && run.result !== 'cancelled') {
    throw new AppError('conflict', `run ${run.publicId} has already ended: ${run.result}`)
  }
  if (run.state === 'waiting') await endWaiting(tx, hooks, [runKey], reason)
  if (run.state === 'running') await askToStop(tx, [runKey], reason)
  return { pipelineId: found[0].pipelineId, was: run.state }
}

/** Of a pipeline that is being removed: what waits never starts, what runs goes on. Returns how many waited. */
export async function cancelWaitingRuns(
  tx: Queryable,
  hooks: PipelineHooks,
  pipelineId: string,
  reason: string,
): Promise<number> {
  await tx.query('select from pipelines where id = $1 for no key update', [pipelineId])
  const { rows: waiting } = await tx.query<{ key: string }>(
    `select run_id as key from pipeline_runs where pipeline_id = $1 and state = 'waiting' order by run_id`,
    [pipelineId],
  )
  await endWaiting(
    tx,
    hooks,
    waiting.map((run) => run.key),
    reason,
  )
  return waiting.length
}
