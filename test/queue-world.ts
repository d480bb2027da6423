/** A database in which every move of a job is checked against the table in `job/state.ts`, and short words for tests. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { openDb, type Db, type Queryable } from '../src/db/pool.ts'
import { newPublicId } from '../src/lib/ids.ts'
import { messageQueue, messagesAtOnce, type Message } from '../src/job/message.ts'
import type { Outcome } from '../src/job/outcome.ts'
import { jobSpecSchema, nameOf, type JobSpecInput } from '../src/job/spec.ts'
import { heldStates, transitions, waitingStates, type JobState } from '../src/job/state.ts'
import { claim } from '../src/queue/claim.ts'
import { finish } from '../src/queue/finish.ts'
import { registerRunner, type RunnerDescription } from '../src/queue/runners.ts'
import { started } from '../src/queue/started.ts'
import { submit } from '../src/queue/submit.ts'
import { totals } from '../src/queue/totals.ts'
import type { AttemptRef, ClaimedJob, FromRunner, NewJob, Reported, RunnerOffer } from '../src/queue/types.ts'
import { testDatabase } from './database.ts'
import { aUser } from './factories.ts'

export const lease = { leaseSeconds: 30 }
export const good: Outcome = { state: 'succeeded', exit_code: 0, remaining_processes: 0 }
export const bad: Outcome = { state: 'failed', error_class: 'exit', exit_code: 1, remaining_processes: 0 }

/** A move that the table does not know fails the statement that makes it, in every test of the queue. */
export async function guardStates(db: Queryable): Promise<void> {
  const legal = transitions.map(({ from, to }) => `('${from}', '${to}')`).join(', ')
  await db.query(`
    create table seen_moves (nr bigint generated always as identity, job_id bigint, from_state text, to_state text);
    create function check_move() returns trigger language plpgsql as $$
    begin
      if not exists (select 1 from (values ${legal}) as m(f, t) where m.f = old.state and m.t = new.state) then
        raise exception 'illegal move % to %', old.state, new.state;
      end if;
      insert into seen_moves (job_id, from_state, to_state) values (new.id, old.state, new.state);
      return null;
    end $$;
    create trigger check_move after update of state on jobs for each row
      when (old.state is distinct from new.state) execute function check_move()`)
}

/** What is counted as it happens is what a count of the rows would find. */
export async function checkCounts(db: Queryable): Promise<void> {
  const { rows } = await db.query(`
    with counted as (
      select owner_id, queue_id, state, sum(jobs) as jobs, sum(log_bytes) as bytes from ${totals} t group by 1, 2, 3
    ), true_count as (
      select owner_id, queue_id, state, count(*) as jobs, sum(log_bytes) as bytes from jobs group by 1, 2, 3
    )
    select * from counted full join true_count t using (owner_id, queue_id, state)
    where coalesce(counted.jobs, 0) <> coalesce(t.jobs, 0) or coalesce(counted.bytes, 0) <> coalesce(t.bytes, 0)`)
  if (rows.length > 0) throw new Error(`the counts are wrong: ${JSON.stringify(rows)}`)
  const { rows: unlike } = await db.query(`
    select j.public_id, j.log_bytes, sum((a.log->>'length')::bigint) as of_attempts
    from jobs j left join attempts a on a.job_id = j.id
    group by j.id having j.log_bytes <> coalesce(sum((a.log->>'length')::bigint), 0)`)
  if (unlike.length > 0) throw new Error(`the bytes of logs are wrong: ${JSON.stringify(unlike)}`)
  await checkRunCounts(db)
}

