/** Events as they are listed and shown. */
import type { Queryable } from '../db/pool.ts'
import type { EventDefinition, EventKind, EventStatus, EventTrigger } from '../job/event.ts'
import type { JobState } from '../job/state.ts'
import { openState, runTables } from './run-state.ts'
import type { EventRow } from './event-store.ts'

/** Who looks: null sees all, else their own and shared ones. */
export type Viewer = string | null

const seen = (viewer: string): string => `(${viewer}::bigint is null or e.owner_id = ${viewer} or e.shared)`

/**
 * By public id or name. Of one name the asker's own (`userId`) comes first, then what is not archived, then the oldest.
 * Null: there is none that they may see.
 */
export async function findEvent(
  db: Queryable,
  ref: string,
  { viewer, userId }: { viewer: Viewer; userId: string | null },
): Promise<EventRow | null> {
  const { rows } = await db.query<EventRow>({
    name: 'events_find',
    text: `select e.id as key, e.public_id as "publicId", e.owner_id as "ownerId", e.name, e.kind, e.status, e.shared,
        e.tags, e.version, e.executions, v.definition
      from events e join event_versions v on v.event_id = e.id and v.number = e.version
      where (e.public_id = $1 or lower(e.name) = lower($1)) and ${seen('$2')}
      order by e.public_id = $1 desc, e.owner_id is not distinct from $3::bigint desc, e.status <> 'archived' desc, e.id
      limit 1`,
    values: [ref, viewer, userId],
  })
  return rows[0] ?? null
}

export interface RunGlance {
  id: string
  state: JobState
  trigger: EventTrigger
  created_at: string
  ended_at: string | null
}

export interface ListedEvent extends Omit<EventRow, 'definition'> {
  /** Username. */
  owner: string
  kind: EventKind
  /** What lists show of it. */
  about: Pick<EventDefinition, 'description' | 'max_executions' | 'schedules' | 'after'> & { actions: unknown[] }
  problem: string | null
  createdAt: Date
  updatedAt: Date
  nextAt: Date | null
  webhooks: string[]
  /** Newest first. */
  recent: RunGlance[]
}

const columns = `e.id as key, e.public_id as "publicId", e.owner_id as "ownerId", u.username as owner, e.name, e.kind,
  e.status, e.shared, e.tags, e.version, e.executions, e.problem, e.created_at as "createdAt", e.updated_at as "updatedAt",
  json_build_object('description', v.definition->'description', 'max_executions', v.definition->'max_executions',
    'schedules', v.definition->'schedules', 'after', v.definition->'after', 'actions', v.definition->'actions') as about,
  case when e.status = 'active' then (select min(next_at) from schedules s where s.event_id = e.id and s.enabled) end
    as "nextAt",
  array(select w.name from event_webhooks w where w.event_id = e.id and w.enabled order by w.name) as webhooks,
  recent.runs as recent`
const tables = `events e join users u on u.id = e.owner_id
  join event_versions v on v.event_id = e.id and v.number = e.version
  cross join lateral (
    select coalesce(json_agg(json_build_object('id', er.public_id, 'state', ${openState}, 'trigger', er.trigger,
      'created_at', er.created_at, 'ended_at', coalesce(er.ended_at, j.ended_at)) order by er.id desc), '[]') as runs
    from (select * from event_runs where event_id = e.id order by id desc limit 20) er ${runTables}
  ) recent`

export interface EventFilter {
  viewer: Viewer
  keys?: string[] | undefined
  status?: EventStatus[] | undefined
  kind?: EventKind[] | undefined
  tags?: string[] | undefined
  ownerId?: string | undefined
  shared?: boolean | undefined
  /** Only those whose last run failed. */
  failing?: boolean | undefined
  search?: string | undefined
}

/** Newest first; `before` is a key. */
export async function listEventRows(
  db: Queryable,
  filter: EventFilter,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<ListedEvent[]> {
  const failed = `(select ${openState} from (select * from event_runs where event_id = e.id order by id desc limit 1) er
    ${runTables}) in ('failed', 'timed_out', 'oom_killed', 'lost')`
  const { rows } = await db.query<ListedEvent>(
    `with page as materialized (
       select e.id from events e join event_versions v on v.event_id = e.id and v.number = e.version
       where ${seen('$1')} and e.id < $2::bigint
         and ($3::bigint[] is null or e.id = any($3)) and ($4::text[] is null or e.status = any($4))
         and ($5::text[] is null or e.kind = any($5)) and ($6::text[] is null or e.tags @> $6)
         and ($7::bigint is null or e.owner_id = $7) and ($8::boolean is null or e.shared = $8)
         and ($9::text is null or e.name ilike $9 or v.definition->>'description' ilike $9)
         ${filter.failing ? `and ${failed}` : ''}
       order by e.id desc limit $10::int
     )
     select ${columns} from page join ${tables} on true where e.id = page.id order by e.id desc`,
    [
      filter.viewer,
      before !== undefined && /^[0-9]{1,18}$/.test(before) ? before : String(2n ** 63n - 1n),
      ...[filter.keys ?? null, filter.status ?? null, filter.kind ?? null, filter.tags ?? null],
      ...[filter.ownerId ?? null, filter.shared ?? null],
      filter.search === undefined ? null : `%${filter.search.replaceAll(/[\\%_]/g, '\\$&')}%`,
      limit,
    ],
  )
  return rows
}

/** Of all that one may see: how many there are of each status, and the tags in use. */
export async function eventSums(
  db: Queryable,
  viewer: Viewer,
): Promise<{ counts: Partial<Record<EventStatus, number>>; tags: string[] }> {
  const { rows } = await db.query<{ counts: Record<EventStatus, number>; tags: string[] }>({
    name: 'events_sums',
    text: `select (select coalesce(json_object_agg(status, n), '{}') from (
          select status, count(*)::int as n from events e where ${seen('$1')} group by status
        ) counted) as counts,
        array(select distinct t from events e, unnest(e.tags) t where ${seen('$1')} and e.status <> 'archived' order by t)
          as tags`,
    values: [viewer],
  })
  return rows[0]!
}

export interface VersionRow {
  number: number
  createdBy: string
  createdAt: Date
  note: string | null
}

/** Newest first. */
export async function versionRows(db: Queryable, eventKey: string): Promise<VersionRow[]> {
  const { rows } = await db.query<VersionRow>(
    `select number, created_by as "createdBy", created_at as "createdAt", note from event_versions
     where event_id = $1 order by number desc`,
    [eventKey],
  )
  return rows
}

export async function definitionOf(db: Queryable, eventKey: string, number: number): Promise<EventDefinition | null> {
  const { rows } = await db.query<{ definition: EventDefinition }>(
    'select definition from event_versions where event_id = $1 and number = $2',
    [eventKey, number],
  )
  return rows[0]?.definition ?? null
}
