/**
 * Ends runs of events: the job has ended, and everything that follows from it is written down, once, in one transaction.
 * What follows is done later, by `fire.ts`.
 */
import type { Db, Queryable } from '../db/pool.ts'
import { signalEventEnded } from '../events/signals.ts'
import { chargedTo, evaluateCondition } from '../expressions/evaluate.ts'
import { ExpressionProblem } from '../expressions/names.ts'
import type { Action } from '../job/event-action.ts'
import { isAppError } from '../lib/app-error.ts'
import type { Json } from '../lib/json.ts'
import { emitFact } from '../lib/facts.ts'
import { newPublicId } from '../lib/ids.ts'
import { notify } from '../queue/notify.ts'
import { comesNext, decideActions, withinAll, type Decision, type Evaluate, type RunEnd } from './decide-actions.ts'
import { endedEventRun, type EndedEventRun } from './ended-run.ts'
import type { EventHooks } from './event-hooks.ts'
import { namesOf } from './run-names.ts'

/** In one pass; the next begins at once when there were so many. */
const perPass = 200

/** How many were settled. One that cannot be is told and left; it holds up no other. */
export async function settleEnded(db: Db, hooks: EventHooks): Promise<number> {
  let settled = 0
  for (let after = '0'; ;) {
    const keys = await endedRuns(db, after)
    for (const key of keys) {
      try {
        if (await settleRun(db, hooks, key)) settled++
      } catch (error) {
        emitFact({ name: 'event.not_settled', level: 'error', run: key, error: String(error) })
      }
    }
    if (keys.length < perPass) return settled
    after = keys.at(-1)!
  }
}

async function endedRuns(db: Queryable, after: string): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>({
    name: 'reactions_ended_runs',
    text: `select er.id as key from event_runs er left join jobs j on j.public_id = er.job_id
        left join runs r on r.public_id = er.pipeline_run_id left join pipeline_runs pr on pr.run_id = r.id
      where er.settled_at is null and er.id > $1 and (
        (er.job_id is not null and (j.id is null or j.ended_at is not null))
        or (er.pipeline_run_id is not null and (pr.run_id is null or pr.result is not null)))
      order by er.id limit ${perPass}`,
    values: [after],
  })
  return rows.map(({ key }) => key)
}

/** False: somebody else did, or it goes on. */
export async function settleRun(db: Db, hooks: EventHooks, key: string): Promise<boolean> {
  const settled = await db.tx((tx) => settleIn(tx, hooks, key))
  if (settled === null) return false
  const { run, decisions } = settled
  const about = { run: run.publicId, event: run.event.name }
  emitFact({ name: 'event.ended', level: 'debug', ...about, state: run.end.state })
  for (const { action, state, reason } of decisions) {
    if (state !== 'due') emitFact({ ...firedFact(state), ...about, action: action.name, state, reason })
  }
  return true
}

/** What an action came to. */
export const firedFact = (state: string) =>
  ({ name: 'action.fired', level: state === 'refused' ? 'warn' : 'debug' }) as const

async function settleIn(
  tx: Queryable,
  hooks: EventHooks,
  key: string,
): Promise<{ run: EndedEventRun; decisions: readonly Decision[] } | null> {
  if (!(await lockOpenRun(tx, key))) return null
  const jobId = await jobOf(tx, key)
  if (jobId !== null) await hooks.applyFileResults(tx, jobId)
  const run = await endedEventRun(tx, key)
  if (run === null) return null
  const decisions = await chargedTo(run.ownerId, () => decisionsFor(tx, hooks, run))
  await writeEnd(tx, run)
  await writeFirings(tx, key, decisions)
  await signalEventEnded(tx, { publicId: run.publicId, eventKey: run.eventKey, state: run.end.state })
  await hooks.admitWaiting(tx, run.eventKey)
  // Whoever watches its job sees the rest of it too.
  await notify(tx, jobId === null ? [] : [jobId], false)
  return { run, decisions }
}

/** The event first, as everything that begins or ends runs of it does. */
async function lockOpenRun(tx: Queryable, key: string): Promise<boolean> {
  await tx.query({
    name: 'reactions_lock_event',
    text: `select from events where id = (select event_id from event_runs where id = $1) for no key update`,
    values: [key],
  })
  const { rowCount } = await tx.query({
    name: 'reactions_lock_run',
    text: 'select from event_runs where id = $1 and settled_at is null for no key update',
    values: [key],
  })
  return rowCount === 1
}

