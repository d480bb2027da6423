/** Writing schedules. A new timing counts from now; an unchanged one goes on where it was. */
import type { Queryable } from '../db/pool.ts'
import { newPublicId } from '../lib/ids.ts'
import { nextRun, type Timing } from '../job/timing/next-run.ts'
import { databaseClock, type DueSchedule } from './types.ts'

export interface ScheduleFields
  extends Timing, Pick<DueSchedule, 'misfire' | 'catch_up_seconds' | 'overlap' | 'variables' | 'input'> {
  catch_up_limit: number
  enabled: boolean
  late_after_seconds: number | null
}

/** `pipelines.id` or `events.id`. */
export type ScheduleTarget = { pipelineId: string } | { eventKey: string }

export interface SavedSchedule extends ScheduleFields {
  target: ScheduleTarget
  name: string
  source: 'file' | 'api' | 'event'
  ownerId: string
  /** Of a file or an event's definition: what it says, whatever somebody has made of it since. */
  fileEnabled: boolean | null
}

interface Before extends Timing {
  key: string
  publicId: string
  enabled: boolean
  high_water: Date
  next_at: Date | null
  look_at: Date | null
}

/** Makes it, or replaces the one of that name of that pipeline or event. Answers its public id. */
export async function saveSchedule(tx: Queryable, saved: SavedSchedule): Promise<string> {
  const [column, target] = targetColumn(saved.target)
  const { rows } = await tx.query<Before>(
    `select id as key, public_id as "publicId", enabled, cron, every_seconds, zone, starts_at, ends_at, high_water, next_at,
       look_at from schedules where ${column} = $1 and name = $2 for update`,
    [target, saved.name],
  )
  const before = rows[0]
  const place = await placeInTime(tx, saved, before)
  const publicId = before?.publicId ?? newPublicId()
  await tx.query(
    `insert into schedules (public_id, ${column}, name, source, owner_id, cron, every_seconds, zone, misfire,
       catch_up_seconds, catch_up_limit, overlap, variables, enabled, file_enabled, late_after_seconds, starts_at, ends_at,
       high_water, next_at, look_at, input)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
     on conflict (${column}, name) ${column === 'event_id' ? 'where event_id is not null' : ''} do update set source = excluded.source, owner_id = excluded.owner_id,
       cron = excluded.cron, every_seconds = excluded.every_seconds, zone = excluded.zone, misfire = excluded.misfire,
       catch_up_seconds = excluded.catch_up_seconds, catch_up_limit = excluded.catch_up_limit, overlap = excluded.overlap,
       variables = excluded.variables, enabled = excluded.enabled, file_enabled = excluded.file_enabled,
       late_after_seconds = excluded.late_after_seconds, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
       high_water = excluded.high_water, next_at = excluded.next_at, look_at = excluded.look_at, input = excluded.input,
       updated_at = now()`,
    [
      ...[publicId, target, saved.name, saved.source, saved.ownerId, saved.cron, saved.every_seconds],
      ...[saved.zone, saved.misfire, saved.catch_up_seconds, saved.catch_up_limit, saved.overlap],
      ...[JSON.stringify(saved.variables), saved.enabled, saved.fileEnabled, saved.late_after_seconds],
      ...[saved.starts_at ?? null, saved.ends_at ?? null, place.high_water, place.next_at, place.look_at],
      saved.input === null ? null : JSON.stringify(saved.input),
    ],
  )
  return publicId
}

export const targetColumn = (target: ScheduleTarget): ['pipeline_id' | 'event_id', string] =>
  'pipelineId' in target ? ['pipeline_id', target.pipelineId] : ['event_id', target.eventKey]

/**
 * Of an event that nothing may start: none of its schedules has a next tick until it is active again, and then they
 * count from that moment; whoever pauses an event means its schedules too.
 */
export async function parkSchedules(tx: Queryable, eventKey: string): Promise<void> {
  await tx.query({
    name: 'schedules_park',
    text: 'update schedules set next_at = null, look_at = null where event_id = $1 and next_at is not null',
    values: [eventKey],
  })
}

/** After somebody made or changed one of them. */
export async function parkIfInactive(tx: Queryable, target: ScheduleTarget): Promise<void> {
  if (!('eventKey' in target)) return
  const { rows } = await tx.query<{ status: string }>('select status from events where id = $1', [target.eventKey])
  if (rows[0]?.status !== 'active') await parkSchedules(tx, target.eventKey)
}

/** Those that were parked; one that simply has no tick any more gets none. */
export async function unparkSchedules(tx: Queryable, eventKey: string): Promise<void> {
  const { rows } = await tx.query<Timing & { key: string; high_water: Date }>({
    name: 'schedules_parked',
    text: `select id as key, cron, every_seconds, zone, starts_at, ends_at, high_water from schedules
      where event_id = $1 and next_at is null for update`,
    values: [eventKey],
  })
  if (rows.length === 0) return
  const now = await databaseClock(tx)
  for (const { key, high_water, ...timing } of rows) {
    const from = high_water > now ? high_water : now
    const next = nextRun(timing, from.getTime())
    await tx.query('update schedules set high_water = $2, next_at = $3, look_at = $3 where id = $1', [
      ...[key, from, next === null ? null : new Date(next)],
    ])
  }
}

type Place = Pick<Before, 'high_water' | 'next_at' | 'look_at'>

/** What was due while it was paused is not made up, and what was decided stays decided when the clock has gone back. */
async function placeInTime(tx: Queryable, saved: SavedSchedule, before: Before | undefined): Promise<Place> {
  if (before !== undefined && sameTiming(saved, before) && (before.enabled || !saved.enabled)) return before
  const now = await databaseClock(tx)
  const from = before !== undefined && before.high_water > now ? before.high_water : now
  const next = nextRun(saved, from.getTime())
  const next_at = next === null ? null : new Date(next)
  return { high_water: from, next_at, look_at: next_at }
}

const sameTiming = (a: Timing, b: Timing): boolean =>
  a.cron === b.cron &&
  a.every_seconds === b.every_seconds &&
  a.zone === b.zone &&
  a.starts_at?.getTime() === b.starts_at?.getTime() &&
  a.ends_at?.getTime() === b.ends_at?.getTime()
