/** Doing again what failed, by the way that such work always comes in: an event, a run of a pipeline, or a job. */
import { may } from '../access/permissions.ts'
import { payloadOf } from '../events/event-runs.ts'
import { runMore } from '../events/find-event-runs.ts'
import type { Queryable } from '../db/pool.ts'
import { settleOfRun, type DeadLetterRow } from '../failures/find-dead-letters.ts'
import { AppError } from '../lib/app-error.ts'
import { rerunOf } from '../pipelines/rerun-run.ts'
import { startRun } from '../pipelines/start-run.ts'
import { findJob } from '../queue/find.ts'
import { submit } from '../queue/submit.ts'
import { checkArtifactsFrom } from './artifact-inputs.ts'
import { refusal, type Deps, type KnownAsk } from './deps.ts'
import { beginEvent } from './event-start.ts'
import { checkPolicy, jobAgain } from './new-job.ts'
import { placedBy, withPlaces } from './submit-places.ts'
import { pipelineHooks } from './pipeline-hooks.ts'
import { mayStart } from './pipeline-start.ts'

/** Returns the public id of the run or job. In the transaction that settles the dead letter. */
export async function redrive(tx: Queryable, deps: Deps, ask: KnownAsk, row: DeadLetterRow): Promise<string> {
  if (row.eventRun !== null) return eventAgain(tx, deps, ask, row)
  if (row.pipelineRun !== null) return runAgain(tx, deps, ask, row)
  return submitAgain(tx, deps, ask, row)
}

/** The event as it is now, with the input of the run that failed. */
async function eventAgain(
  tx: Queryable,
  deps: Deps,
  ask: KnownAsk,
  { eventRun, jobId }: DeadLetterRow,
): Promise<string> {
  if (!may(ask.principal, 'event.run')) {
    throw refusal(ask, 'event.run', `your role (${ask.principal.role}) may not run events`)
  }
  const { rows } = await tx.query<{ key: string; eventKey: string }>(
    'select id as key, event_id as "eventKey" from event_runs where public_id = $1',
    [eventRun],
  )
  const { key, eventKey } = rows[0]!
  const more = await runMore(tx, key)
  const input = payloadOf(more)
  if (more.inputType !== null && input === null) {
    throw new AppError('failed_precondition', `the input of run ${eventRun} is gone: it was a file of another job`)
  }
  const cause = { by: ask.principal.username, job: jobId }
  const begun = await beginEvent(tx, deps, { eventKey, trigger: 'redrive', cause, input: input ?? undefined }, ask)
  return begun.run
}

/** What was done stays done: the run goes on from what failed, for all of its tasks at once. */
async function runAgain(tx: Queryable, deps: Deps, ask: KnownAsk, { pipelineRun }: DeadLetterRow): Promise<string> {
  if (!may(ask.principal, 'pipeline_run.rerun')) {
    throw refusal(ask, 'pipeline_run.rerun', `your role (${ask.principal.role}) may not rerun runs of pipelines`)
  }
  const ownerId = mayStart(deps, ask)
  const { rows } = await tx.query<{ key: string; parent: string | null }>(
    `select r.id as key, parent.public_id as parent from runs r join pipeline_runs pr on pr.run_id = r.id
       left join runs parent on parent.id = pr.parent_run_id where r.public_id = $1`,
    [pipelineRun],
  )
  const { key, parent } = rows[0]!
  if (parent !== null) {
    throw new AppError(
      'failed_precondition',
      `it is part of run ${parent}: run that again (runyard pipeline rerun ${parent})`,
    )
  }
  const run = await startRun(
    tx,
    pipelineHooks(deps),
    await rerunOf(tx, { runKey: key, from: 'failed', ownerId, label: null }),
  )
  await settleOfRun(tx, pipelineRun!, { by: ask.principal.username, as: run.publicId })
  return run.publicId
}

async function submitAgain(
  tx: Queryable,
  deps: Deps,
  ask: KnownAsk,
  { jobId, ownerId }: DeadLetterRow,
): Promise<string> {
  if (!may(ask.principal, 'job.rerun', { ownerId }) || ask.principal.userId === null) {
    throw refusal(ask, 'job.rerun', 'only the owner or an administrator may run this job again')
  }
  const row = await findJob(tx, jobId, undefined)
  if (row === null) throw new AppError('not_found', 'it is gone: the job was removed')
  const job = jobAgain({ publicId: row.publicId, spec: row.spec, envSealed: row.envSealed }, deps)
  checkPolicy([job.spec], deps, () => '')
  const [spec = job.spec] = await withPlaces(tx, placedBy(ask, deps), [job.spec], () => '')
  await checkArtifactsFrom(tx, ask, [job.spec], () => '', ownerId)
  await submit(tx, { ownerId: ask.principal.userId, jobs: [{ ...job, spec }], fieldPrefix: () => '' })
  return job.publicId
}
