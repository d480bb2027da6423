/** Rows that tests need but are not about. Straight SQL, so that a test of one folder needs no other folder's code. */
import { randomUUID } from 'node:crypto'
import type { Queryable } from '../src/db/pool.ts'
import { newPublicId } from '../src/lib/ids.ts'

const only = <R>(rows: R[]): R => {
  if (rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`)
  return rows[0]!
}

export interface UserOverrides {
  username?: string
  role?: 'admin' | 'operator' | 'viewer'
  maxRunning?: number
}

/** A user who cannot sign in: the password hash is of no password. */
export async function aUser(db: Queryable, over: UserOverrides = {}): Promise<{ id: string; username: string }> {
  const { rows } = await db.query<{ id: string; username: string }>(
    `insert into users (username, password_hash, role, max_running) values ($1, '!', $2, $3) returning id, username`,
    [over.username ?? `user-${newPublicId()}`, over.role ?? 'operator', over.maxRunning ?? 1000],
  )
  return only(rows)
}

export interface QueueOverrides {
  name?: string
  concurrency?: number
  rateStarts?: number
  rateSeconds?: number
  paused?: boolean
}

export async function aQueue(db: Queryable, over: QueueOverrides = {}): Promise<{ id: string; name: string }> {
  const { rows } = await db.query<{ id: string; name: string }>(
    `insert into queues (name, concurrency, rate_starts, rate_seconds, paused)
     values ($1, $2, $3, $4, $5) returning id, name`,
    [
      over.name ?? `queue-${newPublicId()}`,
      over.concurrency ?? null,
      over.rateStarts ?? null,
      over.rateSeconds ?? null,
      over.paused ?? false,
    ],
  )
  return only(rows)
}

export interface RunnerOverrides {
  name?: string
  session?: string
  labels?: string[]
  slots?: number
  cpuMillis?: number
  memoryMib?: number
  executors?: string[]
  state?: 'online' | 'draining' | 'offline'
}

export async function aRunner(
  db: Queryable,
  over: RunnerOverrides = {},
): Promise<{ id: string; name: string; session: string }> {
  const { rows } = await db.query<{ id: string; name: string; session: string }>(
    `insert into runners (name, session, version, hostname, labels, slots, cpu_millis, memory_mib, executors,
       facilities, state)
     values ($1, $2, 'test', 'test', $3, $4, $5, $6, $7, '{}', $8) returning id, name, session`,
    [
      over.name ?? `runner-${newPublicId()}`,
      over.session ?? randomUUID(),
      over.labels ?? [],
      over.slots ?? 100,
      over.cpuMillis ?? 100_000,
      over.memoryMib ?? 100_000,
      over.executors ?? ['sandbox'],
      over.state ?? 'online',
    ],
  )
  return only(rows)
}

export interface JobOverrides {
  count?: number
  ownerId?: string
  queue?: string
  priority?: number
  command?: string[]
  requiredLabels?: string[]
  cpuMillis?: number
  memoryMib?: number
  maxAttempts?: number
}

/** Queued jobs that a claim may take at once, oldest first. */
export async function someJobs(
  db: Queryable,
  over: JobOverrides = {},
): Promise<{ ownerId: string; jobs: { id: string; publicId: string }[] }> {
  const ownerId = over.ownerId ?? (await aUser(db)).id
  const command = over.command ?? ['true']
  const priority = over.priority ?? 5
  const maxAttempts = over.maxAttempts ?? 1
  const spec = {
    name: command.join(' '),
    command,
    queue: over.queue ?? 'default',
    priority,
    max_attempts: maxAttempts,
    stop_grace_seconds: 5,
    executor: 'sandbox',
    isolation: 'full',
    network: 'none',
  }
  const publicIds = Array.from({ length: over.count ?? 1 }, newPublicId)
  const { rows } = await db.query<{ id: string; publicId: string }>(
    `with queue as (select id from queues where name = $1),
     lane as (
       insert into lanes (queue_id, owner_id, executor, required_labels, cpu_millis, memory_mib)
       select id, $2, 'sandbox', $3, $4, $5 from queue
       on conflict (queue_id, owner_id, executor, required_labels, cpu_millis, memory_mib, placement)
         do update set last_used_at = now()
       returning id
     )
     insert into jobs (public_id, owner_id, queue_id, lane_id, state, rank, name, spec, priority, max_attempts)
     select given.public_id, $2, queue.id, lane.id, 'queued',
       (extract(epoch from now()) * 1000)::bigint - 300000 * $6, $7, $8, $6, $9
     from unnest($10::text[]) with ordinality as given (public_id, place), queue, lane
     order by given.place
     returning id, public_id as "publicId"`,
    [
      spec.queue,
      ownerId,
      over.requiredLabels ?? [],
      over.cpuMillis ?? 0,
      over.memoryMib ?? 0,
      priority,
      spec.name,
      JSON.stringify(spec),
      maxAttempts,
      publicIds,
    ],
  )
  return { ownerId, jobs: rows }
}
