/**
 * Starts what is due. A tick, its run and the schedule's new place in time are one transaction, so however many
 * schedulers there are and whenever one of them dies, each tick is decided once.
 */
import type { Db, Queryable } from '../db/pool.ts'
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import {
  dueSchedules,
  lockDue,
  lookAgain,
  moveOn,
  nextLook,
  openRuns,
  perLook,
  recordTick,
  takeSchedule,
} from './due.ts'
import type { DecidedTick } from './due.ts'
import { nextRun } from '../job/timing/next-run.ts'
import { planTicks, type Decision } from './plan-ticks.ts'
import { databaseClock, type Clock, type DueSchedule, type ScheduleHooks } from './types.ts'

/** After a start that failed for another reason than a refusal, e.g. a defect: no other schedule waits for it. */
const retryMs = 10_000
/** One that was made or changed through another server is seen within this. */
const longestPauseMs = 2000
const tryAgain = 'starting its run failed; it is tried again'

export function scheduling(db: Db, hooks: ScheduleHooks, clock: Clock = databaseClock): Service {
  return {
    name: 'schedules.run',
    every: longestPauseMs,
    async runOnce() {
      await runDueSchedules(db, hooks, clock)
      const [now, next] = [await clock(db), await nextLook(db)]
      return next === null ? longestPauseMs : Math.min(Math.max(0, next.getTime() - now.getTime()), longestPauseMs)
    },
  }
}

/** One pass: every schedule that is due. Answers how many ticks were decided. */
export async function runDueSchedules(db: Db, hooks: ScheduleHooks, clock: Clock = databaseClock): Promise<number> {
  let decided = 0
  for (;;) {
    const keys = await dueSchedules(db, await clock(db))
    const before = decided
    for (const key of keys) decided += await runSchedule({ db, hooks, clock }, key).catch(putOff({ db, clock }, key))
    // The rest is in others' hands, or is not due any more.
    if (keys.length < perLook || decided === before) return decided
  }
}

/** One that cannot be looked at, by a defect of ours, holds up no other; a database that is away holds up all. */
const putOff =
  ({ db, clock }: Omit<Parts, 'hooks'>, key: string) =>
  async (error: unknown): Promise<number> => {
    if (isAppError(error) && error.code === 'unavailable') throw error
    emitFact({ name: 'schedule.not_started', level: 'error', schedule: key, error: String(error) })
    await lookAgain(db, key, tryAgain, new Date((await clock(db)).getTime() + retryMs))
    return 0
  }

interface Parts {
  db: Db
  hooks: ScheduleHooks
  clock: Clock
}

/** All due ticks of one, each in a transaction of its own. */
async function runSchedule({ db, hooks, clock }: Parts, key: string): Promise<number> {
  let plan: Decision[] = []
  for (let decided = 0; ; decided += 1) {
    const again = await db.tx(async (tx) => {
      if (!(await takeSchedule(tx, key))) return false
      const now = await clock(tx)
      const schedule = await lockDue(tx, key, now)
      if (schedule === null) return false
      if (plan[0] === undefined || tickOf(plan[0]) !== schedule.next_at.getTime())
        plan = planTicks(schedule, now.getTime())
      const [decision, ...rest] = plan
      if (decision === undefined) {
        await moveOn(tx, key, nextRun(schedule, now.getTime()))
        return false
      }
      const done = await decide(tx, { schedule, hooks, now, decision, last: rest.length === 0 })
      if (done === null) return false
      const next = nextRun(schedule, (done.lastTick ?? done.tick).getTime())
      await recordTick(tx, key, done, next === null ? null : new Date(next))
      plan = rest
      return true
    })
    if (!again) return decided
  }
}

const tickOf = (decision: Decision): number => ('fire' in decision ? decision.fire : decision.missed)

interface Deciding {
  schedule: DueSchedule
  hooks: ScheduleHooks
  now: Date
  decision: Decision
  /** Nothing else of this schedule is due. */
  last: boolean
}

/** Null: not decided, it is looked at again. */
async function decide(tx: Queryable, { schedule, hooks, now, decision, last }: Deciding): Promise<DecidedTick | null> {
  const tick = new Date(tickOf(decision))
  const { late_after_seconds: late } = schedule
  const check = late === null ? null : new Date(tick.getTime() + late * 1000)
  if ('missed' in decision) {
    const reason = `nothing looked at it in time: no server, or no pipeline; seen at ${now.toISOString()}`
    const lastTick = new Date(decision.until)
    // What makes up for it tells of its own lateness.
    return { tick, outcome: 'missed', reason, lastTick, at: now, lateCheckAt: last ? check : null }
  }
  const open = schedule.overlap === 'queue' ? [] : await openRuns(tx, schedule)
  if (schedule.overlap === 'skip' && open[0] !== undefined) {
    return { tick, outcome: 'skipped', reason: `its run ${open[0]} has not ended`, at: now, lateCheckAt: null }
  }
  const fired = await fire(tx, schedule, hooks, { tick, open })
  if ('failed' in fired) {
    const level = fired.unavailable ? 'info' : 'error'
    emitFact({ name: 'schedule.not_started', level, schedule: schedule.publicId, error: fired.failed })
    await lookAgain(tx, schedule.key, tryAgain, new Date(now.getTime() + retryMs))
    return null
  }
  if ('run' in fired) return { tick, outcome: 'started', run: fired.run, at: now, lateCheckAt: check }
  return { tick, outcome: 'refused', reason: fired.refused, at: now, lateCheckAt: check }
}

/** What it did until it failed is undone, and nothing else of the transaction. */
async function fire(
  tx: Queryable,
  schedule: DueSchedule,
  hooks: ScheduleHooks,
  { tick, open }: { tick: Date; open: string[] },
): Promise<{ run: string } | { refused: string } | { failed: string; unavailable: boolean }> {
  await tx.query('savepoint tick')
  try {
    for (const run of open) await hooks.cancelRun(tx, schedule, run, `the next tick of schedule ${schedule.name} came`)
    const fired = await hooks.fire(tx, schedule, tick)
    await tx.query('release savepoint tick')
    return fired
  } catch (error) {
    await tx.query('rollback to savepoint tick')
    if (isAppError(error) && !passing.has(error.code)) return { refused: error.message }
    // E.g. this server is being stopped: the next one, or another, starts it.
    return { failed: String(error), unavailable: isAppError(error) && error.code === 'unavailable' }
  }
}

/** They say nothing about the schedule. */
const passing = new Set(['unavailable', 'internal', 'deadline_exceeded'])
