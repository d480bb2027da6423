/** What goes wrong most: events that flap, and schedules that are late or did not start. */
import type { Queryable } from '../db/pool.ts'

export interface FlappingRow {
  id: string
  name: string
  /** Turned from success to failure or back so often. */
  turns: number
  runs: number
}

export async function flappingEvents(
  db: Queryable,
  { ownerId, days, limit }: { ownerId?: string | undefined; days: number; limit: number },
): Promise<FlappingRow[]> {
  const { rows } = await db.query<FlappingRow>(
    `select e.public_id as id, e.name, turns, runs from (
       select event_id, (count(*) filter (where turned))::int as turns, count(*)::int as runs from (
         select event_id, ok <> lag(ok) over (partition by event_id order by id) as turned from (
           select id, event_id, end_state = 'succeeded' as ok from event_runs
           where ended_at > now() - make_interval(days => $1) and settled_at is not null and trigger <> 'test'
             and end_state not in ('cancelled', 'skipped') and ($2::bigint is null or owner_id = $2::bigint)
         ) ended
       ) told group by event_id
     ) counted join events e on e.id = counted.event_id
     where turns >= 3 order by turns desc, runs, e.id limit $3`,
    [days, ownerId ?? null, limit],
  )
  return rows
}

export interface LateRow {
  schedule: string
  name: string
  /** Of the pipeline or event. */
  target: string
  tick: Date
  outcome: 'started' | 'skipped' | 'missed' | 'refused' | 'not_started'
  late_ms: number | null
  reason: string | null
}

/** A start is late after the schedule's own limit; what did not start at all is told whatever its limit. */
export async function lateTicks(
  db: Queryable,
  { eventsOf, days, limit }: { eventsOf?: string | undefined; days: number; limit: number },
): Promise<LateRow[]> {
  const { rows } = await db.query<LateRow>(
    `select s.public_id as schedule, s.name, coalesce(p.name, e.name) as target, t.tick,
       case when t.outcome = 'started' and began.at is null then 'not_started' else t.outcome end as outcome,
       extract(epoch from began.at - t.tick)::float8 * 1000 as late_ms, t.reason
     from (
       select * from schedule_ticks where fired_at > now() - make_interval(days => $1)
         and (late_told_at is not null or outcome <> 'started')
     ) t join schedules s on s.id = t.schedule_id left join pipelines p on p.id = s.pipeline_id
       left join events e on e.id = s.event_id
       left join event_runs er on er.public_id = t.run_id and s.event_id is not null
       left join jobs j on j.public_id = er.job_id
       left join runs r on r.public_id = coalesce(er.pipeline_run_id, case when er.id is null then t.run_id end)
       cross join lateral (select coalesce(er.started_at, j.started_at, r.started_at) as at) began
     where $2::bigint is null or e.id is null or e.shared or e.owner_id = $2::bigint
     order by t.tick desc, t.schedule_id limit $3`,
    [days, eventsOf ?? null, limit],
  )
  return rows
}
