/** Events as the database has them: one row each, all versions of its definition, one of them in force. */
import { createHash } from 'node:crypto'
import type { Queryable } from '../db/pool.ts'
import type { EventDefinition, EventKind, EventStatus } from '../job/event.ts'
import { AppError } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'

/** An event with its definition in force. */
export interface EventRow {
  key: string
  publicId: string
  ownerId: string
  name: string
  kind: EventKind
  status: EventStatus
  shared: boolean
  tags: string[]
  version: number
  executions: number
  definition: EventDefinition
}

/** Locks the row: what begins, changes or ends a run of it decides by what is there. Null: it is gone. */
export async function lockEvent(tx: Queryable, key: string): Promise<EventRow | null> {
  await tx.query({ name: 'events_lock', text: 'select from events where id = $1 for no key update', values: [key] })
  // In a statement of its own: one that waits for a lock does not see versions that were added meanwhile.
  const { rows } = await tx.query<EventRow>({
    name: 'events_locked',
    text: `select e.id as key, e.public_id as "publicId", e.owner_id as "ownerId", e.name, e.kind, e.status, e.shared,
        e.tags, e.version, e.executions, v.definition
      from events e join event_versions v on v.event_id = e.id and v.number = e.version where e.id = $1`,
    values: [key],
  })
  return rows[0] ?? null
}

export interface NewEvent {
  ownerId: string
  name: string
  status: EventStatus
  shared: boolean
  tags: string[]
  definition: EventDefinition
  note?: string | null
  /** Username. */
  by: string
}

/** Throws `conflict` when one of that owner that is not archived has the name, in whatever case. */
export async function insertEvent(tx: Queryable, event: NewEvent): Promise<{ key: string; publicId: string }> {
  const publicId = newPublicId()
  const { rows } = await tx.query<{ key: string }>(
    `insert into events (public_id, owner_id, name, kind, status, shared, tags, version)
     values ($1, $2, $3, $4, $5, $6, $7, 1)
     on conflict (owner_id, lower(name)) where status <> 'archived' do nothing returning id as key`,
    [publicId, event.ownerId, event.name, event.definition.kind, event.status, event.shared, event.tags],
  )
  if (rows[0] === undefined) throw nameTaken(event.name)
  await insertVersion(tx, { eventKey: rows[0].key, number: 1, ...event })
  return { key: rows[0].key, publicId }
}

export const nameTaken = (name: string): AppError =>
  new AppError('conflict', `name: there is an event called ${name} already`, {
    fields: [{ field: 'name', message: `is taken: there is an event called ${name} already` }],
  })

/** Beside those that runs were made with: a script that changes an event every minute would fill the database otherwise. */
const mostVersions = 200

/** Puts another definition in force. False: it is the one that is in force. */
export async function putVersion(
  tx: Queryable,
  event: Pick<EventRow, 'key' | 'version'>,
  put: { definition: EventDefinition; note?: string | null; by: string },
): Promise<boolean> {
  const { rows } = await tx.query<{ newest: number; hash: string | null }>(
    `select max(number) as newest, max(hash) filter (where number = $2) as hash from event_versions where event_id = $1`,
    [event.key, event.version],
  )
  const { newest, hash } = rows[0]!
  if (hash === hashOf(put.definition)) return false
  await insertVersion(tx, { eventKey: event.key, number: newest + 1, ...put })
  await tx.query('update events set version = $2, kind = $3, updated_at = now() where id = $1', [
    ...[event.key, newest + 1, put.definition.kind],
  ])
  await tx.query(
    `delete from event_versions v where event_id = $1 and number <= $2
       and not exists (select from event_runs r where r.event_id = v.event_id and r.version = v.number)`,
    [event.key, newest + 1 - mostVersions],
  )
  return true
}

async function insertVersion(
  tx: Queryable,
  version: { eventKey: string; number: number; definition: EventDefinition; note?: string | null; by: string },
): Promise<void> {
  const { eventKey, number, definition, note = null, by } = version
  await tx.query(
    'insert into event_versions (event_id, number, hash, definition, note, created_by) values ($1, $2, $3, $4, $5, $6)',
    [eventKey, number, hashOf(definition), JSON.stringify(definition), note, by],
  )
}

/** The order of keys is no content. */
export const hashOf = (definition: EventDefinition): string =>
  createHash('sha256').update(JSON.stringify(definition, inOrder)).digest('hex')

const inOrder = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
