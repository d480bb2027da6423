/** What becomes of a run, or of one of its tasks, by somebody's will. All of it is audited. */
import { may, type Action } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { admitWaiting } from '../pipelines/admit-waiting.ts'
import { cancelPipelineRun } from '../pipelines/cancel-run.ts'
import { deleteRunStep } from '../pipelines/delete-run.ts'
import type { PipelineRunRow } from '../pipelines/find-runs.ts'
import { rerunOf } from '../pipelines/rerun-run.ts'
import { startRun } from '../pipelines/start-run.ts'
import { decideTask, requestTaskCancel, type TaskKey } from '../pipelines/task-acts.ts'
import { audited } from './audited.ts'
import { known, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { checkKey } from './jobs.ts'
import { fingerprint } from './new-job.ts'
import { pipelineHooks } from './pipeline-hooks.ts'
import { getPipelineRun, pipelineRunOf, pipelineTasks } from './pipeline-runs.ts'
import { mayStart, startDetail, type StartedPipeline } from './pipeline-start.ts'
import type { ShownPipelineRun } from './show-pipeline-run.ts'
import type { ShownTask } from './show-pipeline-task.ts'

/** A waiting run ends at once and gives its place free; a running one stops what may be interrupted. */
export async function cancelRun(
  deps: Deps,
  anyAsk: Ask,
  { id, reason }: { id: string; reason?: string },
): Promise<ShownPipelineRun> {
  const ask = known(anyAsk)
  const hooks = pipelineHooks(deps)
  const done = await audited(
    deps,
    ask,
    { action: 'pipeline_run.cancel', target: `pipeline_run:${id}` },
    async (tx, note) => {
      const row = await mayActOn(tx, ask, id, 'pipeline_run.cancel')
      const cancelled = await cancelPipelineRun(tx, hooks, row.key, reason ?? `cancelled by ${ask.principal.username}`)
      note(
        { pipeline: row.pipeline, was: cancelled.was, ...(reason !== undefined && { reason }) },
        `pipeline_run:${row.publicId}`,
      )
      return cancelled
    },
  )
  // If this does not come to pass, the next look of upkeep does it.
  if (done.was === 'waiting') await admitWaiting(deps.db, hooks, done.pipelineId)
  return getPipelineRun(deps, ask, id)
}

export interface TaskInput {
  id: string
  task: string
  item?: number
}

export async function cancelTask(
  deps: Deps,
  anyAsk: Ask,
  { reason, ...input }: TaskInput & { reason?: string },
): Promise<ShownTask> {
  const ask = known(anyAsk)
  await actOnTask(deps, ask, input, {
    action: 'pipeline_run.cancel',
    word: 'cancel_task',
    detail: reason === undefined ? {} : { reason },
    act: requestTaskCancel,
  })
  return shownTask(deps, ask, input)
}

/** Of an approval. */
export async function decide(
  deps: Deps,
  anyAsk: Ask,
  { approve, note, ...input }: TaskInput & { approve: boolean; note?: string },
): Promise<ShownTask> {
  const ask = known(anyAsk)
  const decision = { approve, by: ask.principal.username, note: note ?? null }
  await actOnTask(deps, ask, input, {
    action: 'pipeline_run.approve',
    word: approve ? 'approve' : 'reject',
    detail: {},
    act: (tx, key) => decideTask(tx, key, decision),
  })
  return shownTask(deps, ask, input)
}

async function actOnTask(
  deps: Deps,
  ask: KnownAsk,
  { id, task, item }: TaskInput,
  what: {
    action: Action
    word: string
    detail: Record<string, string>
    act: (tx: Queryable, key: TaskKey) => Promise<void>
  },
): Promise<void> {
  await audited(deps, ask, { action: `pipeline_run.${what.word}`, target: `pipeline_run:${id}` }, async (tx, note) => {
    const row = await mayActOn(tx, ask, id, what.action)
    await what.act(tx, { runKey: row.key, name: task, item: item ?? -1 })
    const detail = { ...what.detail, pipeline: row.pipeline, task, ...(item !== undefined && { item }) }
    note(detail, `pipeline_run:${row.publicId}`)
  })
}

async function shownTask(deps: Deps, ask: KnownAsk, { id, task, item }: TaskInput): Promise<ShownTask> {
  const { tasks } = await pipelineTasks(deps, ask, { id, items: item !== undefined })
  return tasks.find((one) => one.name === task && one.item === (item ?? null))!
}

/** A new run of the asker's, with the definition and variables of the earlier one. */
export async function rerunRun(
  deps: Deps,
  anyAsk: Ask,
  { id, from, idempotencyKey: key }: { id: string; from: 'failed' | 'start'; idempotencyKey?: string },
): Promise<StartedPipeline> {
  const ask = known(anyAsk)
  const act = { action: 'pipeline_run.rerun', target: `pipeline_run:${id}` }
  const started = await audited(deps, ask, act, async (tx, note) => {
    const row = await mayActOn(tx, ask, id, 'pipeline_run.rerun')
    const ownerId = mayStart(deps, ask)
    checkKey(key)
    const idempotency =
      key === undefined ? undefined : { key, bodyHash: fingerprint({ rerun: row.publicId, from }, deps) }
    const start = await rerunOf(tx, { runKey: row.key, from, ownerId, label: null, idempotency })
    const run = await startRun(tx, pipelineHooks(deps), start)
    note({ ...startDetail(run), from }, `pipeline_run:${row.publicId}`)
    return run
  })
  return { run: await getPipelineRun(deps, ask, started.publicId), replayed: started.replayed }
}

/** Ended ones only, with their jobs, logs and artefacts. */
export async function deleteRun(deps: Deps, anyAsk: Ask, id: string): Promise<void> {
  const ask = known(anyAsk)
  const removeLogs = deps.logPlaces.remove.bind(deps.logPlaces)
  const act = { action: 'pipeline_run.delete', target: `pipeline_run:${id}` }
  const first = await audited(deps, ask, act, async (tx, note) => {
    const row = await mayActOn(tx, ask, id, 'pipeline_run.delete')
    note({ pipeline: row.pipeline }, `pipeline_run:${row.publicId}`)
    return { key: row.key, ...(await deleteRunStep(tx, row.key, removeLogs)) }
  })
  // The same delete, which has its row: a crash in between leaves a run with fewer jobs, to be deleted again.
  for (let { more } = first; more;) ({ more } = await deleteRunStep(deps.db, first.key, removeLogs))
}

async function mayActOn(tx: Queryable, ask: KnownAsk, id: string, action: Action): Promise<PipelineRunRow> {
  const verb = action.split('.')[1]
  // Before the look: to whom it is refused for every run, it is refused for one that is not there.
  if (!may(ask.principal, action)) {
    throw refusal(ask, action, `your role (${ask.principal.role}) may not ${verb} runs of pipelines`)
  }
  const row = await pipelineRunOf(tx, ask, id)
  if (!may(ask.principal, action, { ownerId: row.ownerId })) {
    throw new AppError('permission_denied', `only the owner or an administrator may ${verb} this run`)
  }
  return row
}
