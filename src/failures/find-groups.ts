/** Groups of failures that are alike, as they are listed. */
import type { Queryable } from '../db/pool.ts'
import type { JobState } from '../job/state.ts'

export interface GroupRow {
  key: string
  publicId: string
  ownerId: string
  /** Username. */
  owner: string
  source: string
  eventName: string | null
  state: JobState
  exitCode: number | null
  pattern: string
  sample: string
  total: number
  open: number
  firstAt: Date
  lastAt: Date
  /** Of each of the last 24 hours, oldest first. */
  hours: number[]
  muted: boolean
  /** Public id of the one that is open. */
  incident: string | null
}

export interface GroupFilter {
  ownerId?: string | undefined
  id?: string | undefined
  event?: string | undefined
  search?: string | undefined
  muted?: boolean | undefined
  since?: Date | undefined
}

/** Those that were found last come first; `before` is a key. */
export async function findGroups(
  db: Queryable,
  filter: GroupFilter,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<GroupRow[]> {
  const { rows } = await db.query<GroupRow>(
    `with page as materialized (
       select g.*, u.username, e.name as event_name from failure_groups g join users u on u.id = g.owner_id
         left join events e on e.id = g.event_id
       where g.id < $1::bigint and ($2::bigint is null or g.owner_id = $2) and ($3::text is null or g.public_id = $3)
         and ($4::text is null or e.public_id = $4 or lower(e.name) = lower($4))
         and ($5::text is null or g.pattern ilike $5 or g.sample ilike $5 or g.source ilike $5 or e.name ilike $5)
         and ($6::boolean is null or (g.muted_at is not null) = $6) and ($7::timestamptz is null or g.last_at >= $7)
       order by g.id desc limit $8::int
     )
     select g.id as key, g.public_id as "publicId", g.owner_id as "ownerId", g.username as owner, g.source,
       g.event_name as "eventName", g.state, g.exit_code as "exitCode", g.pattern, g.sample, g.total::float8 as total,
       (select count(*)::int from dead_letters d where d.group_id = g.id and d.state = 'open') as open,
       g.first_at as "firstAt", g.last_at as "lastAt", h.hours, g.muted_at is not null as muted,
       (select public_id from incidents i where i.group_id = g.id and i.closed_at is null) as incident
     from page g cross join lateral (
       select array_agg(coalesce(n, 0) order by ago desc) as hours from generate_series(0, 23) as ago left join (
         select floor(extract(epoch from now() - d.at) / 3600)::int as ago, count(*)::int as n from dead_letters d
         where d.group_id = g.id and d.at > now() - interval '24 hours' group by 1
       ) counted using (ago)
     ) h order by g.id desc`,
    [
      ...[before ?? String(2n ** 63n - 1n), filter.ownerId ?? null, filter.id ?? null, filter.event ?? null],
      filter.search === undefined ? null : `%${filter.search.replaceAll(/[\\%_]/g, '\\$&')}%`,
      ...[filter.muted ?? null, filter.since ?? null, limit],
    ],
  )
  return rows
}

export async function muteGroup(tx: Queryable, key: string, muted: boolean): Promise<void> {
  await tx.query('update failure_groups set muted_at = case when $2 then coalesce(muted_at, now()) end where id = $1', [
    ...[key, muted],
  ])
}
