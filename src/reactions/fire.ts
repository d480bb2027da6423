/**
 * Does what runs left to be done. What a firing does, the end of its row and the next time of its loop are one
 * transaction: a crash leaves the row as it was, and nothing else.
 */
import type { Db, Queryable } from '../db/pool.ts'
import { chainIsFull, chainRuns } from '../events/event-runs.ts'
import { chargedTo } from '../expressions/evaluate.ts'
import type { Names } from '../expressions/names.ts'
import type { Action, Effect } from '../job/event-action.ts'
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { newPublicId } from '../lib/ids.ts'
import type { Json } from '../lib/json.ts'
import { notify } from '../queue/notify.ts'
import { endedEventRun, type EndedEventRun } from './ended-run.ts'
import { templatesOf, type EventHooks, type Firing, type FiringResult, type Performed } from './event-hooks.ts'
import { namesOf } from './run-names.ts'
import { firedFact, holds } from './settle.ts'

/** Of one that fails by an outage: 2 s, doubled up to 5 min, an hour in all. */
const mostTries = 18
/** A loop whose run has not ended yet is looked at again. */
const lookAgainSeconds = 5

/** All that are due. Answers when the next one is, ms from now; undefined: not known. */
export async function fireDue(db: Db, hooks: EventHooks): Promise<number | undefined> {
  while (await fireNext(db, hooks)) {
    // One after the other.
  }
  return nextDueMs(db)
}

async function nextDueMs(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query<{ ms: number | null }>({
    name: 'reactions_next_firing',
    text: `select extract(epoch from min(due_at) - now())::float8 * 1000 as ms from action_firings where state = 'due'`,
  })
  return rows[0]?.ms === null ? undefined : Math.max(rows[0]!.ms, 10)
}

/** False: nothing is due. */
async function fireNext(db: Db, hooks: EventHooks): Promise<boolean> {
  let key: string | undefined
  try {
    await db.tx(async (tx) => {
      const firing = await takeDue(tx)
      if (firing === null) return
      key = firing.key
      await chargedTo(firing.run.ownerId, () => fire(tx, hooks, firing))
    })
  } catch (error) {
    if (key === undefined) throw error
    await putOff(db, key, error)
  }
  return key !== undefined
}

async function takeDue(tx: Queryable): Promise<Firing | null> {
  const { rows } = await tx.query<Omit<Firing, 'run'> & { runKey: string }>({
    name: 'reactions_take_firing',
    text: `select id as key, run_id as "runKey", action, iteration, effect, delivery_id as "deliveryId", tries
      from action_firings where state = 'due' and due_at <= now() order by due_at limit 1
      for no key update skip locked`,
  })
  const [row] = rows
  if (row === undefined) return null
  const { runKey, ...firing } = row
  return { ...firing, run: (await endedEventRun(tx, runKey))! }
}

async function fire(tx: Queryable, hooks: EventHooks, firing: Firing): Promise<void> {
  const loop = loopOf(firing)
  const about = await newestRun(tx, firing)
  if (about === null) return void (await lookAgain(tx, firing))
  const conditions = loop?.until === undefined ? [] : [loop.until]
  const names = await namesOf(
    tx,
    hooks.sealer,
    about,
    { conditions, templates: [templatesOf(firing.effect)] },
    firing.iteration,
  )
  if (firing.iteration > 0 && loop?.until !== undefined) {
    const over = await holds(loop.until, names)
    if (typeof over === 'object') return end(tx, firing, 'refused', { reason: `its until ${over.problem}` })
    if (over) return end(tx, firing, 'skipped', { reason: 'until is true: the loop is over' })
  }
  const performed = await perform(tx, hooks, firing, names)
  if ('refused' in performed) {
    return end(tx, firing, 'refused', { reason: performed.refused, result: performed.result })
  }
  await end(tx, firing, 'done', { result: performed.result })
  if (loop !== undefined && firing.iteration + 1 < loop.times) await addNext(tx, firing, loop.every_seconds)
}

const loopOf = ({ run, action }: Firing): Action['repeat'] =>
  run.definition.actions.find(({ name }) => name === action)?.repeat

const begins = (effect: Effect): boolean => effect.rerun !== undefined || effect.event !== undefined

