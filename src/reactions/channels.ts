/** Stored destinations. Their settings are sealed, and opened only to send. */
import { randomBytes } from 'node:crypto'
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import type { ChannelKind, ChannelSettings, QuietWindow } from '../job/message.ts'
import { deliveryState, stillShown, type DeliveryState } from './deliveries.ts'

export interface ChannelRow {
  id: string
  name: string
  kind: ChannelKind
  description: string | null
  destination: string
  enabled: boolean
  quiet: QuietWindow[]
  createdAt: Date
  updatedAt: Date
  settingsSealed: Buffer
}

export interface LastDelivery {
  jobId: string | null
  state: DeliveryState
  at: Date
}

const columns = `c.id, c.name, c.kind, c.description, c.destination, c.enabled, c.quiet, c.created_at as "createdAt",
  c.updated_at as "updatedAt", c.settings_sealed as "settingsSealed"`

export type ShownChannelRow = ChannelRow & { last: LastDelivery | null }

/** With what became of the newest message of each. All, or the one of that name. */
export async function listChannels(db: Queryable, name?: string): Promise<ShownChannelRow[]> {
  const { rows } = await db.query<ChannelRow & { jobId: string | null; state: DeliveryState | null; at: Date | null }>(
    `select ${columns}, last.* from channels c left join lateral (
       select d.job_id as "jobId", ${deliveryState} as state, d.created_at as at
       from deliveries d left join jobs j on j.public_id = d.job_id
       where d.channel = c.name and ${stillShown} order by d.id desc limit 1
     ) last on true where $1::text is null or c.name = $1 order by c.name`,
    [name ?? null],
  )
  return rows.map(({ jobId, state, at, ...row }) => ({
    ...row,
    last: state === null || at === null ? null : { jobId, state, at },
  }))
}

/** Locked: it is not changed until the transaction ends. */
export async function findChannel(tx: Queryable, name: string): Promise<ChannelRow | null> {
  const { rows } = await tx.query<ChannelRow>(`select ${columns} from channels c where name = $1 for share`, [name])
  return rows[0] ?? null
}

export interface PutChannel {
  name: string
  description: string | null
  enabled: boolean
  quiet: QuietWindow[]
  /** Missing: they stay as they are. A webhook without a secret keeps the one it has. */
  settings?: GivenSettings | undefined
  /** Of the settings, these alone. */
  changes?: SettingChanges | undefined
  /** Settings of another kind take the place of those that are there. */
  replace?: boolean | undefined
}

/** Each belongs to one kind or several. */
export interface SettingChanges {
  url?: string | undefined
  secret?: string | undefined
  headers?: Record<string, string> | undefined
  smtp_url?: string | undefined
  from?: string | undefined
  to?: string[] | undefined
  receivers?: 'own_domains' | 'any' | undefined
}
const ofKind: Record<ChannelKind, readonly (keyof SettingChanges)[]> = {
  slack: ['url'],
  discord: ['url'],
  webhook: ['url', 'secret', 'headers'],
  email: ['smtp_url', 'from', 'to', 'receivers'],
}

type Webhook = Extract<ChannelSettings, { kind: 'webhook' }>
export type GivenSettings =
  | Exclude<ChannelSettings, Webhook>
  | (Omit<Webhook, 'secret'> & { secret?: string | undefined })

