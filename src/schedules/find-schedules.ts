/** Schedules as they are shown. */
import type { Queryable } from '../db/pool.ts'
import { eventOf } from './due.ts'
import type { DueSchedule } from './types.ts'

type TickOutcome = 'started' | 'skipped' | 'missed' | 'refused'

export interface ScheduleRow extends Omit<DueSchedule, 'next_at'> {
  source: 'file' | 'api' | 'event'
  owner: string
  enabled: boolean
  fileEnabled: boolean | null
  next_at: Date | null
  problem: string | null
  lastTick: { tick: string; outcome: TickOutcome; run_id: string | null } | null
  createdAt: Date
  updatedAt: Date
}

export interface ScheduleFilter {
  id?: string | undefined
  pipeline?: string | undefined
  /** Public id or name. */
  event?: string | undefined
  owner?: string | undefined
  source?: 'file' | 'api' | 'event' | undefined
  enabled?: boolean | undefined
  search?: string | undefined
  /** A user: of events only their own and shared ones; empty: none. */
  eventsOf?: string | undefined
}

/** Newest first, those before the key `before`. */
export async function findSchedules(
  db: Queryable,
  filter: ScheduleFilter,
  { before, limit }: { before?: string | undefined; limit: number } = { limit: 1 },
): Promise<ScheduleRow[]> {
  const { rows } = await db.query<ScheduleRow>({
    name: 'schedules_find',
    text: `select s.id as key, s.public_id as "publicId", s.name, s.pipeline_id as "pipelineId", p.name as pipeline,
        ${eventOf} as event, s.input, s.owner_id as "ownerId", u.username as owner, s.source, s.cron, s.every_seconds, s.zone, s.misfire,
        s.catch_up_seconds, s.catch_up_limit, s.overlap, s.variables, s.enabled, s.file_enabled as "fileEnabled",
        s.late_after_seconds, s.starts_at, s.ends_at, s.next_at, t.row as "lastTick",
        s.created_at as "createdAt", s.updated_at as "updatedAt",
        case when p.gone_at is not null then 'pipeline ' || p.name || ' is gone: nothing starts until it is there again'
          when e.status <> 'active' then 'event ' || e.name || ' is ' || case e.status when 'draft' then 'a draft'
            else e.status end || ': nothing starts until it is active'
          else s.problem end as problem
      from schedules s left join pipelines p on p.id = s.pipeline_id left join events e on e.id = s.event_id join users u on u.id = s.owner_id
        left join lateral (
          select json_build_object('tick', tick, 'outcome', outcome, 'run_id', run_id) as row
          from schedule_ticks where schedule_id = s.id order by tick desc limit 1
        ) t on true
      where ($1::text is null or s.public_id = $1) and ($2::text is null or p.name = $2)
        and ($3::text is null or lower(u.username) = lower($3)) and ($4::text is null or s.source = $4)
        and ($5::boolean is null or s.enabled = $5)
        and ($6::text is null or position(lower($6) in lower(s.name || ' ' || coalesce(p.name, e.name))) > 0)
        and ($7::bigint is null or s.id < $7)
        and ($9::text is null or e.public_id = $9 or lower(e.name) = lower($9))
        and ($10::text is null or e.id is null or ($10 <> '' and (e.shared or e.owner_id = nullif($10, '')::bigint)))
      order by s.id desc limit $8`,
    values: [
      ...[filter.id ?? null, filter.pipeline ?? null, filter.owner ?? null, filter.source ?? null],
      ...[filter.enabled ?? null, filter.search ?? null, before ?? null, limit],
      ...[filter.event ?? null, filter.eventsOf ?? null],
    ],
  })
  return rows
}

export interface TickRow {
  tick: Date
  outcome: TickOutcome
  lastTick: Date | null
  run: string | null
  reason: string | null
  firedAt: Date
  lateToldAt: Date | null
}

/** Newest first. */
export async function findTicks(
  db: Queryable,
  key: string,
  { before, limit }: { before: Date | null; limit: number },
): Promise<TickRow[]> {
  const { rows } = await db.query<TickRow>({
    name: 'schedules_find_ticks',
    text: `select tick, outcome, last_tick as "lastTick", run_id as run, reason, fired_at as "firedAt",
        late_told_at as "lateToldAt"
      from schedule_ticks where schedule_id = $1 and ($2::timestamptz is null or tick < $2) order by tick desc limit $3`,
    values: [key, before, limit],
  })
  return rows
}
