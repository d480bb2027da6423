/**
 * Which server has the log of an attempt. The server that takes its bytes writes itself down with the first of them;
 * when the runner goes to another server, that one takes the log over and the runner ships it again from its spool.
 */
import type { Db, Queryable } from '../db/pool.ts'
import type { AttemptName } from './prune.ts'
import { awayAfterSeconds } from './servers.ts'
import { fixedPlansByKey, inTransaction, ofRunner } from './statements.ts'
import type { AttemptRef, FromRunner } from './types.ts'

/**
 * Says `taken <server> <attempt>,…`: these logs are with that server from now on; `over <attempt>,…`: nothing more
 * comes, whoever has them seals them; `removed <server>`: that one has logs to remove.
 */
export const logsChannel = 'runyard_logs'

/** A payload holds 8,000 bytes, and a name up to 30. */
const namesPerNotice = 200

/**
 * Nobody waits for the disk at a job's first byte: what a crash of the database forgets is written again when the fence is
 * asked next, and by the end of the attempt.
 */
const settings = `${fixedPlansByKey}; set local synchronous_commit = off`

/**
 * Whose log bytes are taken from this runner process, in order; those logs are with `server` from now on. One statement,
 * which writes only when the log was elsewhere or nowhere.
 */
export async function takeLogs(
  db: Db | Queryable,
  items: (FromRunner & { ref: AttemptRef })[],
  server: string,
): Promise<boolean[]> {
  if (items.length === 0) return []
  const question = {
    name: 'queue_take_logs',
    text: `
      with mine as materialized (
        select h.nr, a.job_id, a.number, a.log_server from jsonb_to_recordset($1::jsonb)
          as h(nr int, runner_id bigint, session text, job_id bigint, number int, token bigint)
        join runners r on r.id = h.runner_id and r.session = h.session
        join attempts a on a.job_id = h.job_id and a.number = h.number and a.token = h.token
          and ${ofRunner('h')} and a.ended_at is null
      ), elsewhere as materialized (
        select a.job_id, a.number from attempts a
        join (select distinct job_id, number from mine where log_server is distinct from $2::bigint) m
          on m.job_id = a.job_id and m.number = a.number
        order by a.job_id for no key update of a
      ), taken as (
        update attempts a set log_server = $2::bigint from elsewhere e
        where a.job_id = e.job_id and a.number = e.number and a.ended_at is null
        returning a.job_id || '-' || a.number as name
      ), parts as (
        select name, (row_number() over () - 1) / ${namesPerNotice} as part from taken
      ), told as materialized (
        select pg_notify('${logsChannel}', 'taken ' || $2 || ' ' || string_agg(name, ',')) from parts group by part
      )
      select nr, (select count(*) from told) from mine`,
    values: [
      JSON.stringify(
        items.map(({ runnerId, session, ref }, nr) => ({
          nr,
          runner_id: runnerId,
          session,
          job_id: ref.jobKey,
          number: ref.number,
          token: ref.token,
        })),
      ),
      server,
    ],
  }
  const { rows } = await inTransaction(db, (_, last) => last<{ nr: number }>(question), settings)
  const held = new Set(rows.map((row) => row.nr))
  return items.map((_, nr) => held.has(nr))
}

export interface LogPlace {
  /** Null: nobody has any of it, or it is of the time before there was more than one server. */
  server: string | null
  /** Null: that server is not known any more. */
  name: string | null
  address: string | null
  /** It was heard of within `awayAfterSeconds`. */
  there: boolean
  /** Since it was heard of. */
  silentSeconds: number
  /** The sealed log is in the shared store. */
  shared: boolean
  /** The attempt has ended: no byte will come that is not there. */
  over: boolean
  /** As it was written down with the end. */
  length: number | null
}

/** Null: there is no such attempt any more. */
export async function logPlaceOf(db: Queryable, attempt: AttemptName): Promise<LogPlace | null> {
  const { rows } = await db.query<LogPlace>({
    name: 'queue_log_place',
    text: `
      select a.log_server as server, s.name, s.address, a.log_shared as shared, a.ended_at is not null as over,
        coalesce(s.last_seen_at > clock_timestamp() - interval '${awayAfterSeconds} seconds', false) as there,
        coalesce(extract(epoch from clock_timestamp() - s.last_seen_at), 0)::float8 as "silentSeconds",
        (a.log->>'length')::float8 as length
      from attempts a left join servers s on s.id = a.log_server where a.job_id = $1::bigint and a.number = $2::int`,
    values: [attempt.jobKey, attempt.number],
  })
  return rows[0] ?? null
}

