/** Runs of other pipelines that tasks wait for: each is made in a transaction of its own, and its task with it. */
import type { Db, Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { tellRun } from '../queue/run-notices.ts'
import { inTransaction } from '../queue/statements.ts'
import { admitWaiting } from './admit-waiting.ts'
import { type ChildToStart } from './advance.ts'
import { cancelPipelineRun } from './cancel-run.ts'
import { pipelineInForce } from './definition-store.ts'
import { graphFor, loadRun } from './load-run.ts'
import { renderValue, withItem } from './render-task.ts'
import { unitWords } from './run-graph.ts'
import type { PipelineHooks, StartRun, Variables } from './run.ts'
import { startRun } from './start-run.ts'
import { refusal } from './task-jobs.ts'
import { contextsFor } from './unit-context.ts'
import { failedUnit } from './unit-end.ts'
import { writeUnits } from './write-units.ts'

/** It was cancelled, or another server was quicker: nothing of it may stay. */
class NotWanted extends Error {}

/** Its key; null when there is none: the task has failed of it, or nobody wants it any more. */
export async function startChild(
  db: Db,
  hooks: PipelineHooks,
  parentKey: string,
  child: ChildToStart,
): Promise<string | null> {
  try {
    const input = await inTransaction(db, (tx) => childOf(tx, hooks, parentKey, child))
    return await inTransaction(db, async (tx) => {
      const started = await startRun(tx, hooks, input)
      const { rowCount } = await tx.query({
        name: 'pipelines_child_started',
        text: `update run_tasks set child_run = $4
          where run_id = $1 and name = $2 and item = $3 and state = 'running' and child_run is null
            and cancel_requested_at is null`,
        values: [parentKey, child.task, child.item, started.publicId],
      })
      if (rowCount === 0) throw new NotWanted()
      // Whoever looks at the run may follow the child from now on.
      await tellRun(tx, parentKey)
      return started.runKey
    })
  } catch (error) {
    if (error instanceof NotWanted) return null
    const words = refusal(error)
    await inTransaction(db, (tx) => failChild(tx, parentKey, child, words))
    return null
  }
}

async function childOf(
  tx: Queryable,
  hooks: PipelineHooks,
  parentKey: string,
  { task: name, item }: ChildToStart,
): Promise<StartRun> {
  const loaded = await loadRun(tx, parentKey)
  if (loaded?.run.state !== 'running') throw new NotWanted()
  const { run, tasks } = loaded
  const graph = await graphFor(tx, run)
  const position = graph.positions.get(name)!
  const unit = tasks.active.find((each) => each.position === position && each.item === item)
  if (unit?.state !== 'running' || unit.child !== null) throw new NotWanted()
  const wanted = graph.tasks[position]!.pipeline!
  const pipeline = await pipelineInForce(tx, wanted.name)
  if (pipeline === null) throw new AppError('not_found', `there is no pipeline named ${wanted.name}`)
  const contexts = await contextsFor(tx, run, graph, [position])
  const context = withItem(contexts.contextOf(position), item, await valueOf(tx, parentKey, name, item))
  const variables = renderValue(context, 'pipeline.variables', wanted.variables) as Variables
  return {
    pipeline,
    ownerId: run.ownerId,
    variables: hooks.checkVariables(pipeline.definition, variables),
    queuePartition: null,
    label: run.label,
    trigger: 'pipeline',
    parent: { runKey: parentKey, task: name, item, depth: run.depth + 1 },
  }
}

async function valueOf(tx: Queryable, runKey: string, name: string, item: number): Promise<unknown> {
  if (item < 0) return undefined
  const { rows } = await tx.query<{ value: unknown }>(
    'select value from run_tasks where run_id = $1 and name = $2 and item = $3',
    [runKey, name, item],
  )
  return rows[0]?.value
}

/** What follows from it is the next step's. */
async function failChild(
  tx: Queryable,
  parentKey: string,
  { task: name, item }: ChildToStart,
  words: string,
): Promise<void> {
  const loaded = await loadRun(tx, parentKey)
  if (loaded?.run.state !== 'running') return
  const { run, tasks } = loaded
  const graph = await graphFor(tx, run)
  const position = graph.positions.get(name)!
  const unit = tasks.active.find((each) => each.position === position && each.item === item)
  if (unit?.state !== 'running' || unit.child !== null) return
  const end = failedUnit(graph.tasks[position]!, words)
  await writeUnits(tx, parentKey, [{ ...end, position, item, name, endedAt: run.now }])
  if (end.state === 'failed') {
    await tx.query('update pipeline_runs set last_error = coalesce(last_error, $2) where run_id = $1', [
      parentKey,
      `task ${unitWords(name, item)}: ${words}`,
    ])
  }
  await tellRun(tx, parentKey)
}

/** A waiting one gives its place on the list free. One that has just ended is fine. */
export async function stopChild(db: Db, hooks: PipelineHooks, childKey: string): Promise<void> {
  try {
    const { was, pipelineId } = await inTransaction(db, (tx) =>
      cancelPipelineRun(tx, hooks, childKey, 'the run that waits for it was stopped'),
    )
    if (was === 'waiting') await admitWaiting(db, hooks, pipelineId)
  } catch (error) {
    if (!(error instanceof AppError) || (error.code !== 'conflict' && error.code !== 'not_found')) throw error
  }
}
