/** Which runs may have something to do, by what is committed: one statement for all of them. */
import type { Queryable } from '../db/pool.ts'
import { terminal } from '../queue/statements.ts'

/** All that run. */
export async function runningRuns(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>({
    name: 'pipelines_running',
    text: `select run_id as key from pipeline_runs where state = 'running' order by run_id`,
  })
  return rows.map((row) => row.key)
}

/** Those of them of which a notice may have been lost: a task that is over, decided or cancelled, or none under way. */
export async function neglectedRuns(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>({ name: 'pipelines_neglected', text: neglected })
  return rows.map((row) => row.key)
}

const neglected = `
  select pr.run_id as key from pipeline_runs pr join runs r on r.id = pr.run_id
  where pr.state = 'running' and (
    r.cancel_requested_at is not null
    or not exists (select from run_tasks t where t.run_id = pr.run_id and t.state in ('running', 'approval'))
    or exists (
      select from run_tasks t left join jobs j on j.public_id = t.job_id
        left join runs c on c.public_id = t.child_run
      where t.run_id = pr.run_id and (
        (t.state in ('running', 'approval', 'waiting') and t.cancel_requested_at is not null)
        or (t.state = 'approval' and t.decision is not null)
        or (t.state = 'running' and t.job_id is not null and (j.id is null or j.state in ${terminal}))
        or (t.state = 'running' and t.child_run is not null and (c.id is null or c.ended_at is not null))
        or (t.state = 'running' and t.job_id is null and t.child_run is null)
      )
    )
  )`

/** Those of `keys` that are runs of pipelines. */
export async function pipelineRunsAmong(db: Queryable, keys: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>({
    name: 'pipelines_among',
    text: 'select run_id as key from pipeline_runs where run_id = any($1::bigint[])',
    values: [keys],
  })
  return rows.map((row) => row.key)
}
