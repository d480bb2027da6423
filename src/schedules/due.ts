/** Statements about schedules that are due, and about what became of their ticks. */
import type { Queryable } from '../db/pool.ts'
import type { DueSchedule } from './types.ts'

/** One look takes up so many. */
export const perLook = 100

/** What they are for is there: a pipeline that has a definition, an event that may be started. */
const withTarget = `schedules s left join pipelines p on p.id = s.pipeline_id left join events e on e.id = s.event_id`
const targetThere = `coalesce(e.status = 'active', p.gone_at is null)`

/** As `DueSchedule.event`. */
export const eventOf = `case when e.id is not null then json_build_object('key', e.id::text, 'publicId', e.public_id,
  'name', e.name) end`

/** Keys of those that are due, longest due first; nothing is locked. Those of a pipeline that is gone wait for it. */
export async function dueSchedules(db: Queryable, now: Date): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'schedules_due',
    text: `select s.id from ${withTarget}
      where s.enabled and s.look_at <= $1 and ${targetThere} order by s.look_at limit ${perLook}`,
    values: [now],
  })
  return rows.map((row) => row.id)
}

/** The next time to look at any of them; null: never. */
export async function nextLook(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ at: Date }>({
    name: 'schedules_next_look',
    text: `select s.look_at as at from ${withTarget}
      where s.enabled and s.look_at is not null and ${targetThere} order by s.look_at limit 1`,
  })
  return rows[0]?.at ?? null
}

/**
 * Whoever has a schedule in hand, others pass it by. A lock beside the row's own: the order of row locks is pipelines
 * and events, then schedules, as a change of the definition takes them, and waiting for the first would be no passing by.
 */
export async function takeSchedule(tx: Queryable, key: string): Promise<boolean> {
  const { rows } = await tx.query<{ taken: boolean }>({
    name: 'schedules_take',
    text: `select pg_try_advisory_xact_lock(hashtextextended('schedule ' || $1, 7286010016)) as taken`,
    values: [key],
  })
  return rows[0]!.taken
}

/** With both rows locked; null: it is not due, or is none any more. */
export async function lockDue(tx: Queryable, key: string, now: Date): Promise<DueSchedule | null> {
  await tx.query({
    name: 'schedules_lock_pipeline',
    text: 'select from pipelines where id = (select pipeline_id from schedules where id = $1) for no key update',
    values: [key],
  })
  await tx.query({
    name: 'schedules_lock_event',
    text: 'select from events where id = (select event_id from schedules where id = $1) for no key update',
    values: [key],
  })
  const { rows } = await tx.query<DueSchedule>({
    name: 'schedules_lock',
    text: `select s.id as key, s.public_id as "publicId", s.name, s.pipeline_id as "pipelineId", p.name as pipeline,
        ${eventOf} as event, s.owner_id as "ownerId", s.cron, s.every_seconds, s.zone, s.misfire, s.catch_up_seconds,
        s.catch_up_limit, s.overlap, s.variables, s.input, s.late_after_seconds, s.starts_at, s.ends_at, s.next_at
      from ${withTarget}
      where s.id = $1 and s.enabled and s.look_at <= $2 and ${targetThere} for update of s skip locked`,
    values: [key, now],
  })
  return rows[0] ?? null
}

/** Public ids of the runs that it started and that have not ended, oldest first. */
export async function openRuns(tx: Queryable, { key, pipelineId, event }: DueSchedule): Promise<string[]> {
  if (event !== null) return openEventRuns(tx, key, event.key)
  const { rows } = await tx.query<{ run: string }>({
    name: 'schedules_open_runs',
    text: `select t.run_id as run from pipeline_runs p join runs r on r.id = p.run_id
      join schedule_ticks t on t.run_id = r.public_id
      where p.pipeline_id = $2 and p.state <> 'ended' and t.schedule_id = $1 order by r.id`,
    values: [key, pipelineId],
  })
  return rows.map((row) => row.run)
}

/** A run of an event is over with its job, or its pipeline's run, before anybody has settled it. */
async function openEventRuns(tx: Queryable, key: string, eventKey: string): Promise<string[]> {
  const { rows } = await tx.query<{ run: string }>({
    name: 'schedules_open_event_runs',
    text: `select t.run_id as run from event_runs r join schedule_ticks t on t.run_id = r.public_id
      where r.event_id = $2 and r.settled_at is null and t.schedule_id = $1
        and not exists (select from jobs where public_id = r.job_id and ended_at is not null)
        and not exists (select from runs where public_id = r.pipeline_run_id and ended_at is not null)
      order by r.id`,
    values: [key, eventKey],
  })
  return rows.map((row) => row.run)
}

export interface DecidedTick {
  tick: Date
  outcome: 'started' | 'skipped' | 'missed' | 'refused'
  run?: string
  reason?: string
  lastTick?: Date
  at: Date
  lateCheckAt: Date | null
}

/** The tick's row and the schedule's new place in time: together, so a tick is decided once or not at all. */
export async function recordTick(tx: Queryable, key: string, done: DecidedTick, next: Date | null): Promise<void> {
  const { tick, outcome, run, reason, lastTick, at, lateCheckAt } = done
  await tx.query({
    name: 'schedules_record',
    text: `with row as (
        insert into schedule_ticks (schedule_id, tick, outcome, run_id, reason, last_tick, fired_at, late_check_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
      )
      update schedules s set high_water = greatest(high_water, coalesce($6, $2)), next_at = at.next, look_at = at.next,
        problem = case when $3 = 'refused' then $5 when $3 = 'started' then null else problem end
      from (
        -- The run may have been its event's last one.
        select case when not exists (select from events e join schedules x on x.event_id = e.id
          where x.id = $1 and e.status <> 'active') then $9::timestamptz end as next
      ) at
      where id = $1`,
    values: [key, tick, outcome, run ?? null, reason ?? null, lastTick ?? null, at, lateCheckAt, next],
  })
}

/** Its time is none any more: the tables of the zone have changed. */
export async function moveOn(tx: Queryable, key: string, next: number | null): Promise<void> {
  const at = next === null ? null : new Date(next)
  await tx.query('update schedules set next_at = $2, look_at = $2 where id = $1', [key, at])
}

export async function lookAgain(tx: Queryable, key: string, problem: string, at: Date): Promise<void> {
  await tx.query('update schedules set look_at = $3, problem = $2 where id = $1', [key, problem, at])
}