/** The same of runs, whose counters also keep the jobs that were removed: all of these had ended. */
async function checkRunCounts(db: Queryable): Promise<void> {
  const open = [...waitingStates, ...heldStates].map((state) => `'${state}'`).join(', ')
  const { rows } = await db.query(`
    with counted as (
      select run_id, state, sum(jobs) as jobs from (
        select * from run_counts union all select * from run_count_deltas
      ) c group by 1, 2
    ), true_count as (
      select run_id, state, count(*) as jobs from jobs where run_id is not null group by 1, 2
    )
    select run_id, state, counted.jobs as counted, t.jobs as true_count
    from counted full join true_count t using (run_id, state) join runs r on r.id = run_id
    where coalesce(counted.jobs, 0) < coalesce(t.jobs, 0)
      or (coalesce(counted.jobs, 0) <> coalesce(t.jobs, 0)
        and (state in (${open}) or (r.kind = 'batch' and r.size = (select count(*) from jobs where jobs.run_id = r.id))))
    union all
    select r.id, 'all', sum(c.jobs), r.size from runs r left join counted c on c.run_id = r.id
    where r.kind = 'batch' group by r.id having coalesce(sum(c.jobs), 0) <> r.size`)
  if (rows.length > 0) throw new Error(`the counts of runs are wrong: ${JSON.stringify(rows)}`)
}

export type JobOptions = JobSpecInput | Record<string, never>
export interface Sizes {
  cpuMillis?: number
  memoryMib?: number
}

export function aJob(spec: Partial<JobSpecInput> = {}, sizes: Sizes = {}): NewJob {
  const { env: _env, secret_env: _secret, ...rest } = jobSpecSchema.parse({ command: ['true'], ...spec })
  return {
    publicId: newPublicId(),
    spec: { ...rest, name: nameOf(rest) },
    envSealed: null,
    laneCpuMillis: sizes.cpuMillis ?? 0,
    laneMemoryMib: sizes.memoryMib ?? 0,
  }
}

/** One that tells a channel. */
export function aMessage(channel = 'team', spec: Partial<JobSpecInput> = {}): NewJob {
  const { spec: plain, ...job } = aJob({ queue: messageQueue, priority: 10, ...spec })
  const about = { about: 'batch:x', delivery_id: 'd', subject: 's', text: '', tone: 'neutral', type: 't' } as const
  const message: Message = { channel, ...about, at: '2030-01-02T03:04:05Z', data: {} }
  return { ...job, spec: { ...plain, executor: 'message', message } }
}

export class TestRunner {
  readonly from: FromRunner
  readonly description: RunnerDescription
  readonly held: ClaimedJob[] = []
  readonly #db: Db

  constructor(db: Db, runnerId: string, description: RunnerDescription) {
    this.#db = db
    this.from = { runnerId, session: description.session }
    this.description = description
  }

  offer(over: Partial<RunnerOffer> = {}): RunnerOffer {
    const { slots, cpuMillis, memoryMib } = this.description
    const messages = this.held.filter(({ spec }) => spec.executor === 'message').length
    const room = { slots: slots - (this.held.length - messages), messages: messagesAtOnce - messages }
    return { ...this.from, ...room, cpuMillis, memoryMib, held: this.held, ...over }
  }