async function jobOf(tx: Queryable, key: string): Promise<string | null> {
  const { rows } = await tx.query<{ jobId: string }>({
    name: 'reactions_job_of_run',
    text: `select j.public_id as "jobId" from event_runs er join jobs j on j.public_id = er.job_id
      where er.id = $1 and j.ended_at is not null`,
    values: [key],
  })
  return rows[0]?.jobId ?? null
}

async function decisionsFor(tx: Queryable, hooks: EventHooks, run: EndedEventRun): Promise<Decision[]> {
  const actions: Action[] = run.definition.actions
  if (actions.length === 0) return []
  const end: RunEnd = {
    state: run.end.state,
    condition: run.condition,
    isRerun: actions.some((action) => action.do.rerun !== undefined) && (await isRerun(tx, run)),
  }
  const conditions = actions.flatMap((action) => (action.if !== undefined && comesNext(action, end) ? [action.if] : []))
  if (conditions.length === 0) return decideActions(actions, end, async () => true)
  const evaluate = await evaluatorOf(tx, hooks, run, conditions)
  return decideActions(actions, end, withinAll(evaluate))
}

/** A variable that does not open (another key, a row that was moved) must not keep the run from ending for ever. */
async function evaluatorOf(
  tx: Queryable,
  { sealer }: EventHooks,
  run: EndedEventRun,
  conditions: string[],
): Promise<Evaluate> {
  try {
    const names = await namesOf(tx, sealer, run, { conditions, templates: [] })
    return (condition) => holds(condition, names)
  } catch (error) {
    if (!isAppError(error) || error.code !== 'failed_precondition') throw error
    const problem = `cannot be asked: ${error.message}`
    return async () => ({ problem })
  }
}

export async function holds(condition: string, names: Record<string, unknown>): Promise<boolean | { problem: string }> {
  try {
    return await evaluateCondition(condition, names)
  } catch (error) {
    if (error instanceof ExpressionProblem) return { problem: error.message }
    throw error
  }
}

async function isRerun(tx: Queryable, { trigger, cause, eventKey }: EndedEventRun): Promise<boolean> {
  if (trigger !== 'action' || cause.run === undefined) return false
  const { rowCount } = await tx.query({
    name: 'reactions_is_rerun',
    text: `select from action_firings f join event_runs er on er.id = f.run_id
      where er.public_id = $1 and er.event_id = $2 and f.action = $3 and f.effect->'rerun' is not null limit 1`,
    values: [cause.run, eventKey, cause.action ?? ''],
  })
  return rowCount === 1
}

async function writeEnd(tx: Queryable, { key, end }: EndedEventRun): Promise<void> {
  await tx.query({
    name: 'reactions_settle',
    text: `update event_runs set settled_at = now(), end_state = $2, started_at = $3, ended_at = coalesce($4, now()),
        exit_code = $5, error = $6, cpu_ms = $7, memory_bytes = $8, attempts = $9
      where id = $1`,
    values: [
      ...[key, end.state, end.startedAt, end.endedAt, end.exitCode],
      ...[end.state === 'succeeded' ? null : (end.message?.slice(0, 2000) ?? null)],
      ...[end.cpuMs === null ? null : Math.round(end.cpuMs), end.memoryBytes, end.attempts],
    ],
  })
}

async function writeFirings(tx: Queryable, runKey: string, decisions: readonly Decision[]): Promise<void> {
  if (decisions.length === 0) return
  const rows = decisions.map(({ action, state, reason }) => ({
    ...{ action: action.name, effect: action.do as Json, state, reason: reason?.slice(0, 500) ?? null },
    ...{ delivery_id: newPublicId(), delay: action.delay_seconds },
  }))
  await tx.query({
    name: 'reactions_add_firings',
    text: `insert into action_firings (run_id, action, effect, delivery_id, state, reason, due_at, done_at)
      select $1, action, effect, delivery_id, state, reason, now() + make_interval(secs => delay),
        case when state <> 'due' then now() end
      from jsonb_to_recordset($2::jsonb)
        as f(action text, effect json, delivery_id text, state text, reason text, delay float8)
      on conflict (run_id, action, iteration) do nothing`,
    values: [runKey, JSON.stringify(rows)],
  })
}
