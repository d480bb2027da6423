/** The one place where an attempt ends: outcome, retry or final state, dependents. `finish` and `rescueLost` use it. */
import type { Last, Queryable } from '../db/pool.ts'
import type { Outcome, OutcomeState } from '../job/outcome.ts'
import type { Outputs } from '../job/outputs.ts'
import type { RetryPolicy } from '../job/retry.ts'
import { settleDependents } from './dependents.ts'
import { endingOf } from './ending.ts'
import { tellOf } from './notify.ts'
import { held, isOpen, ofRunner, safeJson } from './statements.ts'
import type { AttemptRef, FromRunner, LogSummary } from './types.ts'

/** An open attempt whose rows (the job's too) this transaction holds. */
export interface LockedAttempt {
  /** Place in the caller's list. */
  nr: number
  job_id: string
  number: number
  public_id: string
  attempts_spent: number
  max_attempts: number
  retry: RetryPolicy | null
  queue: string
  cancel_requested: boolean
  runner: string
}

export const lockedColumns = `j.id as job_id, a.number, j.public_id, j.attempts_spent, j.max_attempts,
  j.spec->'retry' as retry, j.spec->>'queue' as queue, j.cancel_requested_at is not null as cancel_requested, r.name as runner`

/**
 * Locks the attempts that are still the sender's, in the order of ids so that two batches never wait for each other.
 * Whether an attempt is open is no condition of the search: with one, a plan that was made while few were open would read
 * all that are. What is not in the answer is stale: ended, given away, or sent by an earlier process of the runner.
 */
export async function lockHeld(
  tx: Queryable,
  items: (FromRunner & { ref: AttemptRef })[],
): Promise<Map<number, LockedAttempt>> {
  const { rows } = await tx.query<LockedAttempt & { open: boolean }>({
    name: 'queue_lock_held',
    text: `
      select i.nr, ${lockedColumns}, a.ended_at is null as open
      from jsonb_to_recordset($1::jsonb)
        as i(nr int, runner_id bigint, session text, job_id bigint, number int, token bigint)
      join runners r on r.id = i.runner_id and r.session = i.session
      join attempts a on a.job_id = i.job_id and a.number = i.number and a.token = i.token
        and ${ofRunner('i')}
      join jobs j on j.id = a.job_id
      where j.state in ${held}
      order by j.id, i.nr for update of j, a`,
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
    ],
  })
  const seen = new Set<string>()
  const first = rows.filter((row) => row.open && !seen.has(row.job_id) && seen.add(row.job_id))
  return new Map(first.map((row) => [row.nr, row]))
}

export interface EndingAttempt {
  attempt: LockedAttempt
  outcome: Outcome
  log: LogSummary | null
  /** Where that log is; left out: where it is written down. */
  logAt?: LogHome
  outputs?: Outputs
}

/** The server that has a log, which may have put it into the shared store. */
export interface LogHome {
  server: string
  shared: boolean
}

/** Whether one of these jobs is waited for. Asked when they are locked, after which nothing new can wait for them. */
export async function areAwaited(tx: Queryable, jobKeys: readonly string[]): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'queue_awaited',
    text: 'select 1 from job_dependencies where depends_on_id = any($1::bigint[]) limit 1',
    values: [jobKeys],
  })
  return rowCount > 0
}

interface Written {
  id: string
  public_id: string
  state: string
}

/** The same as `endAttempts` where nobody waits for the jobs: one statement, which tells the news too. */
export async function endUnawaited(last: Last, endings: EndingAttempt[]): Promise<string[]> {
  if (endings.length === 0) return []
  const { rows } = await last<Written>({
    name: 'queue_end_unawaited',
    text: `${endingParts}, moved as (${moveJobs}), ${tellOf('moved')}
      select id, public_id, state, (select count(*) from told) as told from moved`,
    values: [safeJson(endings.map(endingRow))],
  })
  return rows.map((row) => row.public_id)
}