  async claim(over: Partial<RunnerOffer> = {}): Promise<ClaimedJob[]> {
    const jobs = (await claim(this.#db, [this.offer(over)], lease)).get(this.from.runnerId) ?? []
    this.held.push(...jobs)
    return jobs
  }

  async claimOne(): Promise<ClaimedJob> {
    const [job] = await this.claim({ slots: 1 })
    if (!job) throw new Error('nothing to claim')
    return job
  }

  started(...refs: AttemptRef[]): Promise<Reported> {
    return started(
      this.#db,
      refs.map((ref) => ({ ...this.from, ref, startedAt: new Date() })),
    )
  }

  finish(ref: AttemptRef, outcome: Outcome = good): ReturnType<typeof finish> {
    return this.finishAll([ref], outcome)
  }

  finishAll(refs: AttemptRef[], outcome: Outcome = good): ReturnType<typeof finish> {
    const over = new Set(refs.map((ref) => ref.token))
    for (let i = this.held.length - 1; i >= 0; i--) if (over.has(this.held[i]!.token)) this.held.splice(i, 1)
    return finish(
      this.#db,
      refs.map((ref) => ({ ...this.from, ref, outcome, log: null })),
    )
  }
}

export interface QueueWorld {
  db: Db
  url: string
  /** Submits for the same user each time. */
  submit(...specs: (Partial<JobSpecInput> | NewJob)[]): Promise<string[]>
  userId: string
  runner(over?: Partial<RunnerDescription>): Promise<TestRunner>
  state(publicId: string): Promise<JobState>
  row(publicId: string): Promise<Record<string, unknown> & { id: string; state: JobState }>
  states(): Promise<Partial<Record<JobState, number>>>
  /** Moves all times of the lease machinery back, as if so many seconds had passed. */
  passTime(seconds: number): Promise<void>
  attempts(publicId: string): Promise<{ number: number; state: string }[]>
  /** A second pool, as a second server has. */
  secondDb(): Db
}

/** Ends with the test it is called in. */
export async function queueWorld(): Promise<QueueWorld> {
  const { db, url, drop } = await testDatabase()
  onTestFinished(async () => {
    try {
      await checkCounts(db)
    } finally {
      await drop()
    }
  })
  await guardStates(db)
  const { id: userId } = await aUser(db, { maxRunning: 100_000 })
  const one = async <R>(sql: string, ...values: unknown[]): Promise<R> => {
    const { rows } = await db.query<R>(sql, values)
    if (rows.length !== 1) throw new Error(`${rows.length} rows: ${sql}`)
    return rows[0]!
  }
  return {
    db,
    url,
    userId,
    async submit(...specs) {
      const jobs = specs.map((spec) => ('publicId' in spec ? (spec as NewJob) : aJob(spec)))
      return (await db.tx((tx) => submit(tx, { ownerId: userId, jobs }))).publicIds
    },
    async runner(over = {}) {
      const description: RunnerDescription = {
        name: `runner-${newPublicId()}`,
        session: randomUUID(),
        version: 'test',
        hostname: 'test',
        labels: {},
        slots: 10,
        cpuMillis: 64_000,
        memoryMib: 64_000,
        executors: ['sandbox'],
        facilities: {},
        ...over,
      }
      const { runnerId } = await registerRunner(db, description)
      return new TestRunner(db, runnerId, description)
    },
    state: async (publicId) =>
      (await one<{ state: JobState }>('select state from jobs where public_id = $1', publicId)).state,
    row: (publicId) => one('select * from jobs where public_id = $1', publicId),
    async states() {
      const { rows } = await db.query<{ state: JobState; n: number }>(
        'select state, count(*)::int n from jobs group by 1',
      )
      return Object.fromEntries(rows.map((row) => [row.state, row.n]))
    },
    async passTime(seconds) {
      await db.query(`
        do $$ begin
          update attempts set leased_at = leased_at - interval '${seconds} s',
            lease_expires_at = lease_expires_at - interval '${seconds} s';
          update runners set last_seen_at = last_seen_at - interval '${seconds} s';
          update jobs set not_before = not_before - interval '${seconds} s',
            state_since = state_since - interval '${seconds} s', rank = rank - ${seconds} * 1000;
          update queues set rate_refilled_at = rate_refilled_at - interval '${seconds} s';
        end $$`)
    },
    async attempts(publicId) {
      const { rows } = await db.query<{ number: number; state: string }>(
        'select a.number, a.state from attempts a join jobs j on j.id = a.job_id where j.public_id = $1 order by 1',
        [publicId],
      )
      return rows
    },
    secondDb() {
      const second = openDb(url)
      onTestFinished(() => second.end())
      return second
    },
  }
}

/** Resolves when some session of the database waits for a lock: the race is on. */
export async function someoneWaits(db: Queryable): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const { rows } = await db.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if (rows[0]!.n > 0) return
    await sleep(10)
  }
  throw new Error('nobody waits for a lock')
}
