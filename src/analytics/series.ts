/** Runs over time, and by the hour of the week. */
import type { Queryable } from '../db/pool.ts'
import { eventsRan, failed, percentiles, pipelinesRan, succeeded } from './ran.ts'

export interface Point {
  at: Date
  succeeded: number
  failed: number
  duration_p50_ms: number | null
  duration_p95_ms: number | null
}

export interface Subject {
  /** Undefined: everybody's. */
  ownerId?: string | undefined
  days: number
  /** Keys; neither: events, and the runs of pipelines that no event and no other pipeline began. */
  event?: string | undefined
  pipeline?: string | undefined
}

function ranOf({ event, pipeline }: Subject): string {
  if (event !== undefined) return `select * from (${eventsRan}) ran where key = $3::bigint`
  if (pipeline !== undefined) return `select * from (${pipelinesRan}) ran where key = $3::bigint`
  return `${eventsRan} and $3::bigint is null union all select ran.* from (${pipelinesRan}) ran
    join pipeline_runs own on own.run_id = ran.nr and own.parent_run_id is null
    where not exists (select from event_runs e join runs r on r.public_id = e.pipeline_run_id where r.id = ran.nr)`
}

const valuesOf = ({ ownerId, days, event, pipeline }: Subject): unknown[] => [
  ...[days, ownerId ?? null, event ?? pipeline ?? null],
]

/** By hour up to two days, else by day (UTC); also those in which nothing ended. */
export async function analyticsSeries(
  db: Queryable,
  subject: Subject,
): Promise<{ step_seconds: number; points: Point[] }> {
  const unit = subject.days <= 2 ? 'hour' : 'day'
  const { rows } = await db.query<Point>(
    `with told as (
       select date_trunc('${unit}', ended_at, 'UTC') as at, count(*) filter (where ${succeeded}) as succeeded,
         count(*) filter (where ${failed}) as failed, ${percentiles('duration')} as took
       from (${ranOf(subject)}) ran group by 1
     )
     select step.at, coalesce(succeeded, 0)::int as succeeded, coalesce(failed, 0)::int as failed, took[1] as duration_p50_ms,
       took[2] as duration_p95_ms
     from generate_series(date_trunc('${unit}', now() - make_interval(days => $1), 'UTC'), now(), interval '${unit === 'hour' ? 1 : 24} hours')
       as step(at) left join told on told.at = step.at order by 1`,
    valuesOf(subject),
  )
  return { step_seconds: unit === 'hour' ? 3600 : 86_400, points: rows }
}

export interface Cell {
  runs: number
  failed: number
}

/** 168 cells, Monday 00 to Sunday 23 on the clocks of the zone: the hour in which a run was asked for. */
export async function analyticsHeat(db: Queryable, subject: Subject & { zone: string }): Promise<Cell[]> {
  const { rows } = await db.query<Cell & { cell: number }>(
    `select ((extract(isodow from local) - 1) * 24 + extract(hour from local))::int as cell, count(*)::int as runs,
       (count(*) filter (where ${failed}))::int as failed
     from (select state, created_at at time zone $4 as local from (${ranOf(subject)}) ran) placed group by 1`,
    [...valuesOf(subject), subject.zone],
  )
  const cells = Array.from({ length: 168 }, (): Cell => ({ runs: 0, failed: 0 }))
  for (const { cell, ...counts } of rows) cells[cell] = counts
  return cells
}
