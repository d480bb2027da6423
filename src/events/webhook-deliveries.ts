/** What came in through webhooks: each delivery that began a run is remembered, and is taken once. */
import { randomUUID } from 'node:crypto'
import type { Queryable } from '../db/pool.ts'

export interface Delivery {
  webhookKey: string
  deliveryId: string
  bodyHash: Buffer | null
}

/** As times are shown, so that a page of the list ends where the next begins. */
const toMilliseconds = `date_trunc('milliseconds', clock_timestamp())`

/** It began a run before, under this id or with this very body. Deliveries of one event come one after the other. */
export async function isReplay(tx: Queryable, { webhookKey, deliveryId, bodyHash }: Delivery): Promise<boolean> {
  const { rows } = await tx.query<{ seen: boolean }>({
    name: 'webhooks_seen',
    text: `select exists (select from webhook_deliveries
        where webhook_id = $1 and delivery_id = $2 and run_id is not null)
      or exists (select from webhook_deliveries where webhook_id = $1 and body_hash = $3) as seen`,
    values: [webhookKey, deliveryId, bodyHash],
  })
  return rows[0]!.seen
}

/** Takes one of the webhook's deliveries per minute. Answers 0, or after how many seconds there is one. */
export async function takeTurn(tx: Queryable, webhookKey: string): Promise<number> {
  const { rows } = await tx.query<{ wait: number }>({
    name: 'webhooks_turn',
    text: `with bucket as (
        select id, least(per_minute, coalesce(rate_tokens, per_minute) + per_minute / 60.0 * greatest(0,
            extract(epoch from clock_timestamp() - coalesce(rate_refilled_at, clock_timestamp())))) as left,
          per_minute / 60.0 as per_second
        from event_webhooks where id = $1 and enabled
      ), taken as (
        update event_webhooks w set rate_tokens = b.left - 1, rate_refilled_at = clock_timestamp(),
          last_used_at = clock_timestamp()
        from bucket b where w.id = b.id and b.left >= 1 returning w.id
      )
      select case when exists (select from taken) then 0 else (1 - b.left) / b.per_second end::float8 as wait
      from bucket b`,
    values: [webhookKey],
  })
  // It was deleted or switched off meanwhile.
  return rows[0]?.wait ?? 60
}

/** What became of it. One that began nothing may come again under the same id. */
export async function noteDelivery(
  tx: Queryable,
  { webhookKey, deliveryId, bodyHash }: Delivery,
  outcome: { run: string } | { reason: string },
): Promise<void> {
  const run = 'run' in outcome ? outcome.run : null
  await tx.query({
    name: 'webhooks_note',
    text: `insert into webhook_deliveries (webhook_id, delivery_id, body_hash, run_id, reason, received_at)
      values ($1, $2, $3, $4, $5, ${toMilliseconds})
      on conflict (webhook_id, delivery_id) do update set body_hash = excluded.body_hash, run_id = excluded.run_id,
        reason = excluded.reason, received_at = excluded.received_at where webhook_deliveries.run_id is null`,
    values: [webhookKey, deliveryId, run === null ? null : bodyHash, run, 'reason' in outcome ? outcome.reason : null],
  })
}

/** Who knows the address and has no secret must not fill the table. */
const refusedPerMinute = 10

/** For people, who look why nothing comes in. Under an id of our own: theirs proves nothing. False: enough for now. */
export async function noteRefused(db: Queryable, webhookKey: string, reason: string): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'webhooks_note_refused',
    text: `insert into webhook_deliveries (webhook_id, delivery_id, reason, received_at)
      select id, $2, $3, ${toMilliseconds} from event_webhooks
      where id = $1 and (select count(*) from webhook_deliveries where webhook_id = $1 and run_id is null
        and received_at > now() - interval '1 minute') < ${refusedPerMinute}`,
    values: [webhookKey, `refused:${randomUUID()}`, reason],
  })
  return (rowCount ?? 0) > 0
}

export interface DeliveryRow {
  deliveryId: string
  receivedAt: Date
  run: string | null
  reason: string | null
}

/** Newest first. */
export async function listDeliveries(
  db: Queryable,
  webhookKey: string,
  { before, limit }: { before: Date | null; limit: number },
): Promise<DeliveryRow[]> {
  const { rows } = await db.query<DeliveryRow>({
    name: 'webhooks_deliveries',
    text: `select delivery_id as "deliveryId", received_at as "receivedAt", run_id as run, reason from webhook_deliveries
      where webhook_id = $1 and ($2::timestamptz is null or received_at < $2) order by received_at desc limit $3`,
    values: [webhookKey, before, limit],
  })
  return rows
}

/** Of `github` the row is all that refuses a replay; what carries a time is refused by that long before. */
const githubDays = 400
const refusedDays = 30
const forEver = 36_500

/** Those that began a run are kept as long as runs are. */
export async function pruneDeliveries(db: Queryable, retainDays: number): Promise<number> {
  const days = retainDays === 0 ? forEver : retainDays
  const { rowCount } = await db.query({
    name: 'webhooks_prune',
    text: `delete from webhook_deliveries where ctid in (
        select ctid from webhook_deliveries where received_at < now() - make_interval(days => $1)
          and received_at < now() - make_interval(days =>
            case when run_id is null then $1 when body_hash is not null then $3 else $2 end)
        limit 5000)`,
    values: [Math.min(refusedDays, days), days, Math.max(githubDays, days)],
  })
  return rowCount ?? 0
}
