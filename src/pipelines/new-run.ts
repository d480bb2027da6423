/** A run as it is made: its row among all runs, what pipelines know of it, and one row for each task. */
import { randomUUID } from 'node:crypto'
import type { Queryable } from '../db/pool.ts'
import { insertRun } from '../queue/runs.ts'
import { takeOver } from './rerun-run.ts'
import type { StartRun, Variables } from './run.ts'

export interface NewPipelineRun {
  publicId: string
  start: StartRun
  /** With those of a waiting run that it replaces. */
  variables: Variables
  state: 'waiting' | 'running'
  /** Milliseconds of the database's clock. */
  now: number
  /** End of its start delay; of a running one, null. */
  notBefore: number | null
}

/** Three statements, however many tasks it has. */
export async function makeRun(tx: Queryable, run: NewPipelineRun): Promise<{ runKey: string; uuid: string }> {
  const { pipeline, parent, rerun, ownerId } = run.start
  const { definition } = pipeline
  const runKey = await insertRun(tx, {
    kind: 'pipeline',
    ownerId,
    run: {
      publicId: run.publicId,
      name: pipeline.name,
      description: null,
      template: null,
      rerunOf: rerun?.publicId ?? null,
      notify: definition.notify,
    },
    // Its jobs come as its tasks' turns do.
    size: 0,
  })
  const uuid = randomUUID()
  await tx.query({
    name: 'pipelines_new_run',
    text: `
      insert into pipeline_runs (run_id, uuid, pipeline_id, version_id, state, admitted_at, not_before, queue_partition,
        variables, label, trigger, parent_run_id, parent_task, parent_item, depth)
      values ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), to_timestamp($7::float8 / 1000), $8, $9, $10, $11,
        $12, $13, $14, $15)`,
    values: [
      runKey,
      uuid,
      pipeline.pipelineId,
      pipeline.versionId,
      run.state,
      run.state === 'running' ? run.now : null,
      run.notBefore,
      run.start.queuePartition,
      JSON.stringify(run.variables),
      run.start.label,
      run.start.trigger,
      parent?.runKey ?? null,
      parent?.task ?? null,
      parent?.item ?? null,
      parent?.depth ?? 0,
    ],
  })
  await tx.query({
    name: 'pipelines_new_tasks',
    text: `insert into run_tasks (run_id, name, position, state)
      select $1, name, nr - 1, 'waiting' from unnest($2::text[]) with ordinality as t(name, nr)`,
    values: [runKey, definition.tasks.map((task) => task.name)],
  })
  if (rerun?.from === 'failed') await takeOver(tx, { from: rerun.runKey, to: runKey, definition })
  return { runKey, uuid }
}
