/** Looking at the queue: jobs, attempts, counts. Every question narrows to one owner when it is given one. */
import type { Queryable } from '../db/pool.ts'
import type { JobOutcome, Outcome } from '../job/outcome.ts'
import type { StoredSpec } from '../job/spec.ts'
import type { JobState } from '../job/state.ts'
import type { LogSummary } from './types.ts'

export { deleteEnded } from './prune.ts'
export { listQueues, upsertQueue, type QueueRow, type QueueSettings } from './queues.ts'
export { listRunners, type RunnerRow } from './runners.ts'
export { waitingReasons, type WaitingReason } from './waiting-reasons.ts'

export interface JobRow {
  jobKey: string
  publicId: string
  ownerId: string
  /** Username. */
  owner: string
  queue: string
  state: JobState
  stateSince: Date
  name: string
  /** Without `payload` in lists. */
  spec: StoredSpec
  /** Null in lists. */
  envSealed: Buffer | null
  priority: number
  createdAt: Date
  notBefore: Date | null
  scheduledFor: 'delay' | 'backoff' | null
  blockersLeft: number
  maxAttempts: number
  attemptsSpent: number
  lastAttempt: number
  cancelRequestedAt: Date | null
  cancelReason: string | null
  startedAt: Date | null
  endedAt: Date | null
  outcome: JobOutcome | null
  /** Of the last attempt's output; null until its log is sealed. */
  truncatedBytes: number | null
  rerunOf: string | null
}

const columns = `j.id as "jobKey", j.public_id as "publicId", j.owner_id as "ownerId", u.username as owner,
  q.name as queue, j.state, j.state_since as "stateSince", j.name, j.priority, j.created_at as "createdAt",
  j.not_before as "notBefore", j.scheduled_for as "scheduledFor", j.blockers_left as "blockersLeft",
  j.max_attempts as "maxAttempts", j.attempts_spent as "attemptsSpent", j.last_attempt as "lastAttempt",
  j.cancel_requested_at as "cancelRequestedAt", j.cancel_reason as "cancelReason", j.started_at as "startedAt",
  j.ended_at as "endedAt", j.outcome, j.rerun_of as "rerunOf",
  (select (a.log->>'truncated_bytes')::float8 from attempts a where a.job_id = j.id and a.number = j.last_attempt)
    as "truncatedBytes"`
const tables = 'jobs j join users u on u.id = j.owner_id join queues q on q.id = j.queue_id'

export async function findJob(db: Queryable, publicId: string, ownerId?: string): Promise<JobRow | null> {
  const { rows } = await db.query<JobRow>({
    name: 'queue_find_job',
    text: `select ${columns}, j.spec, j.env_sealed as "envSealed" from ${tables}
      where j.public_id = $1 and ($2::bigint is null or j.owner_id = $2)`,
    values: [publicId, ownerId ?? null],
  })
  return rows[0] ?? null
}

export interface JobFilter {
  ids?: string[]
  state?: JobState[]
  queue?: string
  /** Part of the name, any case. */
  name?: string
  ownerId?: string
  /** Created at or after. */
  since?: Date
  /** Created before. */
  until?: Date
  rerunOf?: string
}

/** Newest first. A cursor is the `nextCursor` of an earlier answer; anything else begins at the newest. */
export async function listJobs(
  db: Queryable,
  filter: JobFilter,
  cursor: string | null,
  limit: number,
): Promise<{ rows: JobRow[]; nextCursor: string | null }> {
  const values: unknown[] = []
  const where: string[] = []
  const and = (condition: (parameter: string) => string, value: unknown): void => {
    if (value === undefined) return
    values.push(value)
    where.push(condition(`$${values.length}`))
  }
  and((p) => `j.public_id = any(${p}::text[])`, filter.ids)
  and((p) => `j.state = any(${p}::text[])`, filter.state)
  and((p) => `j.queue_id = (select id from queues where name = ${p})`, filter.queue)
  and((p) => `j.name ilike ${p}`, filter.name && `%${filter.name.replaceAll(/[\\%_]/g, '\\$&')}%`)
  and((p) => `j.owner_id = ${p}::bigint`, filter.ownerId)
  and((p) => `j.created_at >= ${p}`, filter.since)
  and((p) => `j.created_at < ${p}`, filter.until)
  and((p) => `j.rerun_of = ${p}`, filter.rerunOf)
  and((p) => `j.id < ${p}::bigint`, cursor !== null && /^[0-9]{1,18}$/.test(cursor) ? cursor : undefined)
  values.push(limit + 1)
  const { rows } = await db.query<JobRow>(
    `select ${columns}, j.spec - 'payload' as spec, null as "envSealed" from ${tables}
     where ${where.length > 0 ? where.join(' and ') : 'true'} order by j.id desc limit $${values.length}`,
    values,
  )
  const page = rows.slice(0, limit)
  return { rows: page, nextCursor: rows.length > limit ? (page.at(-1)?.jobKey ?? null) : null }
}

export async function jobStats(db: Queryable, ownerId?: string): Promise<Partial<Record<JobState, number>>> {
  const { rows } = await db.query<{ state: JobState; n: number }>({
    name: ownerId === undefined ? 'queue_stats' : 'queue_stats_owner',
    text: `select state, count(*)::int as n from jobs ${ownerId === undefined ? '' : 'where owner_id = $1'} group by state`,
    values: ownerId === undefined ? [] : [ownerId],
  })
  return Object.fromEntries(rows.map((row) => [row.state, row.n]))
}

export interface AttemptRow {
  number: number
  state: string
  /** Its runner's name. */
  runner: string
  leasedAt: Date
  startedAt: Date | null
  endedAt: Date | null
  outcome: Outcome | null
  log: LogSummary | null
}

export async function listAttempts(db: Queryable, jobKey: string): Promise<AttemptRow[]> {
  const { rows } = await db.query<AttemptRow>(
    `select a.number, a.state, r.name as runner, a.leased_at as "leasedAt", a.started_at as "startedAt",
       a.ended_at as "endedAt", a.outcome, a.log
     from attempts a join runners r on r.id = a.runner_id where a.job_id = $1 order by a.number`,
    [jobKey],
  )
  return rows
}
