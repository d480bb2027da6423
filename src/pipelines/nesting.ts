/** Runs inside runs: not too deep, and none that would wait for the end of the one that waits for it. */
import type { Queryable } from '../db/pool.ts'
import { pipelineLimits } from '../job/pipeline.ts'
import { AppError } from '../lib/app-error.ts'
import type { StartRun } from './run.ts'

export async function checkNesting(
  tx: Queryable,
  { pipeline, parent }: Pick<StartRun, 'pipeline' | 'parent'>,
  concurrency: number,
): Promise<void> {
  if (!parent) return
  if (parent.depth > pipelineLimits.depth) {
    throw new AppError(
      'failed_precondition',
      `pipeline ${pipeline.name} would be run ${parent.depth} levels deep, and ${pipelineLimits.depth} are allowed: does it start itself?`,
    )
  }
  const { rows } = await tx.query<{ slots: number }>(
    `with recursive above as (
       select pipeline_id, parent_run_id from pipeline_runs where run_id = $1
       union all
       select pr.pipeline_id, pr.parent_run_id from above join pipeline_runs pr on pr.run_id = above.parent_run_id
     )
     select count(*)::int as slots from above where pipeline_id = $2`,
    [parent.runKey, pipeline.pipelineId],
  )
  if (rows[0]!.slots >= concurrency) {
    throw new AppError(
      'failed_precondition',
      `pipeline ${pipeline.name} runs inside a run of itself and would wait for that one's end: raise its concurrency above ${concurrency}`,
    )
  }
}
