/**
 * Webhooks of events: seen by whoever sees the event, what came in by whoever sees its runs. Addresses and all changes are
 * for whoever may change it.
 */
import { may, scopeOf } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { listDeliveries } from '../events/webhook-deliveries.ts'
import { keyOf, newWebhookSecret, type WebhookScheme } from '../events/webhook-signature.ts'
import {
  changeWebhook,
  insertWebhook,
  listWebhooks,
  openWebhookKey,
  rotateWebhook,
  type WebhookRow,
} from '../events/webhook-store.ts'
import { AppError } from '../lib/app-error.ts'
import { audited, type Detail } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { mayChangeEvent } from './event-changes.ts'
import { eventOf } from './find-events.ts'

/** Of one event. */
const mostEach = 20

export interface WebhookKey {
  event: string
  name: string
}
export interface CreateWebhookInput extends WebhookKey {
  scheme: WebhookScheme
  per_minute: number
  secret?: string | undefined
}
export interface ChangeWebhookInput extends WebhookKey {
  enabled?: boolean | undefined
  per_minute?: number | undefined
}

const show = (row: WebhookRow, deps: Deps, ask: KnownAsk) => ({
  id: row.publicId,
  name: row.name,
  event: { id: row.eventId, name: row.eventName },
  scheme: row.scheme,
  url: may(ask.principal, 'event.change', { ownerId: row.eventOwnerId }) ? addressOf(row, deps) : null,
  enabled: row.enabled,
  per_minute: row.perMinute,
  created_at: row.createdAt.toISOString(),
  last_used_at: row.lastUsedAt?.toISOString() ?? null,
})
export type ShownWebhook = ReturnType<typeof show>

/** Without a public address of this server: the path alone. */
const addressOf = (row: WebhookRow, { config, sealer }: Deps): string =>
  `${config.publicUrl?.replace(/\/+$/, '') ?? ''}/hooks/${openWebhookKey(row, sealer)}`

export async function webhooksOf(deps: Deps, anyAsk: Ask, event: string): Promise<{ webhooks: ShownWebhook[] }> {
  const ask = known(anyAsk)
  const { key } = await eventOf(deps.db, ask, event)
  return { webhooks: (await listWebhooks(deps.db, { eventKey: key })).map((row) => show(row, deps, ask)) }
}

export async function allWebhooks(deps: Deps, anyAsk: Ask): Promise<{ webhooks: ShownWebhook[] }> {
  const ask = known(anyAsk)
  const scope = scopeOf(ask.principal, 'event.change')
  if (scope === 'none') throw refusal(ask, 'event.change', 'your role may not change events, so it sees no webhooks')
  const { userId } = ask.principal
  const rows = await listWebhooks(deps.db, scope === 'all' ? {} : { ownerId: userId ?? '0' })
  return { webhooks: rows.map((row) => show(row, deps, ask)) }
}

export async function createWebhook(
  deps: Deps,
  anyAsk: Ask,
  { event, name, scheme, per_minute: perMinute, secret = newWebhookSecret(scheme) }: CreateWebhookInput,
): Promise<ShownWebhook & { secret: string }> {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'webhook.create', target: `event:${event}` }, async (tx, note) => {
    const row = await mayChangeEvent(tx, ask, event)
    if (row.status === 'archived') throw new AppError('failed_precondition', `event ${row.name} is archived`)
    if (keyOf(scheme, secret) === null) {
      throw wrongField('secret', 'has too few bytes: 16 at least, in base64 after whsec_, or as they are')
    }
    const others = await listWebhooks(tx, { eventKey: row.key })
    if (others.length >= mostEach) {
      throw new AppError('resource_exhausted', `event ${row.name} has ${mostEach} webhooks: delete one`)
    }
    const id = await insertWebhook(tx, deps.sealer, { eventKey: row.key, name, scheme, perMinute, secret })
    if (id === null) throw wrongField('name', `is taken: ${row.name} has a webhook ${name}`, 'conflict')
    note({ webhook: id, name, scheme }, `event:${row.publicId}`)
    return { ...show(await webhookOf(tx, row.key, name), deps, ask), secret }
  })
}