/** `secret`: of a webhook, when it was made just now. */
export async function putChannel(tx: Queryable, sealer: Sealer, put: PutChannel): Promise<{ secret: string | null }> {
  const { rows } = await tx.query<ChannelRow>(`select ${columns} from channels c where name = $1 for update`, [
    put.name,
  ])
  const before = rows[0]
  checkChange(put, before)
  if (before === undefined && put.settings === undefined) {
    throw new AppError('invalid_argument', `there is no channel ${put.name} yet: a new one needs its settings`, {
      fields: [{ field: 'settings', message: 'a new channel needs its settings' }],
    })
  }
  const id = before?.id ?? (await newId(tx))
  const old = before && openSettings(before, sealer)
  const settings =
    put.settings === undefined ? ({ ...old!, ...put.changes } as ChannelSettings) : completed(put.settings, old)
  const given = put.settings?.kind === 'webhook' ? put.settings.secret : undefined
  const made = settings.kind === 'webhook' && given === undefined && !(old?.kind === 'webhook') ? settings.secret : null
  await tx.query(
    `insert into channels (id, name, kind, description, destination, enabled, quiet, settings_sealed)
     overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (id) do update set kind = excluded.kind, description = excluded.description,
       destination = excluded.destination, enabled = excluded.enabled, quiet = excluded.quiet,
       settings_sealed = excluded.settings_sealed, updated_at = now()`,
    [
      ...[id, put.name, settings.kind, put.description, destinationOf(settings), put.enabled],
      ...[JSON.stringify(put.quiet), sealed(settings, id, sealer)],
    ],
  )
  return { secret: made }
}

/** A channel that others name is not made to be another one by a slip, nor given what it cannot have. */
function checkChange({ settings, changes, replace }: PutChannel, before: ChannelRow | undefined): void {
  const fields: FieldProblem[] = []
  if (before !== undefined && settings !== undefined && settings.kind !== before.kind && replace !== true) {
    fields.push({
      field: 'settings.kind',
      message: `is ${before.kind} so far; delete the channel or send replace: true`,
    })
  }
  if (changes !== undefined && settings !== undefined) {
    fields.push({ field: 'changes', message: 'goes without settings: give all of them, or those that change' })
  } else if (changes !== undefined && before !== undefined) {
    const known: readonly string[] = ofKind[before.kind]
    const others = Object.keys(changes).filter((name) => !known.includes(name))
    const message = `belongs to another kind: this is ${before.kind}, which has ${known.join(', ')}`
    fields.push(...others.map((name) => ({ field: `changes.${name}`, message })))
  }
  if (fields.length === 0) return
  throw new AppError('invalid_argument', `${fields[0]!.field}: ${fields[0]!.message}`, { fields })
}

async function newId(tx: Queryable): Promise<string> {
  const { rows } = await tx.query<{ id: string }>(`select nextval(pg_get_serial_sequence('channels', 'id')) as id`)
  return rows[0]!.id
}

/** 32 random bytes, in the form of the Standard Webhooks specification. */
const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

function completed(given: GivenSettings, old: ChannelSettings | undefined): ChannelSettings {
  if (given.kind !== 'webhook') return given
  return { ...given, secret: given.secret ?? (old?.kind === 'webhook' ? old.secret : newSecret()) }
}

/** Enough to know it again. */
function destinationOf(settings: ChannelSettings): string {
  if (settings.kind !== 'email') return new URL(settings.url).host
  const [first, ...others] = settings.to
  return others.length === 0 ? first! : `${first} and ${others.length} more`
}

export const channelAad = (id: string): string => `channel:${id}`

const sealed = (settings: ChannelSettings, id: string, sealer: Sealer): Buffer =>
  sealer.forPurpose('channel').seal(Buffer.from(JSON.stringify(settings)), channelAad(id))

/** Throws as `Sealer.open` does. */
export const openSettings = ({ id, settingsSealed }: ChannelRow, sealer: Sealer): ChannelSettings =>
  JSON.parse(sealer.forPurpose('channel').open(settingsSealed, channelAad(id)).toString()) as ChannelSettings

export async function deleteChannel(tx: Queryable, name: string): Promise<boolean> {
  const { rowCount } = await tx.query('delete from channels where name = $1', [name])
  return rowCount === 1
}

/** For a document that names channels, in its order: each one that does not exist. */
export async function missingChannels(db: Queryable, names: readonly string[]): Promise<FieldProblem[]> {
  if (names.length === 0) return []
  const { rows } = await db.query<{ name: string }>('select name from channels where name = any($1::text[])', [names])
  const there = new Set(rows.map((row) => row.name))
  const message = (name: string) => `there is no channel ${name}; an administrator makes one: runyard channel set`
  return names.flatMap((name, i) =>
    there.has(name) ? [] : [{ field: `notify[${i}].channel`, message: message(name) }],
  )
}
