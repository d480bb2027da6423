/**
 * The size of a log is written down with the end of its attempt. Where the end came first (a lost runner, a drain), it
 * is written down here, once: `attempts.log` is null until then.
 */
import type { Db, Queryable } from '../db/pool.ts'
import type { AttemptName } from './prune.ts'
import { inTransaction } from './statements.ts'
import type { LogSummary } from './types.ts'

/**
 * Oldest end first, of logs that are with this server or with none. A young one may still be on its way: its last bytes
 * are sealed a moment after its end.
 */
export async function attemptsUnsized(db: Queryable, server: string, youngest: { seconds: number }, limit: number) {
  const { rows } = await db.query<AttemptName & { nowhere: boolean }>({
    name: 'queue_unsized',
    text: `select job_id as "jobKey", number, log_server is null as nowhere from attempts
      where ended_at is not null and log is null and ended_at < now() - make_interval(secs => $1::float8)
        and (log_server is null or log_server = $3::bigint)
      order by ended_at limit $2`,
    values: [youngest.seconds, limit, server],
  })
  return rows
}

export async function recordLogSizes(
  db: Db | Queryable,
  sizes: { attempt: AttemptName; log: LogSummary; shared?: boolean }[],
): Promise<void> {
  if (sizes.length === 0) return
  await inTransaction(db, async (tx) => {
    // Jobs before attempts, as everybody else locks them.
    await tx.query('select 1 from jobs where id = any($1::bigint[]) order by id for no key update', [
      sizes.map(({ attempt }) => attempt.jobKey),
    ])
    await tx.query({
      name: 'queue_record_sizes',
      text: `
        with sized as (
          update attempts a set log = g.log, log_shared = a.log_shared or coalesce(g.shared, false)
          from jsonb_to_recordset($1::jsonb) as g(job_id bigint, number int, log jsonb, shared boolean)
          where a.job_id = g.job_id and a.number = g.number and a.log is null and a.ended_at is not null
          returning a.job_id, (g.log->>'length')::bigint as bytes
        )
        update jobs j set log_bytes = j.log_bytes + s.bytes
        from (select job_id, sum(bytes) as bytes from sized group by job_id) s where j.id = s.job_id and s.bytes > 0`,
      values: [
        JSON.stringify(
          sizes.map(({ attempt, log, shared }) => ({ job_id: attempt.jobKey, number: attempt.number, log, shared })),
        ),
      ],
    })
  })
}