export async function changeWebhookBy(deps: Deps, anyAsk: Ask, input: ChangeWebhookInput): Promise<ShownWebhook> {
  const { enabled, per_minute: perMinute } = input
  return changing(deps, anyAsk, { action: 'webhook.change', ...input }, async (tx, row) => {
    await changeWebhook(tx, row, { enabled, perMinute })
    return { ...(enabled !== undefined && { enabled }), ...(perMinute !== undefined && { per_minute: perMinute }) }
  })
}

export async function rotateWebhookBy(
  deps: Deps,
  anyAsk: Ask,
  input: WebhookKey & { keep_old_hours: number },
): Promise<ShownWebhook & { secret: string }> {
  let secret = ''
  const shown = await changing(deps, anyAsk, { action: 'webhook.rotate', ...input }, async (tx, row) => {
    secret = newWebhookSecret(row.scheme)
    await rotateWebhook(tx, deps.sealer, row, { secret, keepHours: input.keep_old_hours })
    return { keep_old_hours: input.keep_old_hours }
  })
  return { ...shown, secret }
}

export async function deleteWebhook(deps: Deps, anyAsk: Ask, { event, name }: WebhookKey): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'webhook.delete', target: `event:${event}` }, async (tx, note) => {
    const { key, publicId } = await mayChangeEvent(tx, ask, event)
    const row = await webhookOf(tx, key, name)
    await tx.query('delete from event_webhooks where id = $1', [row.key])
    note({ webhook: row.publicId, name }, `event:${publicId}`)
  })
}

export async function webhookDeliveries(
  deps: Deps,
  anyAsk: Ask,
  { event, name, limit, before }: WebhookKey & { limit: number; before?: string | undefined },
) {
  const ask = known(anyAsk)
  const row = await eventOf(deps.db, ask, event)
  if (!may(ask.principal, 'event_run.read', row)) {
    throw refusal(
      ask,
      'event_run.read',
      'what came in is told to whoever sees all runs of the event: it is shared, not yours',
    )
  }
  const webhook = await webhookOf(deps.db, row.key, name)
  const from = before === undefined ? null : new Date(before)
  const rows = await listDeliveries(deps.db, webhook.key, { before: from, limit: limit + 1 })
  const deliveries = rows.slice(0, limit).map(({ deliveryId, receivedAt, run, reason }) => ({
    ...{ delivery_id: deliveryId, received_at: receivedAt.toISOString(), run_id: run, reason },
  }))
  return { deliveries, next_before: rows.length > limit ? deliveries.at(-1)!.received_at : null }
}

async function changing(
  deps: Deps,
  anyAsk: Ask,
  { action, event, name }: WebhookKey & { action: string },
  work: (tx: Queryable, row: WebhookRow) => Promise<Detail>,
): Promise<ShownWebhook> {
  const ask = known(anyAsk)
  return audited(deps, ask, { action, target: `event:${event}` }, async (tx, note) => {
    const { key, publicId } = await mayChangeEvent(tx, ask, event)
    const row = await webhookOf(tx, key, name)
    note({ webhook: row.publicId, name, ...(await work(tx, row)) }, `event:${publicId}`)
    return show(await webhookOf(tx, key, name), deps, ask)
  })
}

async function webhookOf(db: Queryable, eventKey: string, name: string): Promise<WebhookRow> {
  const [row] = await listWebhooks(db, { eventKey, name })
  if (row === undefined) throw notFound('webhook')
  return row
}

function wrongField(field: string, message: string, code: AppError['code'] = 'invalid_argument'): AppError {
  return new AppError(code, `${field}: ${message}`, { fields: [{ field, message }] })
}
