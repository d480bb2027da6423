/** Does what was planned: writes what became of tasks, makes the jobs of those whose turn has come, stops others. */
import type { Last, Queryable } from '../db/pool.ts'
import { cancelMany } from '../queue/cancel.ts'
import { tellRun } from '../queue/run-notices.ts'
import { waiting } from '../queue/statements.ts'
import type { ChildToStart } from './advance.ts'
import { endRun } from './end-run.ts'
import { expand, gather, listOf, nextInstances, sweep } from './fan-out.ts'
import type { RunRow } from './load-run.ts'
import { startOnError, type FailedOutput } from './on-error.ts'
import type { RunPlan, Unit } from './plan.ts'
import { taskJob, withItem } from './render-task.ts'
import { unitWords, type RunGraph } from './run-graph.ts'
import type { PipelineHooks } from './run.ts'
import { makeJobs, refusal, refuseMisplaced, submitUnits, type RefusedUnit } from './task-jobs.ts'
import { contextsFor } from './unit-context.ts'
import { failedUnit, type UnitEnd } from './unit-end.ts'
import { writeUnits, type UnitChange } from './write-units.ts'

export type { FailedOutput } from './on-error.ts'

export interface Step {
  hooks: PipelineHooks
  run: RunRow
  graph: RunGraph
  plan: RunPlan
  failedOutput: FailedOutput | undefined
  last: Last | undefined
}

export interface Done {
  moved: boolean
  /** Others know already. */
  told: boolean
  /** What was done changes what is next. */
  replan: boolean
  more: boolean
  children: ChildToStart[]
  outputWanted: string | null
}

export async function act(tx: Queryable, step: Step): Promise<Done> {
  const { hooks, run, graph, plan } = step
  const done: Done = { moved: false, told: false, replan: false, more: plan.more, children: [], outputWanted: null }
  done.children.push(...plan.startChildren.map((unit) => childOf(graph, unit)))

  const ends = plan.ends.map((end) => changeOf(step, end, end))
  await Promise.all([
    writeUnits(tx, run.key, ends),
    plan.lastError === null ? null : writeLastError(tx, run.key, plan.lastError),
    ...plan.sweeps.map((one) => sweep(tx, run.key, { ...one, name: graph.tasks[one.position]!.name })),
  ])
  done.moved = ends.length + plan.sweeps.length > 0 || plan.lastError !== null
  for (const position of plan.gathers) {
    const end = await gather(tx, run.key, graph.tasks[position]!)
    await fail(tx, step, [{ position, item: -1, end }])
    done.moved = done.replan = true
  }
  if (plan.stopJobs.length + plan.stopUnbegun.length > 0) await stopJobs(tx, step, done)
  await begin(tx, step, done)
  if (plan.onError) await onError(tx, step, done)
  if (plan.end !== null) {
    await endRun(tx, hooks, run, graph, plan.end)
    done.moved = true
  }
  return done
}

const childOf = ({ tasks }: RunGraph, { position, item }: Unit): ChildToStart => ({ task: tasks[position]!.name, item })

function changeOf({ run, graph }: Step, { position, item }: Unit, end: UnitEnd): UnitChange {
  const name = graph.tasks[position]?.name ?? 'on_error'
  return { ...end, position, item, name, endedAt: end.endedAt ?? run.now }
}

const writeLastError = (tx: Queryable, runKey: string, words: string): Promise<unknown> =>
  tx.query({
    name: 'pipelines_last_error',
    text: 'update pipeline_runs set last_error = coalesce(last_error, $2) where run_id = $1',
    values: [runKey, words],
  })

/** Ends that were found on the way. */
async function fail(tx: Queryable, step: Step, ends: (Unit & { end: UnitEnd })[]): Promise<void> {
  if (ends.length === 0) return
  const { run, graph } = step
  await writeUnits(
    tx,
    run.key,
    ends.map((unit) => changeOf(step, unit, unit.end)),
  )
  const first = ends.find(({ end }) => end.state === 'failed')
  if (first === undefined) return
  await writeLastError(
    tx,
    run.key,
    `task ${unitWords(graph.tasks[first.position]!.name, first.item)}: ${first.end.error}`,
  )
}

async function stopJobs(tx: Queryable, { run, plan }: Step, done: Done): Promise<void> {
  const ids = [...plan.stopJobs]
  if (plan.stopUnbegun.length > 0) {
    const { rows } = await tx.query<{ id: string }>({
      name: 'pipelines_lock_unbegun',
      text: `select public_id as id from jobs where public_id = any($1::text[]) and state in ${waiting}
        order by jobs.id for update`,
      values: [plan.stopUnbegun],
    })
    ids.push(...rows.map((row) => row.id))
  }
  if (ids.length === 0) return
  const { kind, words } = plan.stop ?? { kind: 'task', words: 'its task was cancelled' }
  const reason = kind === 'cancel' ? (run.lastError ?? words) : words
  const results = await cancelMany(tx, { ids, reason })
  done.moved = true
  done.replan ||= results.some((job) => !job.requested)
}

