/** Stops a run of an event, whatever it is: a place in the line, a job, or a run of a pipeline. */
import type { Queryable } from '../db/pool.ts'
import { endUnstarted } from '../events/event-runs.ts'
import { isAppError } from '../lib/app-error.ts'
import { cancelPipelineRun } from '../pipelines/cancel-run.ts'
import { cancel } from '../queue/cancel.ts'
import type { Deps } from './deps.ts'
import { pipelineHooks } from './pipeline-hooks.ts'

export interface CancelledEventRun {
  key: string
  jobId: string | null
  pipelineRunId: string | null
}

/** `publicId`: of the run. False: it has ended already, or is none. Permission and audit are the caller's. */
export async function cancelEventRunIn(tx: Queryable, deps: Deps, publicId: string, reason: string): Promise<boolean> {
  const { rows } = await tx.query<CancelledEventRun>({
    name: 'events_run_to_cancel',
    text: `select id as key, job_id as "jobId", pipeline_run_id as "pipelineRunId"
      from event_runs where public_id = $1 and settled_at is null for no key update`,
    values: [publicId],
  })
  const run = rows[0]
  if (run === undefined) return false
  const pipelineRunKey = await keyOfRun(tx, run.pipelineRunId)
  try {
    if (run.jobId !== null) await cancel(tx, { publicId: run.jobId, reason })
    else if (pipelineRunKey !== null) await cancelPipelineRun(tx, pipelineHooks(deps), pipelineRunKey, reason)
    else if (run.pipelineRunId === null) await endUnstarted(tx, run.key, { state: 'cancelled', error: reason })
    return true
  } catch (error) {
    // It has ended meanwhile, or is no more.
    if (isAppError(error) && (error.code === 'conflict' || error.code === 'not_found')) return false
    throw error
  }
}

/** In a statement of its own: one that waited for the lock does not see a run that was begun meanwhile. */
async function keyOfRun(tx: Queryable, publicId: string | null): Promise<string | null> {
  if (publicId === null) return null
  const { rows } = await tx.query<{ key: string }>('select id as key from runs where public_id = $1', [publicId])
  return rows[0]?.key ?? null
}
