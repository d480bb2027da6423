/** Forgets what is old: ended jobs by age and by count, used idempotency keys, lanes that nobody waits in. */
import type { Db, Queryable } from '../db/pool.ts'
import { isTerminal, type JobState } from '../job/state.ts'
import { AppError } from '../lib/app-error.ts'
import { inTransaction, terminal } from './statements.ts'
import { idempotencyHours } from './submit.ts'
import type { AttemptRef } from './types.ts'

/** Names an attempt's log. */
export type AttemptName = Pick<AttemptRef, 'jobKey' | 'number'>

interface DoomedRow {
  id: string
  public_id: string
  last_attempt: number
}

const attemptsOf = (row: DoomedRow): AttemptName[] =>
  Array.from({ length: row.last_attempt }, (_, i) => ({ jobKey: row.id, number: i + 1 }))

export interface PruneOptions {
  retainDays: number
  retainCount: number
  /** Jobs per call; call again while it returns as many. */
  batch?: number
  /** Removes the logs before their rows go: after a crash in between the next pass finds the rows again. */
  removeLogs?: (attempts: AttemptName[]) => Promise<void>
}

export async function pruneOld(
  db: Db,
  options: PruneOptions,
): Promise<{ publicIds: string[]; attempts: AttemptName[] }> {
  const { rows } = await db.query<DoomedRow>(
    `with kept as (
       select ended_at from jobs where ended_at is not null order by ended_at desc offset $2 limit 1
     )
     select id, public_id, last_attempt from jobs
     where ended_at is not null and state in ${terminal}
       and (ended_at < now() - make_interval(days => $1) or ended_at <= (select ended_at from kept))
     order by ended_at limit $3`,
    [options.retainDays, options.retainCount, options.batch ?? 500],
  )
  const attempts = rows.flatMap(attemptsOf)
  if (attempts.length > 0) await options.removeLogs?.(attempts)
  await db.query(`delete from jobs where id = any($1::bigint[]) and state in ${terminal}`, [rows.map((row) => row.id)])
  return { publicIds: rows.map((row) => row.public_id), attempts }
}

/** For the user's own delete of an ended job. Its logs are the caller's to remove. */
export async function deleteEnded(db: Db | Queryable, publicId: string): Promise<AttemptName[]> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<DoomedRow & { state: JobState }>(
      'select id, public_id, last_attempt, state from jobs where public_id = $1 for update',
      [publicId],
    )
    const job = rows[0]
    if (!job) throw new AppError('not_found', `there is no job ${publicId}`)
    if (!isTerminal(job.state)) {
      throw new AppError('conflict', `job ${publicId} is ${job.state}; cancel it first and delete it when it has ended`)
    }
    await tx.query('delete from jobs where id = $1', [job.id])
    return attemptsOf(job)
  })
}

export async function pruneIdempotencyKeys(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys where created_at < now() - make_interval(hours => ${idempotencyHours})`,
  )
  return rowCount
}

/** A lane is needed while one of its jobs may still be claimed, also after a retry; and cheap to make again. */
export async function pruneLanes(db: Db | Queryable): Promise<number> {
  return inTransaction(db, async (tx) => {
    await tx.query(`
      update lanes set last_used_at = now() where last_used_at < now() - interval '12 hours'
        and id in (select lane_id from jobs where state not in ${terminal})`)
    const { rowCount } = await tx.query(`
      with unused as (
        select id from lanes where last_used_at < now() - interval '1 day' order by id for update skip locked
      )
      delete from lanes l using unused
      where l.id = unused.id and not exists (select 1 from jobs where lane_id = l.id and state not in ${terminal})`)
    return rowCount
  })
}
