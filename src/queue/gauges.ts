/** What an observer of the whole installation counts; from counters and the first jobs of the lanes, never by a scan. */
import type { Queryable } from '../db/pool.ts'
import type { JobState } from '../job/state.ts'
import { slotsTaken } from './statements.ts'
import { totals } from './totals.ts'

export interface QueueGauges {
  jobs: { queue: string; state: JobState; n: number }[]
  /** Seconds that a queued job has waited which is the next one of its lane: the longest of each queue with any. */
  waits: { queue: string; seconds: number }[]
  runners: { runner: string; state: string; slots: number; used: number }[]
}

export async function queueGauges(db: Queryable): Promise<QueueGauges> {
  const [jobs, waits, runners] = await Promise.all([
    db.query<QueueGauges['jobs'][0]>({
      name: 'queue_gauge_jobs',
      text: `select q.name as queue, t.state, sum(t.jobs)::float8 as n from ${totals} t join queues q on q.id = t.queue_id
        group by q.name, t.state order by q.name`,
    }),
    db.query<QueueGauges['waits'][0]>({
      name: 'queue_gauge_waits',
      text: `select q.name as queue, max(extract(epoch from clock_timestamp() - head.state_since))::float8 as seconds
        from lanes l join queues q on q.id = l.queue_id
        cross join lateral (
          select state_since from jobs where lane_id = l.id and state = 'queued' order by rank, id limit 1
        ) head
        group by q.name order by q.name`,
    }),
    db.query<QueueGauges['runners'][0]>({
      name: 'queue_gauge_runners',
      text: `select r.name as runner, r.state, r.slots,
          (select ${slotsTaken} from attempts a join jobs j on j.id = a.job_id join lanes l on l.id = j.lane_id
            where a.runner_id = r.id and a.ended_at is null) as used
        from runners r order by r.name`,
    }),
  ])
  return { jobs: jobs.rows, waits: waits.rows, runners: runners.rows }
}
