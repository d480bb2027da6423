/** Whether runs of ticks have begun in time; who is not told in the same transaction is told the next time. */
import type { Db, Queryable } from '../db/pool.ts'
import type { NotifyRule } from '../queue/runs.ts'
import { eventOf } from './due.ts'
import { databaseClock, type Clock } from './types.ts'

/** A tick whose run had not begun when it should have. */
export interface LateTick {
  schedule: string
  name: string
  /** Null: it runs an event. */
  pipeline: string | null
  event: { publicId: string; name: string } | null
  ownerId: string
  tick: Date
  late_after_seconds: number
  outcome: 'started' | 'missed' | 'refused'
  /** Public id of its run; it may have begun since. */
  run: string | null
  reason: string | null
  notify: NotifyRule[]
}

interface Checked extends Omit<LateTick, 'late_after_seconds'> {
  key: string
  lateAfter: number | null
  late: boolean
}

const perPass = 100

/** The channels that are told of its incidents are told of this. */
const notifyOfEvent = `(
  select json_agg(json_build_object('channel', channel, 'on', json_build_array('failed')))
  from json_array_elements_text(ev.definition->'incident_channels') as channel
)`

/** One pass; answers how many were late. `tell` runs in the transaction that settles them, once for each tick. */
export async function checkLate(
  db: Db,
  tell: (tx: Queryable, late: LateTick[]) => Promise<void>,
  clock: Clock = databaseClock,
): Promise<number> {
  return db.tx(async (tx) => {
    const now = await clock(tx)
    const { rows } = await tx.query<Checked>({
      name: 'schedules_check_late',
      text: `select t.schedule_id as key, s.public_id as schedule, s.name, p.name as pipeline, ${eventOf} as event,
          s.owner_id as "ownerId", t.tick, s.late_after_seconds as "lateAfter", t.outcome, t.run_id as run, t.reason,
          coalesce(v.definition->'notify', ${notifyOfEvent}, '[]') as notify,
          case when t.run_id is null then true
            when r.id is null and er.id is null then false
            when coalesce(r.started_at, j.started_at, er.started_at) is null
              then coalesce(r.ended_at, j.ended_at, er.ended_at, er.settled_at) is null
            else coalesce(r.started_at, j.started_at, er.started_at) > t.late_check_at end as late
        from schedule_ticks t join schedules s on s.id = t.schedule_id left join pipelines p on p.id = s.pipeline_id
          left join pipeline_versions v on v.pipeline_id = p.id and v.number = p.version
          left join events e on e.id = s.event_id
          left join event_versions ev on ev.event_id = e.id and ev.number = e.version
          left join event_runs er on er.public_id = t.run_id and s.event_id is not null
          left join jobs j on j.public_id = er.job_id
          left join runs r on r.public_id = coalesce(er.pipeline_run_id, case when er.id is null then t.run_id end)
        where t.late_check_at <= $1 order by t.late_check_at limit ${perPass} for update of t skip locked`,
      values: [now],
    })
    if (rows.length === 0) return 0
    const late = rows.flatMap(({ key: _key, lateAfter, late: isLate, ...tick }) =>
      isLate && lateAfter !== null ? [{ ...tick, late_after_seconds: lateAfter }] : [],
    )
    if (late.length > 0) await tell(tx, late)
    await tx.query({
      name: 'schedules_settle_late',
      text: `update schedule_ticks t set late_check_at = null, late_told_at = case when c.late then $4::timestamptz end
        from unnest($1::bigint[], $2::timestamptz[], $3::boolean[]) as c(key, tick, late)
        where t.schedule_id = c.key and t.tick = c.tick`,
      values: [rows.map((row) => row.key), rows.map((row) => row.tick), rows.map((row) => row.late), now],
    })
    return late.length
  })
}

/** What became of ticks is kept as long as runs are; high water marks hold without it. */
export async function pruneTicks(db: Queryable, retainDays: number): Promise<number> {
  if (retainDays === 0) return 0
  const { rowCount } = await db.query(
    `delete from schedule_ticks where ctid in (
       select ctid from schedule_ticks where fired_at < now() - make_interval(days => $1) and late_check_at is null limit 5000
     )`,
    [retainDays],
  )
  return rowCount
}
