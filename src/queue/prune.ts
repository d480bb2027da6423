/**
 * Removes what is old: ended jobs with their logs, in batches, oldest first. A job goes as soon as any limit says so: the
 * age or the count of its queue, the count or the bytes of its owner (docs/decisions/011-bounded-history.md).
 */
import type { Db, Queryable } from '../db/pool.ts'
import { isTerminal, type JobState } from '../job/state.ts'
import { AppError } from '../lib/app-error.ts'
import { inTransaction, terminal } from './statements.ts'
import { totals } from './totals.ts'
import type { AttemptRef } from './types.ts'

/** Names an attempt's log. */
export type AttemptName = Pick<AttemptRef, 'jobKey' | 'number'>

/** With where its log is. */
export interface DoomedAttempt extends AttemptName {
  /** Null: nobody is written down. */
  server: string | null
  shared: boolean
}

interface DoomedRow {
  id: string
  public_id: string
  last_attempt: number
}

const attemptsOf = (row: Pick<DoomedRow, 'id' | 'last_attempt'>): AttemptName[] =>
  Array.from({ length: row.last_attempt }, (_, i) => ({ jobKey: row.id, number: i + 1 }))

/** In the same order; asked before the rows go. */
export async function doomedAttempts(
  tx: Queryable,
  jobs: readonly Pick<DoomedRow, 'id' | 'last_attempt'>[],
): Promise<DoomedAttempt[]> {
  const { rows } = await tx.query<DoomedAttempt>({
    name: 'queue_doomed',
    text: `select job_id as "jobKey", number, log_server as server, log_shared as shared from attempts
      where job_id = any($1::bigint[]) and (log_server is not null or log_shared)`,
    values: [jobs.map((job) => job.id)],
  })
  const placed = new Map(rows.map((row) => [`${row.jobKey}-${row.number}`, row]))
  return jobs
    .flatMap(attemptsOf)
    .map((name) => placed.get(`${name.jobKey}-${name.number}`) ?? { ...name, server: null, shared: false })
}

/** 0 is no limit, everywhere. */
export interface Retention {
  /** Of each queue that has no own value. */
  retainDays: number
  /** Of each queue that has no own value. */
  retainCount: number
  retainUserCount?: number
  retainUserBytes?: number
}

/** Jobs of one transaction: long enough to be quick, short enough that nobody waits for it. */
export const pruneAtOnce = 1000

export interface PruneOptions extends Retention {
  /** Jobs per transaction; else `pruneAtOnce`. */
  batch?: number
  /** Removes the logs before their rows go: after a crash in between the next pass finds the rows again. */
  removeLogs?: (attempts: DoomedAttempt[], tx: Queryable) => Promise<void>
}

export interface Pruned {
  publicIds: string[]
  attempts: AttemptName[]
}

/** At most one batch for each limit that is exceeded; call again until nothing was removed. */
export async function pruneOld(db: Db, options: PruneOptions): Promise<Pruned> {
  const pruned: Pruned = { publicIds: [], attempts: [] }
  for (const { rule, id } of await exceeded(db, options)) {
    const removed = await removeBatch(db, { rule, id }, options)
    pruned.publicIds.push(...removed.map((row) => row.public_id))
    for (const row of removed) pruned.attempts.push(...attemptsOf(row))
  }
  return pruned
}

/** What one limit wants gone: the oldest ended jobs of one queue or one owner. */
interface Excess {
  rule: 'queue_days' | 'queue_count' | 'owner_count' | 'owner_bytes'
  id: string
  /** Only jobs that ended longer ago; 0 for all. */
  days: number
  /** At most so many jobs. */
  jobs: number
  /** The first jobs until so many bytes are gone; null for all. */
  bytes: number | null
}

async function exceeded(db: Queryable, options: Retention, only?: Pick<Excess, 'rule' | 'id'>): Promise<Excess[]> {
  const { retainDays, retainCount, retainUserCount = 0, retainUserBytes = 0 } = options
  const { rows } = await db.query<Excess>({
    name: 'queue_exceeded',
    text: exceededLimits,
    values: [retainDays, retainCount, retainUserCount, retainUserBytes, only?.rule ?? null, only?.id ?? null],
  })
  return rows
}

