/** Webhooks of events as rows. Their addresses and secrets are sealed; the address is found by its hash. */
import { createHash, randomBytes } from 'node:crypto'
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import { newPublicId } from '../lib/ids.ts'
import { newWebhookSecret, type WebhookScheme } from './webhook-signature.ts'

export interface WebhookRow {
  key: string
  publicId: string
  name: string
  eventKey: string
  eventId: string
  eventName: string
  eventOwnerId: string
  scheme: WebhookScheme
  keySealed: Buffer
  enabled: boolean
  perMinute: number
  createdAt: Date
  lastUsedAt: Date | null
}

const columns = `w.id as key, w.public_id as "publicId", w.name, w.event_id as "eventKey", e.public_id as "eventId",
  e.name as "eventName", e.owner_id as "eventOwnerId", w.scheme, w.key_sealed as "keySealed", w.enabled,
  w.per_minute as "perMinute", w.created_at as "createdAt", w.last_used_at as "lastUsedAt"`

/** Of one event, or of those of one owner, or all; by name. */
export async function listWebhooks(
  db: Queryable,
  { eventKey, ownerId, name }: { eventKey?: string; ownerId?: string; name?: string },
): Promise<WebhookRow[]> {
  const { rows } = await db.query<WebhookRow>({
    name: 'webhooks_list',
    text: `select ${columns} from event_webhooks w join events e on e.id = w.event_id
      where ($1::bigint is null or w.event_id = $1) and ($2::bigint is null or e.owner_id = $2)
        and ($3::text is null or w.name = $3) and ($1::bigint is not null or e.status <> 'archived')
      order by lower(e.name), w.name limit 1000`,
    values: [eventKey ?? null, ownerId ?? null, name ?? null],
  })
  return rows
}

const purpose = 'webhook'
export const webhookKeyAad = (publicId: string): string => `webhook:${publicId}:key`
export const webhookSecretAad = (publicId: string): string => `webhook:${publicId}:secret`

const hashOfKey = (key: string): Buffer => createHash('sha256').update(key).digest()

export interface NewWebhook {
  eventKey: string
  name: string
  scheme: WebhookScheme
  perMinute: number
  secret: string
}

/** Null: the event has one of that name. */
export async function insertWebhook(tx: Queryable, sealer: Sealer, made: NewWebhook): Promise<string | null> {
  const publicId = newPublicId()
  const key = randomBytes(32).toString('base64url')
  const own = sealer.forPurpose(purpose)
  const { rowCount } = await tx.query(
    `insert into event_webhooks (public_id, event_id, name, key_hash, key_sealed, scheme, secret_sealed, per_minute)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (event_id, name) do nothing`,
    [
      ...[publicId, made.eventKey, made.name, hashOfKey(key), own.seal(key, webhookKeyAad(publicId)), made.scheme],
      ...[own.seal(made.secret, webhookSecretAad(publicId)), made.perMinute],
    ],
  )
  return rowCount === 0 ? null : publicId
}

/** The secret part of its address. */
export const openWebhookKey = ({ keySealed, publicId }: WebhookRow, sealer: Sealer): string =>
  sealer.forPurpose(purpose).open(keySealed, webhookKeyAad(publicId)).toString()

export async function changeWebhook(
  tx: Queryable,
  { key }: WebhookRow,
  change: { enabled?: boolean | undefined; perMinute?: number | undefined },
): Promise<void> {
  await tx.query(
    `update event_webhooks set enabled = coalesce($2, enabled), per_minute = coalesce($3, per_minute),
       rate_tokens = least(rate_tokens, coalesce($3, per_minute)) where id = $1`,
    [key, change.enabled ?? null, change.perMinute ?? null],
  )
}

/** The one that was in force holds for `keepHours` more; an older one is void at once. */
export async function rotateWebhook(
  tx: Queryable,
  sealer: Sealer,
  { key, publicId }: WebhookRow,
  { secret, keepHours }: { secret: string; keepHours: number },
): Promise<void> {
  await tx.query(
    `update event_webhooks set secret_sealed = $2,
       old_secret_sealed = case when $3 > 0 then secret_sealed end,
       old_secret_until = case when $3 > 0 then clock_timestamp() + make_interval(hours => $3) end where id = $1`,
    [key, sealer.forPurpose(purpose).seal(secret, webhookSecretAad(publicId)), keepHours],
  )
}

/** What a delivery is checked against. */
export interface HookDoor {
  /** Null: nobody has that address. */
  webhook: { key: string; publicId: string; eventKey: string; scheme: WebhookScheme; enabled: boolean } | null
  /** Those that may have signed: two, whatever there is, so that opening them takes the same time. */
  secrets: string[]
  /** The database's time. */
  now: Date
}

interface DoorRow {
  now: Date
  key: string | null
  publicId: string
  eventKey: string
  scheme: WebhookScheme
  enabled: boolean
  secretSealed: Buffer
  oldSecretSealed: Buffer | null
}

export async function findHookDoor(db: Queryable, sealer: Sealer, key: string): Promise<HookDoor> {
  const { rows } = await db.query<DoorRow>({
    name: 'webhooks_door',
    text: `select clock_timestamp() as now, w.id as key, w.public_id as "publicId", w.event_id as "eventKey", w.scheme,
        w.enabled, w.secret_sealed as "secretSealed",
        case when w.old_secret_until > clock_timestamp() then w.old_secret_sealed end as "oldSecretSealed"
      from (select) as once left join event_webhooks w on w.key_hash = $1`,
    values: [hashOfKey(key)],
  })
  const row = rows[0]!
  const open = opener(sealer)
  const secrets = [
    open(row.key === null ? null : row.secretSealed, row.publicId),
    open(row.oldSecretSealed, row.publicId),
  ]
  return { webhook: row.key === null ? null : { ...row, key: row.key }, secrets, now: row.now }
}

/** No secret, or one that does not open, is an empty one, which signs nothing; a decoy is opened in its place. */
function opener(sealer: Sealer): (sealed: Buffer | null, publicId: string) => string {
  const own = sealer.forPurpose(purpose)
  const decoy = decoyOf(sealer)
  return (sealed, publicId) => {
    try {
      const secret = own.open(sealed ?? decoy, webhookSecretAad(sealed === null ? 'decoy' : publicId)).toString()
      return sealed === null ? '' : secret
    } catch {
      return ''
    }
  }
}

const decoys = new WeakMap<Sealer, Buffer>()

function decoyOf(sealer: Sealer): Buffer {
  const known = decoys.get(sealer)
  if (known !== undefined) return known
  const decoy = sealer.forPurpose(purpose).seal(newWebhookSecret('standard'), webhookSecretAad('decoy'))
  decoys.set(sealer, decoy)
  return decoy
}
