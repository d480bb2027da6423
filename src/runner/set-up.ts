/** What comes before a command: files of other jobs, its helpers, its start; within its own budget when it has one. */
import type { AttemptOrder, RunningAttempt } from '../executors/executor.ts'
import { isDriven } from '../executors/driven.ts'
import { seconds } from '../executors/outcome-of.ts'
import type { Attempt, AttemptTools } from './attempt.ts'
import { monotonicMs } from './clock.ts'
import { stopIfAsked } from './stop-attempt.ts'

export class SetUpTooLong extends Error {
  constructor(budgetMs: number) {
    super(`its set-up took longer than ${seconds(budgetMs)} (setup_seconds); the command was not begun`)
    this.name = 'SetUpTooLong'
  }
}

/** Throws what `executor.start` does, and SetUpTooLong. */
export async function setUp(attempt: Attempt, order: AttemptOrder, tools: AttemptTools): Promise<void> {
  const { setup_ms: budgetMs } = attempt.note
  const takesLong =
    order.artifactsDir !== undefined || attempt.helperPlan !== undefined || isDriven(order.spec.executor)
  if (takesLong || budgetMs !== undefined) {
    await inTime(attempt, budgetMs, (signal) => prepared(attempt, order, tools, signal))
  } else {
    attempt.running = await tools.executor.start(order)
  }
  stopIfAsked(attempt)
}

async function prepared(
  attempt: Attempt,
  order: AttemptOrder,
  { artifacts, helpers, executor }: AttemptTools,
  signal: AbortSignal,
): Promise<RunningAttempt> {
  if (order.artifactsDir !== undefined) await artifacts.fetch(attempt, order.artifactsDir, signal)
  if (attempt.helperPlan !== undefined) {
    const { note } = attempt
    const opened = await helpers.open(note.ref, attempt.helperPlan, signal)
    attempt.helpers = opened
    order.helpersLibrary = opened.library
    if (note.helpers) note.helpers.library = opened.library
  }
  signal.throwIfAborted()
  const driven = isDriven(order.spec.executor)
  // From here on a stop is the executor's; a host or an engine may let it wait for long.
  if (!driven) attempt.setUp = undefined
  // It took its time, in which the lease went on or did not.
  order.keepForMs = Math.max(1, Math.round(attempt.keepUntil - monotonicMs()))
  return executor.start(order, driven ? signal : undefined)
}

async function inTime(
  attempt: Attempt,
  budgetMs: number | undefined,
  work: (signal: AbortSignal) => Promise<RunningAttempt>,
): Promise<void> {
  const control = (attempt.setUp = new AbortController())
  const late = Promise.withResolvers<never>()
  const giveUp = (): void => {
    const error = new SetUpTooLong(budgetMs!)
    control.abort(error)
    late.reject(error)
  }
  const timer = budgetMs === undefined ? undefined : setTimeout(giveUp, budgetMs)
  const working = work(control.signal)
  try {
    attempt.running = await Promise.race([working, late.promise])
  } catch (error) {
    // One that comes up after all is nobody's.
    if (error instanceof SetUpTooLong)
      working.then(
        (running) => running.release(),
        () => {},
      )
    throw error
  } finally {
    clearTimeout(timer)
    attempt.setUp = undefined
  }
}
