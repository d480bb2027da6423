/** Runners as the database knows them. A new process of a runner takes over its name; the old one's messages are stale. */
import type { Db, Queryable } from '../db/pool.ts'
import { labelList } from './lanes.ts'
import { inTransaction } from './statements.ts'
import type { AttemptRef, FromRunner } from './types.ts'

export interface RunnerDescription {
  name: string
  session: string
  version: string
  hostname: string
  labels: Record<string, string>
  slots: number
  cpuMillis: number
  memoryMib: number
  executors: string[]
  facilities: unknown
}

/** `held`: attempts that this name still holds; the new process adopts them or reports what became of them. */
export async function registerRunner(
  db: Db | Queryable,
  runner: RunnerDescription,
): Promise<{ runnerId: string; held: AttemptRef[] }> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ id: string }>(
      `insert into runners (name, session, version, hostname, labels, slots, cpu_millis, memory_mib, executors,
         facilities, state)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, 'online')
       on conflict (name) do update set session = excluded.session, version = excluded.version,
         hostname = excluded.hostname, labels = excluded.labels, slots = excluded.slots,
         cpu_millis = excluded.cpu_millis, memory_mib = excluded.memory_mib, executors = excluded.executors,
         facilities = excluded.facilities, state = 'online', registered_at = now(), last_seen_at = now()
       returning id`,
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
      ],
    )
    const runnerId = rows[0]!.id
    const held = await tx.query<{ job_id: string; number: number; token: string }>(
      'select job_id, number, token from attempts where runner_id = $1 and ended_at is null order by job_id',
      [runnerId],
    )
    return {
      runnerId,
      held: held.rows.map((row) => ({ jobKey: row.job_id, number: row.number, token: row.token })),
    }
  })
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
}

export async function listRunners(db: Queryable): Promise<RunnerRow[]> {
  const { rows } = await db.query<RunnerRow>(
    `select r.id, name, state, version, hostname, labels, slots, cpu_millis as "cpuMillis",
       memory_mib as "memoryMib", executors, facilities, registered_at as "registeredAt",
       last_seen_at as "lastSeenAt",
       (select count(*)::int from attempts a where a.runner_id = r.id and a.ended_at is null) as "slotsUsed"
     from runners r order by name`,
  )
  return rows
}
