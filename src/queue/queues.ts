/** Named waiting lines and their limits. */
import type { Db, Queryable } from '../db/pool.ts'
import { notify } from './notify.ts'
import { held, inTransaction, waiting } from './statements.ts'

export interface QueueSettings {
  name: string
  concurrency: number | null
  rate: { starts: number; seconds: number } | null
  paused: boolean
}
export interface QueueRow extends QueueSettings {
  waiting: number
  running: number
}

/** Makes a queue or replaces its limits. A full bucket for a new rate; a changed one keeps at most what it had. */
export async function upsertQueue(db: Db | Queryable, queue: QueueSettings): Promise<QueueRow> {
  return inTransaction(db, async (tx) => {
    await tx.query(
      `insert into queues (name, concurrency, rate_starts, rate_seconds, paused) values ($1, $2, $3, $4, $5)
       on conflict (name) do update set concurrency = excluded.concurrency, rate_starts = excluded.rate_starts,
         rate_seconds = excluded.rate_seconds, paused = excluded.paused,
         rate_tokens = case when excluded.rate_starts is null then null
           else least(queues.rate_tokens, excluded.rate_starts) end`,
      [queue.name, queue.concurrency, queue.rate?.starts ?? null, queue.rate?.seconds ?? null, queue.paused],
    )
    await notify(tx, [], true)
    const [row] = await listQueues(tx, queue.name)
    return row!
  })
}

export async function listQueues(db: Queryable, name?: string): Promise<QueueRow[]> {
  const { rows } = await db.query<{
    name: string
    concurrency: number | null
    rate_starts: number | null
    rate_seconds: number | null
    paused: boolean
    waiting: number
    running: number
  }>(
    `select q.name, q.concurrency, q.rate_starts, q.rate_seconds, q.paused, coalesce(w.n, 0) as waiting,
       coalesce(h.n, 0) as running
     from queues q
     left join (select queue_id, count(*)::int as n from jobs where state in ${waiting} group by 1) w on w.queue_id = q.id
     left join (select queue_id, count(*)::int as n from jobs where state in ${held} group by 1) h on h.queue_id = q.id
     where $1::text is null or q.name = $1 order by q.name`,
    [name ?? null],
  )
  return rows.map((row) => ({
    name: row.name,
    concurrency: row.concurrency,
    rate: row.rate_starts === null ? null : { starts: row.rate_starts, seconds: row.rate_seconds! },
    paused: row.paused,
    waiting: row.waiting,
    running: row.running,
  }))
}