async function begin(tx: Queryable, step: Step, done: Done): Promise<void> {
  const { hooks, run, graph, plan } = step
  if (plan.begins.length + plan.expands.length + plan.instances.length === 0) return
  const named = plan.instances.map((one) => ({ ...one, name: graph.tasks[one.position]!.name }))
  const instances = (await Promise.all(named.map((one) => nextInstances(tx, run.key, one)))).flat()
  const values = new Map(instances.map((one) => [`${one.position} ${one.item}`, one.value]))
  const units: Unit[] = [...plan.begins.map((position) => ({ position, item: -1 })), ...instances]
  const positions = new Set([...plan.expands, ...units.map((unit) => unit.position)])
  const contexts = await contextsFor(tx, run, graph, [...positions])
  const kindOf = ({ position }: Unit): string => graph.kinds[position]!

  const refused: RefusedUnit[] = []
  const lists: { position: number; list: unknown[] }[] = []
  for (const position of plan.expands) {
    try {
      lists.push({ position, list: listOf(contexts.contextOf(position), graph.tasks[position]!) })
    } catch (error) {
      refused.push({ position, item: -1, error: refusal(error) })
    }
  }
  const scripts = units.filter((unit) => kindOf(unit) === 'script')
  const made = makeJobs(hooks, scripts, ({ position, item }) => {
    const context = withItem(contexts.contextOf(position), item, values.get(`${position} ${item}`))
    return taskJob(context, graph.tasks[position]!, item, contexts.artifactsFrom(position))
  })
  await refuseMisplaced(tx, hooks, run, made)
  refused.push(...made.refused)
  done.more ||= made.rest > 0

  const stops = refused.some(({ position }) => !graph.tasks[position]!.allow_failure)
  await fail(
    tx,
    step,
    refused.map((unit) => ({ ...unit, end: failedUnit(graph.tasks[unit.position]!, unit.error) })),
  )
  if (refused.length > 0) done.moved = done.replan = true
  // After a failure nothing begins that came with it.
  if (stops && !graph.definition.continue_running_tasks_after_failure) return

  for (const { position, list } of lists)
    await expand(tx, run.key, { position, item: -1 }, graph.tasks[position]!.name, list)
  if (lists.length > 0) done.replan = true
  const changes: UnitChange[] = [
    ...lists.map(({ position }) => ({ position, item: -1, state: 'running' as const, startedAt: run.now })),
    ...units.filter((unit) => kindOf(unit) === 'empty').map((unit) => ({ ...unit, ...emptyDone(run.now) })),
    ...units
      .filter((unit) => kindOf(unit) === 'approval')
      .map((unit) => ({ ...unit, state: 'approval' as const, startedAt: run.now })),
    ...units
      .filter((unit) => kindOf(unit) === 'pipeline')
      .map((unit) => ({ ...unit, state: 'running' as const, startedAt: run.now })),
    ...made.jobs.map(({ position, item, job }) => ({ position, item, state: 'running' as const, jobId: job.publicId })),
  ].map((change) => ({ ...change, name: graph.tasks[change.position]!.name }))
  if (units.some((unit) => kindOf(unit) === 'empty')) done.replan = true
  done.children.push(...units.filter((unit) => kindOf(unit) === 'pipeline').map((unit) => childOf(graph, unit)))
  if (changes.length === 0) return
  done.moved = done.told = true

  // All in one journey; the jobs are the last word when nothing comes after them.
  const last = done.replan || plan.end !== null || plan.onError ? undefined : step.last
  const [, , , notTaken] = await Promise.all([
    writeUnits(tx, run.key, changes),
    run.startedAt === null ? writeStarted(tx, run.key) : null,
    tellRun(tx, run.key),
    submitUnits(tx, run, made.jobs, last),
  ])
  if (notTaken.length === 0) return
  done.replan = true
  await fail(
    tx,
    step,
    notTaken.map((unit) => ({ ...unit, end: failedUnit(graph.tasks[unit.position]!, unit.error) })),
  )
}

const emptyDone = (now: Date) => ({ state: 'done' as const, startedAt: now, endedAt: now })

const writeStarted = (tx: Queryable, runKey: string): Promise<unknown> =>
  tx.query({
    name: 'pipelines_started',
    text: 'update runs set started_at = clock_timestamp() where id = $1 and started_at is null',
    values: [runKey],
  })

async function onError(tx: Queryable, { hooks, run, graph, failedOutput }: Step, done: Done): Promise<void> {
  const begun = await startOnError(tx, { hooks, run, graph, failedOutput })
  done.outputWanted = begun.outputWanted
  if (begun.outputWanted !== null) return
  done.moved = true
  done.replan ||= begun.refused
}
