/**
 * How many ended runs a pipeline keeps, and how long: whichever limit says so first. Applied when a run of it ends, and by
 * upkeep for those whose age alone says so.
 */
import type { Db, Queryable } from '../db/pool.ts'
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import { deleteRunStep, neededByOpenRun, type RemoveLogs } from './delete-run.ts'

/** Runs of one look. */
const atOnce = 50
const everyMs = 60_000

/** As the definition in force says; 0 is no limit. Counted are ended runs, age is from when a run was made. */
const excess = `
  with limits as materialized (
    select coalesce((v.definition->>'retention_count')::int, 0) as most,
      coalesce((v.definition->>'retention_period_ms')::float8, 0) as ms
    from pipelines p join pipeline_versions v on v.pipeline_id = p.id and v.number = p.version where p.id = $1
  ), beyond as (
    (select run_id from pipeline_runs pr
     where pipeline_id = $1 and state = 'ended' and (select most from limits) > 0
     order by run_id desc offset (select most from limits))
    union
    (select oldest.run_id from (
       select run_id from pipeline_runs where pipeline_id = $1 and state = 'ended' order by run_id limit ${atOnce}
     ) oldest join runs r on r.id = oldest.run_id
     where (select ms from limits) > 0 and r.created_at < now() - make_interval(secs => (select ms from limits) / 1000))
  )
  select run_id as key from beyond where not ${neededByOpenRun('beyond.run_id')} order by run_id limit ${atOnce}`

/** Removes what is too much, oldest first, each in transactions of its own. Returns how many went. */
export async function retainRuns(db: Db, pipelineId: string, removeLogs: RemoveLogs): Promise<number> {
  let removed = 0
  for (;;) {
    const { rows } = await db.query<{ key: string }>({ name: 'pipelines_excess', text: excess, values: [pipelineId] })
    const gone = await removeAll(db, rows, removeLogs)
    removed += gone
    if (gone < atOnce) return removed
  }
}

async function removeAll(db: Db, runs: readonly { key: string }[], removeLogs: RemoveLogs): Promise<number> {
  let removed = 0
  for (const { key } of runs) {
    try {
      while ((await deleteRunStep(db, key, removeLogs)).more);
      removed += 1
    } catch (error) {
      // Somebody runs it again just now, or a job of it is still being stopped: the next look finds it.
      if (!isAppError(error) || error.code !== 'conflict') throw error
    }
  }
  return removed
}

/** Runs of pipelines without a limit of their own go as batches do: when their jobs are gone, at the age of these. */
const forgotten = `
  select pr.run_id as key from pipeline_runs pr join runs r on r.id = pr.run_id
    join pipelines p on p.id = pr.pipeline_id
    join pipeline_versions v on v.pipeline_id = p.id and v.number = p.version
  where pr.state = 'ended' and r.ended_at < now() - make_interval(secs => $1::float8 * 86400)
    and coalesce((v.definition->>'retention_count')::int, 0) = 0
    and coalesce((v.definition->>'retention_period_ms')::float8, 0) = 0
    and not exists (select from jobs where run_id = pr.run_id)
  order by pr.run_id limit 500`

/** `retainDays`: of jobs; 0 keeps runs for ever. Definitions that are gone go with their last run. */
export function retention(db: Db, options: { retainDays: number; removeLogs: RemoveLogs }): Service {
  const { retainDays, removeLogs } = options
  return {
    name: 'pipelines.retain',
    every: everyMs,
    async runOnce() {
      const { rows } = await db.query<{ id: string }>(
        `select p.id from pipelines p join pipeline_versions v on v.pipeline_id = p.id and v.number = p.version
         where (v.definition->>'retention_count')::int > 0 or (v.definition->>'retention_period_ms')::float8 > 0`,
      )
      let removed = 0
      for (const { id } of rows) removed += await retainRuns(db, id, removeLogs)
      if (retainDays > 0) {
        removed += await removeAll(db, (await db.query<{ key: string }>(forgotten, [retainDays])).rows, removeLogs)
      }
      if (removed > 0) emitFact({ name: 'run.pruned', level: 'debug', count: removed })
      await forgetGonePipelines(db)
    },
  }
}

/** A file may be away for a moment, while somebody looks at another branch. */
async function forgetGonePipelines(db: Queryable): Promise<void> {
  await db.query(`delete from pipelines p where gone_at < now() - interval '1 day'
    and not exists (select from pipeline_runs pr where pr.pipeline_id = p.id)`)
}