/** In a loop that begins runs, the last one of them tells whether it goes on; null: it has not ended. */
async function newestRun(tx: Queryable, { run, action, iteration, effect }: Firing): Promise<EndedEventRun | null> {
  if (iteration === 0 || !begins(effect)) return run
  const { rows } = await tx.query<{ key: string | null; settled: boolean }>({
    name: 'reactions_newest_run',
    text: `select er.id as key, coalesce(er.settled_at is not null, true) as settled
      from action_firings f left join event_runs er on er.public_id = f.result->>'run'
      where f.run_id = $1 and f.action = $2 and f.iteration = $3`,
    values: [run.key, action, iteration - 1],
  })
  const [before] = rows
  if (before?.key == null) return run
  return before.settled ? endedEventRun(tx, before.key) : null
}

async function perform(tx: Queryable, hooks: EventHooks, firing: Firing, names: Names): Promise<Performed> {
  if (begins(firing.effect) && (await chainIsFull(tx, firing.run.rootRun ?? firing.run.publicId))) {
    return { refused: `${chainRuns} runs have followed from the first one already` }
  }
  await tx.query('savepoint firing')
  try {
    return await hooks.perform(tx, firing, names)
  } catch (error) {
    const words = refusalOf(error)
    if (words === null) throw error
    await tx.query('rollback to savepoint firing')
    return { refused: words }
  }
}

/** Null: an outage or a defect; another try may help. */
function refusalOf(error: unknown): string | null {
  if (!isAppError(error)) return null
  const passing = ['unavailable', 'internal', 'deadline_exceeded', 'resource_exhausted']
  return passing.includes(error.code) ? null : error.message
}

async function end(
  tx: Queryable,
  { key, run, action }: Firing,
  state: 'done' | 'skipped' | 'refused',
  { result, reason }: { result?: FiringResult | undefined; reason?: string },
): Promise<void> {
  await tx.query({
    name: 'reactions_end_firing',
    text: `update action_firings set state = $2, result = $3, reason = $4, done_at = now() where id = $1`,
    values: [key, state, result === undefined ? null : JSON.stringify(result), reason?.slice(0, 500) ?? null],
  })
  await tellWatchers(tx, run)
  emitFact({
    ...firedFact(state),
    ...{ run: run.publicId, event: run.event.name, action, state, ...(reason !== undefined && { reason }) },
  })
}

/** Pages that show the run follow its job. */
async function tellWatchers(tx: Queryable, { key }: EndedEventRun): Promise<void> {
  const { rows } = await tx.query<{ jobId: string | null }>({
    name: 'reactions_watched_job',
    text: 'select job_id as "jobId" from event_runs where id = $1',
    values: [key],
  })
  await notify(tx, rows[0]?.jobId ? [rows[0].jobId] : [], false)
}

const addNext = (tx: Queryable, { run, action, iteration, effect }: Firing, seconds: number): Promise<unknown> =>
  tx.query({
    name: 'reactions_next_iteration',
    text: `insert into action_firings (run_id, action, iteration, effect, delivery_id, due_at)
      values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
    values: [run.key, action, iteration + 1, JSON.stringify(effect as Json), newPublicId(), seconds],
  })

const lookAgain = (tx: Queryable, { key }: Firing): Promise<unknown> =>
  tx.query({
    name: 'reactions_look_again',
    text: `update action_firings set due_at = now() + make_interval(secs => ${lookAgainSeconds}) where id = $1`,
    values: [key],
  })

/** In a transaction of its own: what the firing did was taken back. */
async function putOff(db: Db, key: string, error: unknown): Promise<void> {
  const { rows } = await db.query<{ state: string; tries: number }>({
    name: 'reactions_put_off',
    text: `update action_firings set tries = tries + 1,
        due_at = now() + make_interval(secs => least(300, 2 * power(2, tries))),
        state = case when tries + 1 >= ${mostTries} then 'failed' else state end,
        done_at = case when tries + 1 >= ${mostTries} then now() end,
        reason = $2
      where id = $1 and state = 'due' returning state, tries`,
    values: [key, isAppError(error) ? error.message.slice(0, 500) : 'an error of the server: its log tells'],
  })
  const over = rows[0]?.state === 'failed'
  const name = over ? 'action.given_up' : 'action.put_off'
  emitFact({ name, level: over ? 'error' : 'warn', firing: key, tries: rows[0]?.tries, error: String(error) })
}
