/** One row for each message: which job sends it, or why none does. */
import type { Queryable } from '../db/pool.ts'
import type { Message } from '../job/message.ts'
import { jobStates, type JobState } from '../job/state.ts'

export const deliveryStates = [...jobStates, 'not_sent'] as const
export type DeliveryState = JobState | 'not_sent'

/** Of delivery `d` with its job `j`. */
export const deliveryState = `coalesce(j.state, 'not_sent')`
/** One whose job was removed has no more to show, and goes with the next pass of upkeep. */
export const stillShown = '(d.job_id is null or j.id is not null)'

export interface NewDelivery {
  message: Message
  ownerId: string
  jobId: string | null
  notSent: string | null
  heldUntil: Date | null
}

/** False: this was told to this channel before. */
export async function addDelivery(tx: Queryable, { message, ...row }: NewDelivery): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'delivery_add',
    text: `insert into deliveries (delivery_id, about, channel, owner_id, subject, job_id, not_sent, message, held_until)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (about, channel) do nothing`,
    values: [
      ...[message.delivery_id, message.about, message.channel, row.ownerId, message.subject],
      ...[row.jobId, row.notSent, JSON.stringify(message), row.heldUntil],
    ],
  })
  return rowCount === 1
}

export interface DeliveryRow {
  /** Place in lists. */
  key: string
  id: string
  channel: string
  about: string
  subject: string
  jobId: string | null
  state: DeliveryState
  attempts: number
  result: string | null
  createdAt: Date
  endedAt: Date | null
  heldUntil: Date | null
}

export interface DeliveryFilter {
  channel?: string | undefined
  about?: string | undefined
  state?: readonly DeliveryState[] | undefined
  ownerId?: string | undefined
}

/** Newest first, from before the row of `cursor`. */
export async function listDeliveries(
  db: Queryable,
  filter: DeliveryFilter,
  cursor: string | null,
  limit: number,
): Promise<{ rows: DeliveryRow[]; nextCursor: string | null }> {
  const { rows } = await db.query<DeliveryRow>(
    `select d.id as key, d.delivery_id as id, d.channel, d.about, d.subject, d.job_id as "jobId", ${deliveryState} as state,
       coalesce(j.last_attempt, 0) as attempts, coalesce(d.not_sent, j.outcome->>'message', a.outcome->>'message') as result,
       d.created_at as "createdAt", case when d.job_id is null then d.created_at else j.ended_at end as "endedAt",
       d.held_until as "heldUntil"
     from deliveries d left join jobs j on j.public_id = d.job_id
     left join lateral (
       select outcome from attempts where job_id = j.id and outcome is not null order by number desc limit 1
     ) a on true
     where ${stillShown} and ($1::bigint is null or d.id < $1) and ($2::text is null or d.channel = $2) and ($3::text is null or d.about = $3)
       and ($4::bigint is null or d.owner_id = $4) and ($5::text[] is null or ${deliveryState} = any($5))
     order by d.id desc limit $6`,
    [cursor, filter.channel ?? null, filter.about ?? null, filter.ownerId ?? null, filter.state ?? null, limit + 1],
  )
  const shown = rows.slice(0, limit)
  return { rows: shown, nextCursor: rows.length > limit ? shown.at(-1)!.key : null }
}

/** Locked for a redelivery. */
export async function takeDelivery(
  tx: Queryable,
  id: string,
): Promise<{ message: Message; ownerId: string; jobId: string | null; state: DeliveryState } | null> {
  const { rows } = await tx.query<{ message: Message; ownerId: string; jobId: string | null; state: DeliveryState }>(
    `select d.message, d.owner_id as "ownerId", d.job_id as "jobId", ${deliveryState} as state
     from deliveries d left join jobs j on j.public_id = d.job_id where d.delivery_id = $1 for update of d`,
    [id],
  )
  return rows[0] ?? null
}

export const redelivered = (tx: Queryable, id: string, jobId: string): Promise<unknown> =>
  tx.query('update deliveries set job_id = $2, not_sent = null, held_until = null where delivery_id = $1', [id, jobId])

/** Those whose job is gone, as jobs are after their time, and those without one after `days`. */
export async function pruneDeliveries(db: Queryable, days: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from deliveries d where created_at < now() - interval '1 day' and (
       (job_id is not null and not exists (select from jobs where public_id = d.job_id))
       or (job_id is null and $1 > 0 and created_at < now() - make_interval(secs => $1 * 86400.0)))`,
    [days],
  )
  return rowCount
}
