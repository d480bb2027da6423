/** What starts an event by itself follows its definition in force. */
import type { Queryable } from '../db/pool.ts'
import type { EventDefinition, EventStatus } from '../job/event.ts'
import { syncAfter } from '../events/after.ts'
import { syncEventSchedules } from '../schedules/sync-event-schedules.ts'

export interface TriggeredEvent {
  /** `events.id`. */
  key: string
  ownerId: string
  status: EventStatus
}

/**
 * In the transaction that makes the event, or changes its status, owner or definition, with its row locked. `definition`:
 * the one in force after it; null: it has none any more, nothing starts it. Of an active event it throws an AppError that
 * names the field when it waits for an event that its owner may not see; drafts may wait for what is not there yet. A change of nothing but
 * name, tags or `shared` needs no call.
 */
export async function syncTriggers(
  tx: Queryable,
  event: TriggeredEvent,
  definition: EventDefinition | null,
): Promise<void> {
  const { key, ownerId } = event
  const active = event.status === 'active'
  await syncEventSchedules(tx, { key, ownerId, active }, definition)
  await syncAfter(tx, { key, ownerId, active }, definition?.after ?? [])
}
