/** Runs of pipelines as they are listed, newest first. */
import type { Queryable } from '../db/pool.ts'
import type { PipelineRunStatus, TaskState } from '../job/pipeline.ts'
import type { StartRun, Variables } from './run.ts'

export interface LastRun {
  id: string
  status: PipelineRunStatus
  createdAt: string
  endedAt: string | null
}

/** Of `pipeline_runs pr`, as one word. */
export const statusOfRun = `coalesce(pr.result, pr.state)`

export interface PipelineRunRow {
  key: string
  publicId: string
  uuid: string
  pipeline: string
  pipelineId: string
  version: number
  versionId: string
  status: PipelineRunStatus
  /** Of a waiting one: from 1. */
  position: number | null
  /** Of its pipeline, when it waits. */
  runningNow: number | null
  concurrency: number
  ownerId: string
  /** Username. */
  owner: string
  label: string | null
  trigger: StartRun['trigger']
  variables: Variables
  queuePartition: string | null
  createdAt: Date
  notBefore: Date | null
  startedAt: Date | null
  endedAt: Date | null
  cancelRequestedAt: Date | null
  lastError: string | null
  rerunOf: string | null
  parentRun: string | null
  parentTask: string | null
  /** Tasks in each state, instances of those that fan out not among them. */
  tasks: Partial<Record<TaskState, number>>
}

const columns = `r.id as key, r.public_id as "publicId", pr.uuid, p.name as pipeline, p.id as "pipelineId",
  v.number as version, v.id as "versionId", ${statusOfRun} as status,
  case when pr.state = 'waiting' then (
    select count(*)::int from pipeline_runs w where w.pipeline_id = pr.pipeline_id and w.state = 'waiting' and w.run_id <= pr.run_id
  ) end as position,
  case when pr.state = 'waiting' then (
    select count(*)::int from pipeline_runs w where w.pipeline_id = pr.pipeline_id and w.state = 'running'
  ) end as "runningNow",
  (now_v.definition->>'concurrency')::int as concurrency,
  r.owner_id as "ownerId", u.username as owner, pr.label, pr.trigger, pr.variables, pr.queue_partition as "queuePartition",
  r.created_at as "createdAt", pr.not_before as "notBefore", r.started_at as "startedAt", r.ended_at as "endedAt",
  r.cancel_requested_at as "cancelRequestedAt", pr.last_error as "lastError", r.rerun_of as "rerunOf",
  parent.public_id as "parentRun", pr.parent_task as "parentTask",
  (select coalesce(jsonb_object_agg(state, n), '{}') from (
    select state, count(*)::int as n from run_tasks where run_id = r.id and item = -1 group by state
  ) counted) as tasks`
const tables = `runs r join pipeline_runs pr on pr.run_id = r.id join users u on u.id = r.owner_id
  join pipelines p on p.id = pr.pipeline_id join pipeline_versions v on v.id = pr.version_id
  left join pipeline_versions now_v on now_v.pipeline_id = p.id and now_v.number = p.version
  left join runs parent on parent.id = pr.parent_run_id`

/** By public id or UUID. Null when it is not there, or belongs to another than the owner. */
export async function findPipelineRun(db: Queryable, id: string, ownerId?: string): Promise<PipelineRunRow | null> {
  const uuid = id.includes('-')
  const { rows } = await db.query<PipelineRunRow>({
    name: uuid ? 'pipelines_find_run_uuid' : 'pipelines_find_run',
    text: `select ${columns} from ${tables}
      where ${uuid ? 'pr.uuid = $1::uuid' : 'r.public_id = $1'} and ($2::bigint is null or r.owner_id = $2)`,
    values: [id, ownerId ?? null],
  })
  return rows[0] ?? null
}

/** Those that are there and belong to the owner, in no promised order. */
export async function findPipelineRuns(
  db: Queryable,
  keys: readonly string[],
  ownerId?: string,
): Promise<PipelineRunRow[]> {
  const { rows } = await db.query<PipelineRunRow>({
    name: 'pipelines_find_runs',
    text: `select ${columns} from ${tables} where r.id = any($1::bigint[]) and ($2::bigint is null or r.owner_id = $2)`,
    values: [keys, ownerId ?? null],
  })
  return rows
}

export interface PipelineRunFilter {
  ownerId?: string
  pipeline?: string
  status?: PipelineRunStatus[]
  trigger?: StartRun['trigger'][]
  /** Created at or after. */
  since?: Date
  /** Created before. */
  until?: Date
}

/** Runs that one page of a search looks at: what no index answers is bounded. */
const lookAtMost = 10_000

/** A page of a search may have fewer rows than asked for, even none, and still a `nextCursor`. */
export async function listPipelineRunRows(
  db: Queryable,
  { ownerId, pipeline, status, trigger, since, until }: PipelineRunFilter,
  cursor: string | null,
  limit: number,
  atMost = lookAtMost,
): Promise<{ rows: PipelineRunRow[]; nextCursor: string | null }> {
  const onlyOpen = status !== undefined && status.every((word) => word === 'waiting' || word === 'running')
  const { rows } = await db.query<PipelineRunRow & { stopped: string | null }>({
    text: `
      with looked as materialized (
        select pr.run_id from pipeline_runs pr
        where pr.run_id < $1::bigint
          ${pipeline === undefined ? '' : 'and pr.pipeline_id = (select id from pipelines where name = $9)'}
          ${onlyOpen ? "and pr.state <> 'ended'" : ''}
        order by pr.run_id desc limit $8::int
      ), stopped as (
        select case when count(*) = $8::int then min(run_id) end as id from looked
      ), found as materialized (
        select r.id from looked join runs r on r.id = looked.run_id join pipeline_runs pr on pr.run_id = r.id
        where ($2::bigint is null or r.owner_id = $2) and ($3::text[] is null or ${statusOfRun} = any($3))
          and ($4::text[] is null or pr.trigger = any($4)) and ($5::timestamptz is null or r.created_at >= $5)
          and ($6::timestamptz is null or r.created_at < $6)
        order by r.id desc limit $7::int
      ), page as (
        select ${columns} from found join ${tables} on r.id = found.id
      )
      select page.*, stopped.id as stopped from stopped left join page on true order by page.key desc`,
    values: [
      cursor !== null && /^[0-9]{1,18}$/.test(cursor) ? cursor : String(2n ** 63n - 1n),
      ownerId ?? null,
      status ?? null,
      trigger ?? null,
      since ?? null,
      until ?? null,
      limit + 1,
      Math.max(atMost, limit + 1),
      ...(pipeline === undefined ? [] : [pipeline]),
    ],
  })
  const runs = rows.flatMap(({ stopped: _stopped, ...row }) => (row.key ? [row as PipelineRunRow] : []))
  const page = runs.slice(0, limit)
  return { rows: page, nextCursor: runs.length > limit ? page.at(-1)!.key : (rows[0]?.stopped ?? null) }
}
