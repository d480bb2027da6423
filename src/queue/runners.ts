/** Runners as the database knows them. A new process of a runner takes over its name; the old one's messages are stale. */
import type { Db, Queryable } from '../db/pool.ts'
import { labelList } from '../job/labels.ts'
import { AppError } from '../lib/app-error.ts'
import { inTransaction, slotsTaken } from './statements.ts'
import type { AttemptRef, FromRunner } from './types.ts'

export interface RunnerDescription {
  name: string
  session: string
  version: string
  hostname: string
  /** Data directory, machine and boot as one word; empty when it does not say. */
  place?: string
  labels: Record<string, string>
  slots: number
  cpuMillis: number
  memoryMib: number
  executors: string[]
  facilities: unknown
  /** Of a runner that came over the network; the name is its holder's. */
  certificateId?: string | null
}

export interface RegisteredRunner {
  runnerId: string
  /** Attempts that this name still holds; the new process adopts them or reports what became of them. */
  held: AttemptRef[]
  /** The host of a process of another place that had the name until now and was still heard of. */
  tookOverFrom: string | null
}

/** A name that is in use changes hands only among those that came the same way: by the socket or by a certificate. */
const sameKind = `(runners.certificate_id is null) = (excluded.certificate_id is null)`
/** A heartbeat and a half ago at most: a machine that lost its power and has booted again is not two machines. */
const elsewhere = `runners.state <> 'offline' and runners.last_seen_at > now() - make_interval(secs => $13)
  and (runners.hostname <> excluded.hostname or runners.place <> excluded.place)`

export async function registerRunner(
  db: Db | Queryable,
  runner: RunnerDescription,
  { heartbeatSeconds = 10 } = {},
): Promise<RegisteredRunner> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ id: string; took_over_from: string | null }>(
      `insert into runners (name, session, version, hostname, labels, slots, cpu_millis, memory_mib, executors,
         facilities, state, certificate_id, place)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, 'online', $11, $12)
       on conflict (name) do update set session = excluded.session, version = excluded.version,
         hostname = excluded.hostname, labels = excluded.labels, slots = excluded.slots,
         cpu_millis = excluded.cpu_millis, memory_mib = excluded.memory_mib, executors = excluded.executors,
         facilities = excluded.facilities, state = 'online', registered_at = now(), last_seen_at = now(),
         certificate_id = excluded.certificate_id, place = excluded.place,
         taken_over_from = case when ${elsewhere} then runners.hostname else runners.taken_over_from end,
         taken_over_at = case when ${elsewhere} then now() else runners.taken_over_at end
       where runners.state = 'offline' or ${sameKind}
       returning id, case when taken_over_at = now() then taken_over_from end as took_over_from`,
      [
        runner.name,
        runner.session,
        runner.version,
        runner.hostname,
        labelList(runner.labels),
        runner.slots,
        runner.cpuMillis,
        runner.memoryMib,
        runner.executors,
        JSON.stringify(runner.facilities ?? {}),
        runner.certificateId ?? null,
        runner.place || null,
        heartbeatSeconds * 1.5,
      ],
    )
    const [row] = rows
    if (row === undefined) throw nameInUse(runner)
    const runnerId = row.id
    const held = await tx.query<{ job_id: string; number: number; token: string }>(
      'select job_id, number, token from attempts where runner_id = $1 and ended_at is null order by job_id',
      [runnerId],
    )
    return {
      runnerId,
      tookOverFrom: row.took_over_from,
      held: held.rows.map((row) => ({ jobKey: row.job_id, number: row.number, token: row.token })),
    }
  })
}

function nameInUse({ name, certificateId }: RunnerDescription): AppError {
  const holder = certificateId ? "the server's own machine" : 'another machine, with a certificate'
  return new AppError('conflict', `a runner on ${holder} is called ${name} and is online: choose another name`, {
    fields: [{ field: 'name', message: 'is in use' }],
  })
}

/** What has changed since it registered. False when a newer process of the runner has taken over. */
export async function describeRunner(
  db: Queryable,
  from: FromRunner,
  { labels, facilities }: Pick<RunnerDescription, 'labels' | 'facilities'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'update runners set labels = $3, facilities = $4::jsonb where id = $1 and session = $2',
    [from.runnerId, from.session, labelList(labels), JSON.stringify(facilities ?? {})],
  )
  return rowCount === 1
}

/** Whose messages may carry this id: null when there is no such runner. */
export async function runnerOwner(
  db: Queryable,
  runnerId: string,
): Promise<{ name: string; certified: boolean } | null> {
  const { rows } = await db.query<{ name: string; certified: boolean }>({
    name: 'queue_runner_owner',
    text: 'select name, certificate_id is not null as certified from runners where id = $1',
    values: [runnerId],
  })
  return rows[0] ?? null
}

/** No further claims. False when a newer process of the runner has taken over. */
export async function goodbye(db: Queryable, from: FromRunner, state: 'draining' | 'offline'): Promise<boolean> {
  const { rowCount } = await db.query(
    'update runners set state = $3, last_seen_at = now() where id = $1 and session = $2',
    [from.runnerId, from.session, state],
  )
  return rowCount === 1
}

export interface RunnerRow {
  id: string
  name: string
  state: 'online' | 'draining' | 'offline'
  version: string
  hostname: string
  /** `k=v` */
  labels: string[]
  slots: number
  slotsUsed: number
  cpuMillis: number
  memoryMib: number
  executors: string[]
  facilities: unknown
  registeredAt: Date
  lastSeenAt: Date
  /** Of a runner that came over the network. */
  certificateId: string | null
  certificateEndsAt: Date | null
  certificateRevokedAt: Date | null
  /** The last time that a process of another place took this name over from one that was still heard of. */
  takenOverFrom: string | null
  takenOverAt: Date | null
}

export async function listRunners(db: Queryable): Promise<RunnerRow[]> {
  const { rows } = await db.query<RunnerRow>(
    `select r.id, r.name, state, version, hostname, labels, slots, cpu_millis as "cpuMillis",
       memory_mib as "memoryMib", executors, facilities, registered_at as "registeredAt",
       last_seen_at as "lastSeenAt", certificate_id as "certificateId", c.not_after as "certificateEndsAt",
       c.revoked_at as "certificateRevokedAt", taken_over_from as "takenOverFrom", taken_over_at as "takenOverAt",
       (select ${slotsTaken} from attempts a join jobs j on j.id = a.job_id join lanes l on l.id = j.lane_id
         where a.runner_id = r.id and a.ended_at is null) as "slotsUsed"
     from runners r left join certificates c on c.id = r.certificate_id order by r.name`,
  )
  return rows
}