const exceededLimits = `
  with ended as materialized (
    select owner_id, queue_id, sum(jobs) as jobs, sum(log_bytes) as bytes from ${totals} t
    where state in ${terminal} group by owner_id, queue_id having sum(jobs) > 0
  ), queue as materialized (
    select q.id, coalesce(q.retain_days, $1::float8) as days, coalesce(q.retain_count, $2::bigint) as most,
      sum(e.jobs) as jobs
    from queues q join ended e on e.queue_id = q.id group by q.id
  ), owner as materialized (
    select owner_id as id, sum(jobs) as jobs, sum(bytes) as bytes from ended group by owner_id
  ), excess as (
    select 'queue_days' as rule, queue.id, days, jobs, null::float8 as bytes from queue
    cross join lateral (
      select ended_at from jobs where queue_id = queue.id and ended_at is not null order by ended_at limit 1
    ) oldest
    where days > 0 and oldest.ended_at < now() - make_interval(secs => days * 86400)
    union all select 'queue_count', id, 0, jobs - most, null from queue where most > 0 and jobs > most
    union all select 'owner_count', id, 0, jobs - $3::bigint, null from owner where $3::bigint > 0 and jobs > $3::bigint
    -- However large its log is, the job that ended last stays: somebody has just run it.
    union all select 'owner_bytes', id, 0, jobs - 1, bytes - $4::bigint from owner where $4::bigint > 0 and bytes > $4::bigint
  )
  select rule, id, days, jobs::int, bytes::float8 from excess
  where $5::text is null or (rule = $5 and id = $6::bigint)`

/** Nothing that has not ended waits for it, was made from it, or has it as a task, also one that an earlier run did. */
const unneeded = (job: string): string => `
  ${ofNoOpenRun(job)} and
  not exists (select 1 from job_dependencies d join jobs w on w.id = d.job_id
    where d.depends_on_id = ${job}.id and w.state not in ${terminal})
  and not exists (select 1 from jobs again where again.rerun_of = ${job}.public_id and again.state not in ${terminal})`

/** A run of a pipeline reads what its tasks' jobs gave until its end. */
const ofNoOpenRun = (job: string): string => `
  not exists (select 1 from run_tasks t join runs r on r.id = t.run_id
    where t.job_id = ${job}.public_id and r.ended_at is null)`

/** Any number that no other advisory lock of ours uses. */
const pruneLock = 7_203_002

async function removeBatch(
  db: Db,
  limit: Pick<Excess, 'rule' | 'id'>,
  { batch = pruneAtOnce, removeLogs, ...retention }: PruneOptions,
): Promise<DoomedRow[]> {
  return inTransaction(db, async (tx) => {
    // Two that prune at once, or two limits that mean the same jobs, must not each remove the whole excess.
    const lock = await tx.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [pruneLock])
    const [excess] = lock.rows[0]!.mine ? await exceeded(tx, retention, limit) : []
    if (!excess) return []
    const oldest = await tx.query<{ id: string }>({
      name: `queue_oldest_${excess.rule.slice(0, 5)}`,
      text: excess.rule.startsWith('queue') ? oldestOf('queue_id') : oldestOf('owner_id'),
      values: [excess.id, excess.days, Math.min(batch, excess.jobs), excess.bytes],
    })
    // A submit that depends on one of them waits for us, or is seen by the second look, which comes after the locks.
    const locked = await tx.query<{ id: string }>(
      'select id from jobs where id = any($1::bigint[]) order by id for update skip locked',
      [oldest.rows.map((row) => row.id)],
    )
    const { rows } = await tx.query<DoomedRow>(
      `select id, public_id, last_attempt from jobs j
       where id = any($1::bigint[]) and state in ${terminal} and ${unneeded('j')} order by ended_at, id`,
      [locked.rows.map((row) => row.id)],
    )
    if (rows.length === 0) return []
    await removeLogs?.(await doomedAttempts(tx, rows), tx)
    await tx.query('delete from jobs where id = any($1::bigint[])', [rows.map((row) => row.id)])
    return rows
  })
}

const oldestOf = (column: 'queue_id' | 'owner_id'): string => `
  with oldest as (
    select id, log_bytes, ended_at from jobs j
    where ${column} = $1::bigint and ended_at is not null
      and ended_at < now() - make_interval(secs => $2::float8 * 86400)
      and state in ${terminal} and ${unneeded('j')}
    order by ended_at limit $3::int
  ), summed as (
    select id, sum(log_bytes) over (order by ended_at, id rows unbounded preceding) - log_bytes as before from oldest
  )
  select id from summed where $4::float8 is null or before < $4::float8`

/** For the user's own delete of an ended job. Its logs are the caller's to remove. */
export async function deleteEnded(db: Db | Queryable, publicId: string): Promise<DoomedAttempt[]> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<DoomedRow & { state: JobState; free: boolean }>(
      `select id, public_id, last_attempt, state, ${ofNoOpenRun('j')} as free from jobs j where public_id = $1 for update`,
      [publicId],
    )
    const job = rows[0]
    if (!job) throw new AppError('not_found', `there is no job ${publicId}`)
    if (!isTerminal(job.state)) {
      throw new AppError('conflict', `job ${publicId} is ${job.state}; cancel it first and delete it when it has ended`)
    }
    if (!job.free) {
      throw new AppError(
        'conflict',
        `job ${publicId} is a task of a pipeline run that has not ended; delete it after that`,
      )
    }
    const attempts = await doomedAttempts(tx, [job])
    await tx.query('delete from jobs where id = $1', [job.id])
    return attempts
  })
}
