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
  const { rows } = await tx.query<CancelledEventRun & { pipelineRunKey: string | null }>({
    name: 'events_run_to_cancel',
    text: `select e.id as key, e.job_id as "jobId", e.pipeline_run_id as "pipelineRunId", r.id as "pipelineRunKey"
      from event_runs e left join runs r on r.public_id = e.pipeline_run_id
      where e.public_id = $1 and e.settled_at is null for update of e`,
    values: [publicId],
  })
  const run = rows[0]
  if (run === undefined) return false
  try {
    if (run.jobId !== null) await cancel(tx, { publicId: run.jobId, reason })
    else if (run.pipelineRunKey !== null) await cancelPipelineRun(tx, pipelineHooks(deps), run.pipelineRunKey, reason)
    else if (run.pipelineRunId === null) await endUnstarted(tx, run.key, { state: 'cancelled', error: reason })
    return true
  } catch (error) {
    // It has ended meanwhile, or is no more.
    if (isAppError(error) && (error.code === 'conflict' || error.code === 'not_found')) return false
    throw error
  }
}
