/** The end of a run: written, told, and what it hands to the task that waits for it. */
import type { Queryable } from '../db/pool.ts'
import type { RunResult } from '../job/pipeline.ts'
import { tellRun } from '../queue/run-notices.ts'
import { safeJson } from '../queue/statements.ts'
import type { RunRow } from './load-run.ts'
import type { RunGraph } from './run-graph.ts'
import type { PipelineHooks } from './run.ts'

export async function endRun(
  tx: Queryable,
  hooks: PipelineHooks,
  run: RunRow,
  graph: RunGraph,
  { result, lastError }: { result: RunResult; lastError: string | null },
): Promise<void> {
  const { rows } = await tx.query<{ startedAt: Date | null; endedAt: Date }>({
    name: 'pipelines_end_run',
    text: `
      with ended as (
        update pipeline_runs set state = 'ended', result = $2, last_error = $3 where run_id = $1
      )
      update runs set ended_at = clock_timestamp() where id = $1
      returning started_at as "startedAt", ended_at as "endedAt"`,
    values: [run.key, result, lastError],
  })
  if (run.parentKey !== null) await handUp(tx, run, graph, run.parentKey)
  const { key, publicId, ownerId, pipeline, notify, createdAt } = run
  await hooks.runsEnded(tx, [{ key, publicId, ownerId, pipeline, result, lastError, notify, createdAt, ...rows[0]! }])
}

/** Outputs of a run are those of its tasks that nobody waits for; of one name, the later task's. */
async function handUp(tx: Queryable, run: RunRow, graph: RunGraph, parentKey: string): Promise<void> {
  const { rows } = await tx.query<{ outputs: Record<string, unknown> }>(
    `select outputs from run_tasks
     where run_id = $1 and item = -1 and position = any($2::int[]) and outputs is not null order by position`,
    [run.key, graph.last],
  )
  if (rows.length > 0) {
    const outputs = Object.assign({}, ...rows.map((row) => row.outputs)) as Record<string, unknown>
    await tx.query(
      `update run_tasks set outputs = $4::jsonb where run_id = $1 and name = $2 and item = $3 and state = 'running'`,
      [parentKey, run.parentTask, run.parentItem, safeJson(outputs)],
    )
  }
  await tellRun(tx, parentKey)
}
