/** Named waiting lines, their limits, and how long they remember. */
import type { Db, Queryable } from '../db/pool.ts'
import { notify } from './notify.ts'
import { held, inTransaction, terminal, waiting } from './statements.ts'
import { totals } from './totals.ts'

export interface QueueSettings {
  name: string
  concurrency: number | null
  rate: { starts: number; seconds: number } | null
  paused: boolean
  /** Days and number of ended jobs that are kept; null: as the installation does, 0: no limit. */
  retainDays?: number | null
  retainCount?: number | null
}
export interface QueueRow extends QueueSettings {
  waiting: number
  running: number
  /** Ended jobs that are still there, and the bytes of all logs. */
  kept: number
  logBytes: number
}

/** Makes a queue or replaces its limits. A full bucket for a new rate; a changed one keeps at most what it had. */
export async function upsertQueue(db: Db | Queryable, queue: QueueSettings): Promise<QueueRow> {
  return inTransaction(db, async (tx) => {
    await tx.query(
      `insert into queues (name, concurrency, rate_starts, rate_seconds, paused, retain_days, retain_count)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (name) do update set concurrency = excluded.concurrency, rate_starts = excluded.rate_starts,
         rate_seconds = excluded.rate_seconds, paused = excluded.paused, retain_days = excluded.retain_days,
         retain_count = excluded.retain_count,
         rate_tokens = case when excluded.rate_starts is null then null
           else least(queues.rate_tokens, excluded.rate_starts) end`,
      [
        queue.name,
        queue.concurrency,
        queue.rate?.starts ?? null,
        queue.rate?.seconds ?? null,
        queue.paused,
        queue.retainDays ?? null,
        queue.retainCount ?? null,
      ],
    )
    await notify(tx, [], true)
    const [row] = await listQueues(tx, queue.name)
    return row!
  })
}

type Row = Omit<QueueRow, 'rate'> & { rate_starts: number | null; rate_seconds: number | null }

export async function listQueues(db: Queryable, name?: string): Promise<QueueRow[]> {
  const { rows } = await db.query<Row>(
    `with counts as (
       select queue_id, sum(jobs) filter (where state in ${waiting}) as waiting,
         sum(jobs) filter (where state in ${held}) as running, sum(jobs) filter (where state in ${terminal}) as kept,
         sum(log_bytes) as log_bytes
       from ${totals} t group by queue_id
     )
     select q.name, q.concurrency, q.rate_starts, q.rate_seconds, q.paused, q.retain_days as "retainDays",
       q.retain_count as "retainCount", coalesce(c.waiting, 0)::int as waiting, coalesce(c.running, 0)::int as running,
       coalesce(c.kept, 0)::int as kept, coalesce(c.log_bytes, 0)::float8 as "logBytes"
     from queues q left join counts c on c.queue_id = q.id
     where $1::text is null or q.name = $1 order by q.name`,
    [name ?? null],
  )
  return rows.map(({ rate_starts: starts, rate_seconds: seconds, ...row }) => ({
    ...row,
    rate: starts === null ? null : { starts, seconds: seconds! },
  }))
}