export interface KeptLog {
  name: string
  over: boolean
  /** False too when nobody is written down. */
  here: boolean
  /** Another server, which is there. */
  elsewhere: boolean
  shared: boolean
  /** Nobody is written down. */
  nowhere: boolean
}

/** What the database says of logs that this server has. Those that are not in the answer it does not know. */
export async function keptLogs(db: Queryable, names: readonly string[], server: string): Promise<KeptLog[]> {
  if (names.length === 0) return []
  const { rows } = await db.query<KeptLog>({
    name: 'queue_kept_logs',
    text: `
      select k.name, a.ended_at is not null as over, a.log_shared as shared, a.log_server is null as nowhere,
        a.log_server is not distinct from $2::bigint as here,
        coalesce(s.id <> $2::bigint and s.last_seen_at > clock_timestamp() - interval '${awayAfterSeconds} seconds', false)
          as elsewhere
      from unnest($1::text[]) as k(name)
      join attempts a on a.job_id = split_part(k.name, '-', 1)::bigint and a.number = split_part(k.name, '-', 2)::int
      left join servers s on s.id = a.log_server`,
    values: [names, server],
  })
  return rows
}

/** Logs of the time when there was one server, found with this one. */
export async function adoptLogs(db: Db | Queryable, names: readonly string[], server: string): Promise<void> {
  if (names.length === 0) return
  await db.query({
    name: 'queue_adopt_logs',
    text: `
      with those as (
        select a.job_id, a.number from unnest($1::text[]) as k(name)
        join attempts a on a.job_id = split_part(k.name, '-', 1)::bigint and a.number = split_part(k.name, '-', 2)::int
        where a.log_server is null and a.ended_at is not null order by a.job_id for no key update of a
      )
      update attempts a set log_server = $2::bigint from those t
      where a.job_id = t.job_id and a.number = t.number and a.log_server is null`,
    values: [names, server],
  })
}

/** Nothing more comes of these logs; the servers that have them are told. */
export async function tellLogsOver(db: Queryable, names: readonly string[]): Promise<void> {
  const payloads: string[] = []
  for (let i = 0; i < names.length; i += namesPerNotice) {
    payloads.push(`over ${names.slice(i, i + namesPerNotice).join(',')}`)
  }
  if (payloads.length === 0) return
  await db.query({
    name: 'queue_notify_logs',
    text: `select pg_notify('${logsChannel}', p) from unnest($1::text[]) p`,
    values: [payloads],
  })
}

/** Logs whose jobs are going, left to the servers that have them: each removes its own when it is there. */
export async function leaveRemovals(
  tx: Queryable,
  logs: readonly { server: string; attempt: AttemptName }[],
): Promise<void> {
  if (logs.length === 0) return
  await tx.query({
    name: 'queue_leave_removals',
    text: `
      with left_over as (
        insert into log_removals (server_id, job_id, number)
        select s.id, r.job_id, r.number
        from jsonb_to_recordset($1::jsonb) as r(server bigint, job_id bigint, number int) join servers s on s.id = r.server
        on conflict do nothing returning server_id
      )
      select pg_notify('${logsChannel}', 'removed ' || server_id) from (select distinct server_id from left_over) s`,
    values: [
      JSON.stringify(logs.map(({ server, attempt }) => ({ server, job_id: attempt.jobKey, number: attempt.number }))),
    ],
  })
}

const removalsAtOnce = 500

/** Calls `remove` for what was left to this server, and takes it off the list. Returns how many. */
export async function doRemovals(
  db: Db | Queryable,
  server: string,
  remove: (attempt: AttemptName) => Promise<void>,
): Promise<number> {
  let done = 0
  for (;;) {
    const removed = await inTransaction(db, async (tx) => {
      const { rows } = await tx.query<AttemptName>({
        name: 'queue_removals',
        text: `select job_id as "jobKey", number from log_removals where server_id = $1
          order by job_id, number limit ${removalsAtOnce} for update skip locked`,
        values: [server],
      })
      for (const attempt of rows) await remove(attempt)
      await tx.query({
        name: 'queue_removals_done',
        text: `delete from log_removals where server_id = $1 and (job_id, number) in
          (select job_id, number from jsonb_to_recordset($2::jsonb) as r(job_id bigint, number int))`,
        values: [server, JSON.stringify(rows.map((row) => ({ job_id: row.jobKey, number: row.number })))],
      })
      return rows.length
    })
    done += removed
    if (removed < removalsAtOnce) return done
  }
}
