/** What active events wait for, derived from their definitions in force. */
import { scopeOf, type Role } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import type { AfterTrigger } from '../job/event.ts'
import { AppError } from '../lib/app-error.ts'
import { findEvent, type Viewer } from './find-events.ts'

export interface WaitingEvent {
  /** `events.id`. */
  key: string
  ownerId: string
  active: boolean
}

/**
 * In the transaction that changes the event. Throws when an active one names an event that its owner may not see; what a
 * draft waits for may be made later.
 */
export async function syncAfter(
  tx: Queryable,
  { key, ownerId, active }: WaitingEvent,
  after: readonly AfterTrigger[],
): Promise<void> {
  await tx.query('delete from event_after where event_id = $1', [key])
  if (!active || after.length === 0) return
  const viewing = await viewingAs(tx, ownerId)
  for (const [place, one] of after.entries()) {
    const source = one.event === undefined ? null : await eventNamed(tx, viewing, one.event)
    if (one.event !== undefined && source === null) throw unknownEvent(place, one.event)
    await tx.query(
      `insert into event_after (event_id, place, kind, source_event_id, pipeline, owner_id, job_name, on_states)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        ...[key, place, one.event !== undefined ? 'event' : one.pipeline !== undefined ? 'pipeline' : 'job', source],
        ...[one.pipeline ?? null, one.job === undefined ? null : ownerId, one.job ?? null, one.on],
      ],
    )
  }
}

/** Null: it is none that its owner may see, or is put away for good. */
async function eventNamed(tx: Queryable, viewer: Viewing, ref: string): Promise<string | null> {
  const event = await findEvent(tx, ref, viewer)
  return event === null || event.status === 'archived' ? null : event.key
}

interface Viewing {
  viewer: Viewer
  userId: string
}

async function viewingAs(tx: Queryable, userId: string): Promise<Viewing> {
  const { rows } = await tx.query<{ role: Role; username: string }>('select role, username from users where id = $1', [
    userId,
  ])
  const all = scopeOf({ kind: 'user', userId, ...rows[0]! }, 'event.read') === 'all'
  return { viewer: all ? null : userId, userId }
}

function unknownEvent(place: number, ref: string): AppError {
  const field = `definition.after[${place}].event`
  const message = `names no event that you may see: ${ref}; make it first, or leave this one a draft`
  return new AppError('invalid_argument', `${field}: ${message}`, { fields: [{ field, message }] })
}
