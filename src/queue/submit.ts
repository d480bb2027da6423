/** Makes jobs of specs: one or ten thousand in one transaction, durable when it commits, once per idempotency key. */
import type { Last, Queryable } from '../db/pool.ts'
import { labelList } from '../job/labels.ts'
import type { JobState } from '../job/state.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { claimKey, type Idempotency } from './idempotency.ts'
import { dependencyEdges, firstStates, lockDependencies } from './submit-dependencies.ts'
import { lanesFor } from './lanes.ts'
import { tellOf, workChannel } from './notify.ts'
import { newRank } from './statements.ts'
import type { NewJob } from './types.ts'

export interface SubmitInput {
  ownerId: string
  jobs: NewJob[]
  idempotency?: Idempotency
  /** Key of the run whose members they become, in this order. */
  runKey?: string
  /** How the caller wrote the n-th job, for error fields: `jobs[3].` unless told; `` for a single one. */
  fieldPrefix?: (index: number) => string
}

/** A job as it was made. */
export interface MadeJob {
  publicId: string
  state: JobState
  createdAt: Date
  notBefore: Date | null
  scheduledFor: 'delay' | null
  /** Jobs of one lane that are queued wait for the same. */
  laneId: string
}

export interface SubmitResult {
  publicIds: string[]
  /** The key was used before; nothing was made. */
  replayed: boolean
  /** In no promised order. */
  made: MadeJob[]
}

/** With `last` this is all that its transaction has left to do. */
export async function submit(
  tx: Queryable,
  input: SubmitInput,
  last: Last = (sql, values) => tx.query(sql, values),
): Promise<SubmitResult> {
  const { jobs, ownerId } = input
  const publicIds = jobs.map((job) => job.publicId)
  const earlier = input.idempotency && (await claimKey(tx, ownerId, input.idempotency, { jobs: publicIds, run: null }))
  if (earlier) return { publicIds: earlier.jobs, replayed: true, made: [] }
  if (jobs.length === 0) return { publicIds, replayed: false, made: [] }

  const prefix = input.fieldPrefix ?? ((index) => `jobs[${index}].`)
  const [queueIds, dependencies, laneIds] = await inOrder([
    resolveQueues(tx, jobs, prefix),
    lockDependencies(tx, ownerId, jobs, prefix),
    lanesFor(tx, ownerId, jobs),
  ])
  const first = firstStates(jobs, dependencies)

  const rows = jobs.map((job, i) => ({
    public_id: job.publicId,
    queue_id: queueIds[i],
    lane_id: laneIds[i],
    state: first[i]!.state,
    blockers_left: first[i]!.blockers,
    outcome: first[i]!.outcome,
    name: job.spec.name,
    spec: job.spec,
    env_sealed: job.envSealed?.toString('base64') ?? null,
    priority: job.spec.priority,
    not_before: job.spec.not_before === undefined ? null : Date.parse(job.spec.not_before) / 1000,
    delay: job.spec.delay_seconds ?? null,
    max_attempts: job.spec.max_attempts,
    rerun_of: job.rerunOf ?? null,
    labels: job.spec.labels && Object.keys(job.spec.labels).length > 0 ? labelList(job.spec.labels) : null,
    ...(input.runKey !== undefined && { run_id: input.runKey, run_index: i }),
  }))
  const statement = { name: 'queue_submit', text: insertJobs, values: [JSON.stringify(rows), ownerId] }
  const waitsForOthers = jobs.some((job) => job.spec.depends_on !== undefined)
  const inserted = await (waitsForOthers ? tx.query : last)<MadeJob & { id: string }>(statement)
  if (waitsForOthers) {
    const keys = new Map(inserted.rows.map((row) => [row.publicId, row.id]))
    const edges = dependencyEdges(jobs, dependencies, keys)
    await tx.query(
      'insert into job_dependencies (job_id, depends_on_id) select * from unnest($1::bigint[], $2::bigint[]) on conflict do nothing',
      [edges.jobs, edges.dependsOn],
    )
  }
  return { publicIds, replayed: false, made: inserted.rows }
}

/** What was asked together; the first of them that was refused says why. */
async function inOrder<T extends readonly unknown[]>(asked: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const settled = await Promise.allSettled(asked)
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value) as unknown as T
}

/** `first` is `ready` for a job that nothing blocks: the database's clock decides between scheduled and queued. */
const insertJobs = `
  with given as materialized (
    select r.*, case when r.not_before is not null then to_timestamp(r.not_before)
      when r.delay is not null then clock_timestamp() + make_interval(secs => r.delay) end as due
    from jsonb_to_recordset($1::jsonb) as r(public_id text, queue_id bigint, lane_id bigint, state text,
      blockers_left int, name text, spec jsonb, env_sealed text, priority int, not_before float8, delay float8,
      max_attempts int, rerun_of text, outcome jsonb, labels text[], run_id bigint, run_index int)
  ), placed as materialized (
    select given.*, case when state <> 'ready' then state when due > clock_timestamp() then 'scheduled' else 'queued' end
      as first_state
    from given
  ), inserted as (insert into jobs (public_id, owner_id, queue_id, lane_id, state, rank, name, spec, env_sealed, priority, not_before,
    scheduled_for, blockers_left, max_attempts, ended_at, rerun_of, outcome, labels, run_id, run_index)
  select public_id, $2::bigint, queue_id, lane_id, first_state,
    case when first_state = 'queued' then ${newRank('priority')} end,
    name, spec, decode(env_sealed, 'base64'), priority, due,
    case when first_state = 'scheduled' then 'delay' end, blockers_left, max_attempts,
    case when first_state = 'skipped' then now() end, rerun_of, outcome, labels, run_id, run_index
  from placed
  returning id, public_id, state, created_at, not_before, scheduled_for, lane_id), ${tellOf('inserted')}, work as materialized (
    select pg_notify('${workChannel}', '') where exists (select 1 from inserted where state = 'queued')
  )
  select id, public_id as "publicId", state, created_at as "createdAt", not_before as "notBefore",
    scheduled_for as "scheduledFor", lane_id as "laneId", (select count(*) from told), (select count(*) from work)
  from inserted`

async function resolveQueues(tx: Queryable, jobs: NewJob[], prefix: (i: number) => string): Promise<string[]> {
  const names = [...new Set(jobs.map((job) => job.spec.queue))]
  const { rows } = await tx.query<{ id: string; name: string }>({
    name: 'queue_resolve',
    text: 'select id, name from queues where name = any($1::text[])',
    values: [names],
  })
  const ids = new Map(rows.map((row) => [row.name, row.id]))
  const problems: FieldProblem[] = jobs.flatMap(({ spec }, i) =>
    ids.has(spec.queue) ? [] : [{ field: `${prefix(i)}queue`, message: noQueue(spec.queue) }],
  )
  if (problems.length > 0) {
    throw new AppError('invalid_argument', problems[0]!.message, { fields: problems.slice(0, 100) })
  }
  return jobs.map((job) => ids.get(job.spec.queue)!)
}

export const noQueue = (name: string): string =>
  `there is no queue named ${name}; an administrator can make it: runyard queue set ${name} (PUT /api/v1/queues/${name})`
