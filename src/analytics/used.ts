/** What the last attempts of one kind of job used: read when somebody asks, nothing is kept for it. */
import type { Queryable } from '../db/pool.ts'
import { messageQueue } from '../job/message.ts'
import type { Limits } from '../job/spec.ts'

export type UsedBy =
  | { kind: 'name'; name: string; ownerId: string }
  | { kind: 'event'; eventKey: string; ownerId: string | undefined }
  | { kind: 'task'; pipeline: string; task: string; ownerId: string | undefined }

export interface UsedRow {
  state: string
  endedAt: Date
  /** Null where the runner could not count it. */
  memoryBytes: number | null
  /** Cores, on the average of the attempt. */
  cores: number | null
}

export interface Used {
  /** Newest first. */
  attempts: UsedRow[]
  /** As the newest job asked for them; null: there is none. */
  limits: Limits | null
}

const attemptsAtMost = 200
/** Of a user's ended jobs the newest so many are looked through for a name: some ten milliseconds. */
const jobsAtMost = 20_000
/** A shorter attempt says nothing about the cores that it would use. */
const leastSeconds = 0.2

/** Newest first; `$1` and further are the parameters of each. */
const jobsOf = {
  name: `select id from (
      select id, name, queue_id from jobs where owner_id = $1 and ended_at is not null
      order by ended_at desc limit ${jobsAtMost}
    ) j
    where name = $2 and queue_id is distinct from (select id from queues where name = '${messageQueue}')
    limit ${attemptsAtMost}`,
  event: `select j.id from event_runs er join jobs j on j.public_id = er.job_id
    where er.event_id = $1 and ($2::bigint is null or er.owner_id = $2)
    order by er.id desc limit ${attemptsAtMost}`,
  task: `select j.id from pipeline_runs pr join pipelines p on p.id = pr.pipeline_id join runs r on r.id = pr.run_id
      join run_tasks t on t.run_id = pr.run_id and t.name = $2 join jobs j on j.public_id = t.job_id
    where p.name = $1 and ($3::bigint is null or r.owner_id = $3)
    order by pr.run_id desc, t.item limit ${attemptsAtMost}`,
}

const parametersOf = (by: UsedBy): unknown[] => {
  if (by.kind === 'name') return [by.ownerId, by.name]
  if (by.kind === 'event') return [by.eventKey, by.ownerId ?? null]
  return [by.pipeline, by.task, by.ownerId ?? null]
}

export async function usedLately(db: Queryable, by: UsedBy): Promise<Used> {
  const { rows } = await db.query<UsedRow & { limits: Limits | null }>(
    `with of as materialized (${jobsOf[by.kind]})
     select a.state, a.ended_at as "endedAt", (a.outcome->'usage'->>'memory_peak_bytes')::float8 as "memoryBytes",
       case when took.seconds >= ${leastSeconds} then (a.outcome->'usage'->>'cpu_ms')::float8 / 1000 / took.seconds end
         as cores,
       j.spec->'limits' as limits
     from of join jobs j on j.id = of.id join attempts a on a.job_id = j.id
     cross join lateral (select extract(epoch from a.ended_at - a.started_at)::float8 as seconds) took
     where a.ended_at is not null and a.outcome ? 'usage'
       and a.state in ('succeeded', 'failed', 'timed_out', 'oom_killed')
     order by a.ended_at desc limit ${attemptsAtMost}`,
    parametersOf(by),
  )
  return {
    attempts: rows.map(({ state, endedAt, memoryBytes, cores }) => ({ state, endedAt, memoryBytes, cores })),
    limits: rows.length === 0 ? null : (rows[0]!.limits ?? {}),
  }
}
