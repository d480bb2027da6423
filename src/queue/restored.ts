/**
 * What a queue needs after a restore, before anybody claims from it. Time has forked: what happened after the backup is
 * forgotten here, while runners, their jobs, logs and sessions of that time may still be somewhere.
 */
import type { Queryable } from '../db/pool.ts'
import { endAttempts, lockedColumns, type LockedAttempt } from './end-attempts.ts'

const perStep = 1000

/**
 * Nobody from before may write: every runner's session is void, and attempts that were open then are ended. Tokens and
 * job numbers go on at the present microsecond, which no earlier timeline can have reached, not even an earlier restore
 * of the same backup: nothing that is out there (a runner's report, a log file of that name) ever fits something new.
 */
export async function fenceOffThePast(tx: Queryable): Promise<void> {
  await tx.query(`update runners set session = 'void ' || gen_random_uuid(), state = 'offline'`)
  // The logs of the backup are where it is restored: the server that has them writes itself down.
  await tx.query('update attempts set log_server = null where log_server is not null')
  await tx.query('delete from servers')
  for (const sequence of [`'attempt_token'`, `pg_get_serial_sequence('jobs', 'id')`]) {
    await tx.query(
      `select setval(${sequence}::regclass, greatest(nextval(${sequence}::regclass),
         (extract(epoch from clock_timestamp()) * 1000000)::bigint))`,
    )
  }
}

/**
 * Attempts that were under way at the backup are lost, by the ordinary rules: again when attempts are left, else `lost`.
 * None runs again before the keeper of its old runner has killed it, whose lease may be as young as this moment.
 */
export async function loseHeld(
  tx: Queryable,
  { message, quietSeconds }: { message: string; quietSeconds: number },
): Promise<{ again: number; over: number }> {
  const sum = { again: 0, over: 0 }
  for (;;) {
    const { rows } = await tx.query<LockedAttempt>(
      `select 0 as nr, ${lockedColumns}
       from attempts a join jobs j on j.id = a.job_id join runners r on r.id = a.runner_id
       where a.ended_at is null order by j.id limit ${perStep} for update of j, a`,
    )
    if (rows.length === 0) return sum
    await endAttempts(
      tx,
      rows.map((attempt) => ({ attempt, outcome: { state: 'lost', error_class: 'lost', message }, log: null })),
    )
    const { rowCount: again } = await tx.query(
      `update jobs set not_before = greatest(not_before, clock_timestamp() + make_interval(secs => $2))
       where id = any($1::bigint[]) and state = 'scheduled'`,
      [rows.map((row) => row.job_id), quietSeconds],
    )
    sum.again += again
    sum.over += rows.length - again
  }
}

/** Nothing starts until somebody resumes the queues. */
export async function pauseAll(tx: Queryable): Promise<void> {
  await tx.query('update queues set paused = true')
}
