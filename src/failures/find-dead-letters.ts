/** Jobs that spent their attempts, as they are listed. */
import type { Queryable } from '../db/pool.ts'
import type { JobState } from '../job/state.ts'
import { eventSource, jobSource, taskSource } from './source.ts'

export type DeadLetterState = 'open' | 'redriven' | 'dismissed'

export interface DeadLetterRow {
  key: string
  jobId: string
  name: string
  ownerId: string
  /** Username. */
  owner: string
  state: DeadLetterState
  jobState: JobState
  exitCode: number | null
  error: string | null
  attempts: number
  group: string | null
  eventId: string | null
  eventName: string | null
  eventRun: string | null
  pipeline: string | null
  task: string | null
  pipelineRun: string | null
  batch: string | null
  redrivenAs: string | null
  actedBy: string | null
  at: Date
}

export interface DeadLetterFilter {
  /** Undefined: everybody's. */
  ownerId?: string | undefined
  state?: readonly DeadLetterState[] | undefined
  jobs?: readonly string[] | undefined
  group?: string | undefined
  /** Public id or name. */
  event?: string | undefined
  queue?: string | undefined
  search?: string | undefined
  since?: Date | undefined
  until?: Date | undefined
}

const columns = `d.job_id as key, j.public_id as "jobId", j.name, d.owner_id as "ownerId", u.username as owner, d.state,
  j.state as "jobState", (j.outcome->>'exit_code')::int as "exitCode", j.outcome->>'message' as error,
  j.attempts_spent as attempts, g.public_id as group, e.public_id as "eventId", e.name as "eventName",
  er.public_id as "eventRun", p.name as pipeline, t.name as task,
  case when r.kind = 'pipeline' then r.public_id end as "pipelineRun",
  case when r.kind = 'batch' then r.public_id end as batch, d.redriven_as as "redrivenAs", d.acted_by as "actedBy", d.at`
const tables = `dead_letters d join jobs j on j.id = d.job_id join users u on u.id = d.owner_id
  left join failure_groups g on g.id = d.group_id
  left join event_runs er on er.job_id = j.public_id and j.spec ? 'event' left join events e on e.id = er.event_id
  left join runs r on r.id = j.run_id left join pipeline_runs pr on pr.run_id = r.id
  left join pipelines p on p.id = pr.pipeline_id
  left join lateral (
    select name from run_tasks where job_id = j.public_id and run_id = j.run_id order by item limit 1
  ) t on p.id is not null`

/** Newest first; `before` is a key. */
export async function findDeadLetters(
  db: Queryable,
  filter: DeadLetterFilter,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<DeadLetterRow[]> {
  const { rows } = await db.query<DeadLetterRow>(
    `select ${columns} from ${tables}
     where d.job_id < $1::bigint and ($2::bigint is null or d.owner_id = $2)
       and ($3::text[] is null or d.state = any($3)) and ($4::text[] is null or j.public_id = any($4))
       and ($5::text is null or g.public_id = $5)
       and ($6::text is null or e.public_id = $6 or lower(e.name) = lower($6))
       and ($7::text is null or j.queue_id = (select id from queues where name = $7))
       and ($8::text is null or j.name ilike $8 or j.outcome->>'message' ilike $8 or e.name ilike $8)
       and ($9::timestamptz is null or d.at >= $9) and ($10::timestamptz is null or d.at < $10)
     order by d.job_id desc limit $11::int`,
    [
      before ?? String(2n ** 63n - 1n),
      ...[filter.ownerId ?? null, filter.state ?? null, filter.jobs ?? null, filter.group ?? null],
      ...[filter.event ?? null, filter.queue ?? null],
      filter.search === undefined ? null : `%${filter.search.replaceAll(/[\\%_]/g, '\\$&')}%`,
      ...[filter.since ?? null, filter.until ?? null, limit],
    ],
  )
  return rows
}

export async function countOpen(db: Queryable, ownerId: string | undefined): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'dead_letters_open',
    text: `select count(*)::int as n from dead_letters where state = 'open' and ($1::bigint is null or owner_id = $1)`,
    values: [ownerId ?? null],
  })
  return rows[0]!.n
}

export function sourceOf({ eventId, pipeline, task, name }: DeadLetterRow): string {
  if (eventId !== null) return eventSource(eventId)
  return pipeline !== null && task !== null ? taskSource(pipeline, task) : jobSource(name)
}

/**
 * Null: it is gone. Those of one run of a pipeline are locked together and in order: two that redrive it at once would
 * each hold what the other wants.
 */
export async function lockDeadLetter(
  tx: Queryable,
  { key, pipelineRun }: Pick<DeadLetterRow, 'key' | 'pipelineRun'>,
): Promise<{ state: DeadLetterState; redrivenAs: string | null; actedBy: string | null } | null> {
  if (pipelineRun !== null) {
    await tx.query({
      name: 'dead_letters_lock_run',
      text: `select from dead_letters where job_id in (
          select j.id from jobs j join runs r on r.id = j.run_id where r.public_id = $1
        ) order by job_id for update`,
      values: [pipelineRun],
    })
  }
  const { rows } = await tx.query<{ state: DeadLetterState; redrivenAs: string | null; actedBy: string | null }>({
    name: 'dead_letters_lock',
    text: `select state, redriven_as as "redrivenAs", acted_by as "actedBy" from dead_letters
      where job_id = $1 for update`,
    values: [key],
  })
  return rows[0] ?? null
}

export async function settleDeadLetter(
  tx: Queryable,
  key: string,
  { state, by, as }: { state: 'redriven' | 'dismissed'; by: string; as: string | null },
): Promise<void> {
  await tx.query({
    name: 'dead_letters_settle',
    text: `update dead_letters set state = $2, acted_by = $3, acted_at = now(), redriven_as = $4 where job_id = $1`,
    values: [key, state, by, as],
  })
}

/** Of one run of a pipeline: it is run again as a whole, for all of its tasks that failed. */
export async function settleOfRun(tx: Queryable, run: string, { by, as }: { by: string; as: string }): Promise<void> {
  await tx.query({
    name: 'dead_letters_settle_run',
    text: `update dead_letters d set state = 'redriven', acted_by = $2, acted_at = now(), redriven_as = $3
      from jobs j join runs r on r.id = j.run_id
      where d.job_id = j.id and d.state = 'open' and r.public_id = $1`,
    values: [run, by, as],
  })
}
