/** Cancels jobs: at once while they wait; else the wish is recorded and their runner stops the process tree. */
import type { Db, Queryable } from '../db/pool.ts'
import type { Outcome } from '../job/outcome.ts'
import { isTerminal, waitingStates, type JobState } from '../job/state.ts'
import { AppError } from '../lib/app-error.ts'
import { settleDependents } from './dependents.ts'
import { notify, notifyCancels } from './notify.ts'
import { inTransaction, safeJson, waiting } from './statements.ts'
import type { CancelInput, CancelResult } from './types.ts'

/** A second cancel of a job that is being stopped is fine; an ended job is a conflict that names its state. */
export async function cancel(db: Db | Queryable, input: CancelInput): Promise<CancelResult> {
  const { publicId, ...how } = input
  const [result] = await cancelMany(db, { ids: [publicId], ...how })
  if (!result) throw new AppError('not_found', `there is no job ${publicId}`)
  if (result.ended) throw new AppError('conflict', `job ${publicId} has already ended: ${result.state}`)
  return { publicId: result.publicId, state: result.state, requested: result.requested }
}

export interface CancelManyResult extends CancelResult {
  /** It had ended before; nothing was changed. */
  ended: boolean
}

/** Those of `ids` that exist (and belong to the owner), in no particular order. */
export async function cancelMany(
  db: Db | Queryable,
  input: Omit<CancelInput, 'publicId'> & { ids: string[] },
): Promise<CancelManyResult[]> {
  return inTransaction(db, async (tx) => {
    const reach = await tx.query<{ id: string; asked: boolean }>({
      name: 'queue_cancel_reach',
      text: `
        with recursive asked as (
          select id from jobs where public_id = any($1::text[]) and ($2::bigint is null or owner_id = $2)
        ), reach as (
          select id from asked
          union
          select d.job_id from reach join job_dependencies d on d.depends_on_id = reach.id
        )
        select id, id in (select id from asked) as asked from reach`,
      values: [input.ids, input.ownerId ?? null],
    })
    // With everything that a cancel may skip, and in order of ids, so that it cannot deadlock with a finish.
    const { rows } = await tx.query<{ id: string; public_id: string; state: JobState }>({
      name: 'queue_cancel_lock',
      text: 'select id, public_id, state from jobs where id = any($1::bigint[]) order by id for update',
      values: [reach.rows.map((row) => row.id)],
    })
    const asked = new Set(reach.rows.filter((row) => row.asked).map((row) => row.id))
    const jobs = rows.filter((row) => asked.has(row.id))
    const atOnce = jobs.filter((job) => (waitingStates as readonly JobState[]).includes(job.state))
    const running = jobs.filter((job) => !atOnce.includes(job) && !isTerminal(job.state))
    const outcome: Outcome = { state: 'cancelled', message: 'cancelled while it waited', remaining_processes: 0 }
    if (atOnce.length > 0) {
      await tx.query({
        name: 'queue_cancel_waiting',
        text: `update jobs set state = 'cancelled', state_since = now(), ended_at = now(), outcome = $2::jsonb,
            cancel_requested_at = now(), cancel_reason = $3
          where id = any($1::bigint[]) and state in ${waiting}`,
        values: [atOnce.map((job) => job.id), safeJson(outcome), input.reason ?? null],
      })
    }
    if (running.length > 0) {
      await tx.query({
        name: 'queue_cancel_held',
        text: `update jobs set cancel_requested_at = coalesce(cancel_requested_at, now()), cancel_now = $3,
            cancel_reason = case when cancel_requested_at is null then $2 else cancel_reason end
          where id = any($1::bigint[]) and (cancel_requested_at is null or $3 > cancel_now)`,
        values: [running.map((job) => job.id), input.reason ?? null, input.force ?? false],
      })
    }
    const dependents = await settleDependents(
      tx,
      atOnce.map((job) => ({ jobKey: job.id, publicId: job.public_id, state: 'cancelled' as const })),
    )
    const touched = [...atOnce, ...running].map((job) => job.public_id)
    await notify(tx, [...new Set([...touched, ...dependents.changed])], dependents.work)
    await notifyCancels(
      tx,
      running.map((job) => job.public_id),
    )
    return jobs.map((job) => {
      const now = atOnce.includes(job)
      const ended = isTerminal(job.state)
      return { publicId: job.public_id, state: now ? 'cancelled' : job.state, requested: !now && !ended, ended }
    })
  })
}