export async function endAttempts(
  tx: Queryable,
  endings: EndingAttempt[],
): Promise<{ changed: string[]; work: boolean }> {
  if (endings.length === 0) return { changed: [], work: false }
  const written = await tx.query<Written>({
    name: 'queue_end_attempts',
    text: writeEndings,
    values: [safeJson(endings.map(endingRow))],
  })
  const over = written.rows.filter((row) => row.state !== 'scheduled')
  const dependents = await settleDependents(
    tx,
    over.map((row) => ({ jobKey: row.id, publicId: row.public_id, state: row.state as OutcomeState })),
  )
  return { changed: [...written.rows.map((row) => row.public_id), ...dependents.changed], work: dependents.work }
}

function endingRow({ attempt, outcome, log, logAt, outputs }: EndingAttempt) {
  const ending = endingOf({
    outcome,
    attemptsSpent: attempt.attempts_spent,
    maxAttempts: attempt.max_attempts,
    retry: attempt.retry,
    cancelRequested: attempt.cancel_requested,
    random: Math.random(),
  })
  return {
    job_id: attempt.job_id,
    number: attempt.number,
    attempt_state: ending.outcome.state,
    job_state: ending.retryInSeconds === null ? ending.outcome.state : 'scheduled',
    delay: ending.retryInSeconds,
    outcome: ending.outcome,
    log,
    log_server: logAt?.server,
    log_shared: logAt?.shared,
    outputs,
    started: epochSeconds(ending.outcome.started_at),
    ended: epochSeconds(ending.outcome.ended_at),
  }
}

const epochSeconds = (iso: string | undefined): number | null => {
  const ms = iso === undefined ? NaN : Date.parse(iso)
  return Number.isNaN(ms) ? null : ms / 1000
}

// Times come from the runner's clock; they are kept inside what the database's clock knows to be possible.
const within = (time: string): string => `least(clock_timestamp(), greatest(to_timestamp(${time}), a.leased_at))`
const endingParts = `
  with ending as materialized (
    select e.*, a.unenforced, coalesce(a.started_at, ${within('e.started')}) as started_at,
      greatest(coalesce(case when e.ended is not null then ${within('e.ended')} end, clock_timestamp()),
        a.started_at) as ended_at
    from jsonb_to_recordset($1::jsonb) as e(job_id bigint, number int, attempt_state text, job_state text, delay float8,
      outcome jsonb, log jsonb, log_server bigint, log_shared boolean, outputs jsonb, started float8, ended float8)
    join attempts a on a.job_id = e.job_id and a.number = e.number
  ), attempt as (
    update attempts a set state = e.attempt_state, outcome = e.outcome, log = e.log, ended_at = e.ended_at,
      log_server = coalesce(e.log_server, a.log_server), log_shared = coalesce(e.log_shared, a.log_shared),
      started_at = case when e.started is null then a.started_at else e.started_at end,
      unenforced = case when jsonb_typeof(e.outcome->'unenforced') = 'array'
        then array(select jsonb_array_elements_text(e.outcome->'unenforced')) else a.unenforced end
    from ending e where a.job_id = e.job_id and a.number = e.number and ${isOpen('a')}
  )`
const moveJobs = `
  update jobs j set state = e.job_state, state_since = now(), outcome = e.outcome, attempts_spent = j.attempts_spent + 1,
    started_at = coalesce(j.started_at, case when e.started is not null then e.started_at end),
    ended_at = case when e.delay is null then e.ended_at end,
    not_before = case when e.delay is null then j.not_before else clock_timestamp() + make_interval(secs => e.delay) end,
    scheduled_for = case when e.delay is not null then 'backoff' end,
    outputs = case when e.delay is null then e.outputs end,
    log_bytes = j.log_bytes + coalesce((e.log->>'length')::bigint, 0)
  from ending e where j.id = e.job_id and j.state in ${held}
  returning j.id, j.public_id, j.state`
const writeEndings = endingParts + moveJobs
