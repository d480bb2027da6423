/** Looking at events. What one may not see does not exist. */
import { scopeOf } from '../access/permissions.ts'
import { findOwnerId } from '../access/users.ts'
import type { Queryable } from '../db/pool.ts'
import type { EventRow } from '../events/event-store.ts'
import { definitionOf, eventSums, findEvent, listEventRows, versionRows, type Viewer } from '../events/find-events.ts'
import { eventYaml } from '../events/event-yaml.ts'
import { eventStatuses, type EventDefinition, type EventKind, type EventStatus } from '../job/event.ts'
import type { Json } from '../lib/json.ts'
import { diffLines } from '../pipelines/diff.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { showEvent, type ShownEvent } from './show-event.ts'

export function viewerOf(ask: KnownAsk): { viewer: Viewer; userId: string | null } {
  const { principal } = ask
  const scope = scopeOf(principal, 'event.read')
  if (scope === 'none') throw refusal(ask, 'event.read', 'you may not see events')
  return { viewer: scope === 'all' ? null : principal.userId, userId: principal.userId }
}

/** By public id or name. */
export async function eventOf(db: Queryable, ask: KnownAsk, ref: string): Promise<EventRow> {
  const row = ref.includes('\0') ? null : await findEvent(db, ref, viewerOf(ask))
  if (row === null) throw notFound('event')
  return row
}

export interface ListEventsInput {
  status?: EventStatus[] | undefined
  kind?: EventKind[] | undefined
  tag?: string[] | undefined
  owner?: string | undefined
  shared?: boolean | undefined
  failing?: boolean | undefined
  search?: string | undefined
  cursor?: string | undefined
  limit: number
}

export async function listEvents(deps: Deps, anyAsk: Ask, { cursor, limit, owner, tag, ...filter }: ListEventsInput) {
  const ask = known(anyAsk)
  const { viewer } = viewerOf(ask)
  const ownerId = owner === undefined ? undefined : await findOwnerId(deps.db, owner)
  const { counts, tags } = await eventSums(deps.db, viewer)
  const status = filter.status ?? (['draft', 'active', 'paused'] as const).slice()
  const rows =
    ownerId === null
      ? []
      : await listEventRows(
          deps.db,
          { ...filter, viewer, status, tags: tag, ownerId },
          { before: cursor, limit: limit + 1 },
        )
  const shown = rows.slice(0, limit)
  return {
    events: shown.map((row) => showEvent(row, ask)),
    next_cursor: rows.length > limit ? shown.at(-1)!.key : null,
    counts: Object.fromEntries(eventStatuses.map((one) => [one, counts[one] ?? 0])) as Record<EventStatus, number>,
    tags,
  }
}

export type ShownEventDetail = ShownEvent & { definition: Json }

export async function getEvent(
  deps: Deps,
  anyAsk: Ask,
  { event: ref, version }: { event: string; version?: number | undefined },
): Promise<ShownEventDetail> {
  const ask = known(anyAsk)
  return shownEvent(deps.db, ask, await eventOf(deps.db, ask, ref), version)
}

export async function shownEvent(
  db: Queryable,
  ask: KnownAsk,
  { key, version: inForce, definition }: EventRow,
  version = inForce,
): Promise<ShownEventDetail> {
  const that = version === inForce ? definition : await definitionOf(db, key, version)
  const [row] = await listEventRows(db, { viewer: null, keys: [key] }, { limit: 1 })
  if (row === undefined || that === null) throw notFound(that === null ? 'version of this event' : 'event')
  return { ...showEvent(row, ask), definition: that as Json }
}

export async function eventVersions(deps: Deps, anyAsk: Ask, ref: string) {
  const { key, version } = await eventOf(deps.db, known(anyAsk), ref)
  const rows = await versionRows(deps.db, key)
  return {
    versions: rows.map(({ number, createdBy, createdAt, note }) => ({
      ...{ number, note, created_by: createdBy, created_at: createdAt.toISOString() },
      in_force: number === version,
    })),
  }
}

export async function eventDiff(deps: Deps, anyAsk: Ask, input: { event: string; from: number; to: number }) {
  const { key } = await eventOf(deps.db, known(anyAsk), input.event)
  const [from, to] = await Promise.all([definitionOf(deps.db, key, input.from), definitionOf(deps.db, key, input.to)])
  if (from === null || to === null) throw notFound('version of this event')
  return { from: input.from, to: input.to, lines: diffLines(textOf(from), textOf(to)) }
}

const textOf = (definition: EventDefinition): string => eventYaml({ definition })

export async function exportEvent(deps: Deps, anyAsk: Ask, ref: string): Promise<{ yaml: string }> {
  const { name, status, shared, tags, definition } = await eventOf(deps.db, known(anyAsk), ref)
  return { yaml: eventYaml({ name, status, shared, tags, definition }) }
}
