/** Pieces of SQL that several verbs share, built from `job/state.ts` so that no list of states is written twice. */
import type { Db, Last, Queryable } from '../db/pool.ts'
import { sqlStateOf } from '../db/db-errors.ts'
import { isAppError } from '../lib/app-error.ts'
import { messageQueue } from '../job/message.ts'
import { heldStates, terminalStates, waitingStates } from '../job/state.ts'

/** The advisory lock of claims; any number that no other of ours uses. */
export const claimLock = 7_203_001

const list = (states: readonly string[]): string => `(${states.map((state) => `'${state}'`).join(', ')})`
export const held = list(heldStates)
export const waiting = list(waitingStates)
export const terminal = list(terminalStates)

/**
 * A job's place in its lane, fixed when it is first queued: milliseconds, less 300,000 for each level of priority.
 * `clock_timestamp()`, since a long submit must not sort before what was queued while it ran.
 */
export const newRank = (priority: string): string =>
  `((extract(epoch from clock_timestamp()) * 1000)::bigint - ${priority} * 300000)`

/** Whole tokens that a queue's bucket holds now; null when the queue has no rate limit. */
export const rateTokens = (q: string): string =>
  `case when ${q}.rate_starts is null then null else least(${q}.rate_starts, coalesce(${q}.rate_tokens, ${q}.rate_starts)
    + greatest(0, extract(epoch from clock_timestamp() - coalesce(${q}.rate_refilled_at, clock_timestamp())))
    * ${q}.rate_starts / ${q}.rate_seconds) end`

/**
 * The attempt `a` is this runner's. The `+ 0` keeps the planner from reading all that the runner holds for each row
 * instead of the one row that the primary key finds: 10,000 finishes took 21 s so.
 */
export const ofRunner = (sender: string): string => `a.runner_id + 0 = ${sender}.runner_id`

/**
 * The attempt, found by its key, is open. Written so that the index of open attempts does not fit: a plan that was made
 * while few were open would read all of them for each row.
 */
export const isOpen = (attempt: string): string => `num_nonnulls(${attempt}.ended_at) = 0`

/**
 * The state of a job that is found by its id. Written so that no index on states fits: a plan that was made while few
 * jobs waited would look for those few by state, and go on doing so when a million wait.
 */
export const stateById = (job: string): string => `(${job}.state || '')`

/** When a lease granted now ends, by the database's clock and not by the start of a transaction that had to wait. */
export const newLease = (seconds: string): string => `clock_timestamp() + make_interval(secs => ${seconds})`

/** Of attempts with their lanes `l`: messages go out beside the slots. */
export const slotsTaken = `count(*) filter (where l.executor <> 'message')::int`

/** The held jobs of this queue are a user's own; what tells of them has a queue of its own. */
export const countsForOwner = (queueId: string): string =>
  `${queueId} is distinct from (select id from queues where name = '${messageQueue}')`

const local = (...settings: string[]): string => settings.map((setting) => `set local ${setting}`).join('; ')

/**
 * For statements that are the same every time: planned once for each connection, because planning took as long as
 * running. Such a plan may have been made while a table was empty; the switches keep it from reading a whole one.
 */
export const fixedPlans = local(
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'enable_bitmapscan = off',
  'jit = off',
)
/** The same where all that is touched is named by its key: row by row through the index, never all rows in a hash table. */
export const byKeyOnly = local('enable_hashjoin = off', 'enable_mergejoin = off')
export const fixedPlansByKey = `${fixedPlans}; ${byKeyOnly}`

/** Deltas of counts in one transaction. */
export const foldAtOnce = 20_000

/** In the caller's transaction when there is one, so that an audit row stands or falls with the change. */
export async function inTransaction<T>(
  db: Db | Queryable,
  fn: (tx: Queryable, last: Last) => Promise<T>,
  settings?: string,
): Promise<T> {
  // Somebody else's transaction: its last statement is not ours.
  if (!('tx' in db)) return fn(db, (sql, values) => db.query(sql, values))
  for (let tries = 1; ; tries++) {
    try {
      return await db.tx(fn, settings)
    } catch (error) {
      // Locks are taken in the order of ids; what is left are dependents added in between, and those find a quiet moment.
      if (tries === 5 || !isDeadlock(error)) throw error
    }
  }
}

function isDeadlock(error: unknown): boolean {
  const code = sqlStateOf(isAppError(error) ? error.cause : error)
  return code === '40P01' || code === '40001'
}

/** jsonb refuses NUL and lone surrogates; a program's own words in an outcome must not fail a whole batch. */
export const safeJson = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => (typeof v === 'string' ? v.replaceAll('\0', '\uFFFD').toWellFormed() : v))
