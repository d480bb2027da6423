/** Incidents as they are shown. */
import type { Queryable } from '../db/pool.ts'
import { incidentColumns, type IncidentRow } from './open-incidents.ts'
import type { EntryKind } from './timeline.ts'

export type IncidentState = 'open' | 'acknowledged' | 'closed'

export interface ShownIncidentRow extends IncidentRow {
  state: IncidentState
  /** Username. */
  owner: string
  eventName: string | null
  group: string | null
  acknowledgedBy: string | null
  closedAt: Date | null
  closedBy: string | null
}

export interface IncidentFilter {
  ownerId?: string | undefined
  id?: string | undefined
  state?: readonly IncidentState[] | undefined
  /** Public id or name. */
  event?: string | undefined
  search?: string | undefined
}

/** Newest first; `before` is a key. */
export async function findIncidents(
  db: Queryable,
  filter: IncidentFilter,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<ShownIncidentRow[]> {
  const { rows } = await db.query<ShownIncidentRow>(
    `select ${incidentColumns}, i.state, u.username as owner, e.name as "eventName", g.public_id as group,
       i.acknowledged_by as "acknowledgedBy", i.closed_at as "closedAt", i.closed_by as "closedBy"
     from incidents i join users u on u.id = i.owner_id left join events e on e.id = i.event_id
       left join failure_groups g on g.id = i.group_id
     where i.id < $1::bigint and ($2::bigint is null or i.owner_id = $2) and ($3::text is null or i.public_id = $3)
       and ($4::text[] is null or i.state = any($4))
       and ($5::text is null or e.public_id = $5 or lower(e.name) = lower($5))
       and ($6::text is null or i.title ilike $6 or i.source ilike $6 or e.name ilike $6)
     order by i.id desc limit $7::int`,
    [
      ...[before ?? String(2n ** 63n - 1n), filter.ownerId ?? null, filter.id ?? null, filter.state ?? null],
      filter.event ?? null,
      filter.search === undefined ? null : `%${filter.search.replaceAll(/[\\%_]/g, '\\$&')}%`,
      limit,
    ],
  )
  return rows
}

export async function countOpenIncidents(db: Queryable, ownerId: string | undefined): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'incidents_open',
    text: `select count(*)::int as n from incidents where closed_at is null and ($1::bigint is null or owner_id = $1)`,
    values: [ownerId ?? null],
  })
  return rows[0]!.n
}

export interface EntryRow {
  at: Date
  kind: EntryKind
  text: string
  job: string | null
}

/** Oldest first; of a very long one the newest. */
export async function timelineOf(db: Queryable, incidentKey: string): Promise<EntryRow[]> {
  const { rows } = await db.query<EntryRow>({
    name: 'incident_timeline',
    text: `select * from (
        select id, at, kind, text, detail->>'job' as job from incident_entries where incident_id = $1
        order by id desc limit 1000
      ) newest order by id`,
    values: [incidentKey],
  })
  return rows
}

/** Under its lock, so that it is not closed by itself meanwhile. */
export async function lockIncident(tx: Queryable, key: string): Promise<IncidentState> {
  const { rows } = await tx.query<{ state: IncidentState }>('select state from incidents where id = $1 for update', [
    key,
  ])
  return rows[0]!.state
}

export async function acknowledge(tx: Queryable, key: string, by: string): Promise<void> {
  await tx.query(`update incidents set state = 'acknowledged', acknowledged_by = $2 where id = $1`, [key, by])
}
