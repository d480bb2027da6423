/** Runs together with their tasks, newest first: what prunner answers in one piece. */
import type { Queryable } from '../db/pool.ts'
import type { PipelineDefinition, RunResult, TaskState } from '../job/pipeline.ts'
import type { RunState, Variables } from './run.ts'

export interface TaskOfRun {
  name: string
  state: TaskState
  jobId: string | null
  startedAt: Date | null
  endedAt: Date | null
  exitCode: number | null
  error: string | null
  dependsOn: string[]
}

export interface RunWithTasks {
  key: string
  publicId: string
  uuid: string
  ownerId: string
  pipeline: string
  state: RunState
  result: RunResult | null
  label: string | null
  owner: string
  variables: Variables
  lastError: string | null
  createdAt: Date
  startedAt: Date | null
  endedAt: Date | null
  tasks: TaskOfRun[]
}

export interface RunsWanted {
  uuid?: string
  /** Runs of this owner only. */
  ownerId?: string
  limit: number
}

interface RunRow extends Omit<RunWithTasks, 'tasks'> {
  versionId: string
}
interface TaskRow extends Omit<TaskOfRun, 'dependsOn'> {
  runId: string
}

/** Every open run is among them, however old; ended ones up to the limit. */
export async function runsWithTasks(db: Queryable, { uuid, ownerId, limit }: RunsWanted): Promise<RunWithTasks[]> {
  const { rows: runs } = await db.query<RunRow>(
    `with wanted as (
       (select run_id from pipeline_runs where $1::uuid is null and state <> 'ended')
       union
       (select pr.run_id from pipeline_runs pr join runs r on r.id = pr.run_id
        where ($1::uuid is null or pr.uuid = $1) and ($2::bigint is null or r.owner_id = $2)
        order by pr.run_id desc limit $3)
     )
     select r.id as key, r.public_id as "publicId", pr.uuid, r.owner_id as "ownerId", u.username as owner,
       p.name as pipeline, pr.state, pr.result, pr.label, pr.variables, pr.last_error as "lastError",
       pr.version_id as "versionId", r.created_at as "createdAt", r.started_at as "startedAt", r.ended_at as "endedAt"
     from wanted w join pipeline_runs pr on pr.run_id = w.run_id join runs r on r.id = w.run_id
     join users u on u.id = r.owner_id join pipelines p on p.id = pr.pipeline_id
     where $2::bigint is null or r.owner_id = $2
     order by r.id desc`,
    [uuid ?? null, ownerId ?? null, limit],
  )
  if (runs.length === 0) return []
  const [tasks, dependencies] = await Promise.all([tasksOf(db, runs), dependenciesOf(db, runs)])
  return runs.map(({ versionId, ...run }) => ({
    ...run,
    tasks: (tasks.get(run.key) ?? []).map(({ runId: _run, ...task }) => ({
      ...task,
      dependsOn: dependencies.get(versionId)?.get(task.name) ?? [],
    })),
  }))
}

/** A task whose job has not begun waits; `on_error` is one of them from its start on only. */
async function tasksOf(db: Queryable, runs: readonly RunRow[]): Promise<Map<string, TaskRow[]>> {
  const { rows } = await db.query<TaskRow>(
    `select t.run_id as "runId", t.name,
       case when t.state = 'running' and j.state in ('blocked', 'scheduled', 'queued', 'leased') then 'waiting'
         else t.state end as state,
       t.job_id as "jobId", coalesce(t.started_at, j.started_at) as "startedAt", t.ended_at as "endedAt",
       t.exit_code as "exitCode", t.error
     from run_tasks t left join jobs j on j.public_id = t.job_id
     where t.run_id = any($1::bigint[]) and t.item = -1 and (t.name <> 'on_error' or t.job_id is not null)
     order by t.run_id, t.position, t.name`,
    [runs.map(({ key }) => key)],
  )
  return Map.groupBy(rows, ({ runId }) => runId)
}

async function dependenciesOf(db: Queryable, runs: readonly RunRow[]): Promise<Map<string, Map<string, string[]>>> {
  const { rows } = await db.query<{
    id: string
    tasks: Pick<PipelineDefinition['tasks'][number], 'name' | 'depends_on'>[]
  }>(`select id, definition->'tasks' as tasks from pipeline_versions where id = any($1::bigint[])`, [
    [...new Set(runs.map(({ versionId }) => versionId))],
  ])
  return new Map(rows.map(({ id, tasks }) => [id, new Map(tasks.map((task) => [task.name, task.depends_on]))]))
}
