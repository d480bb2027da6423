/**
 * One attempt from its lease to its end, read straight down. Whatever may hurry it (cancel, timeout, lost lease,
 * shutdown) goes through `stops`; whatever it reports goes through the reporter, which does not give up.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { StartRefused, type AttemptOrder } from '../executors/executor.ts'
import { emitFact } from '../lib/facts.ts'
import type { Attempt, AttemptEnd, AttemptTools } from './attempt.ts'
import { makePlace, removePlace, saveState, type AttemptState } from './attempt-state.ts'
import { bootId, monotonicMs } from './clock.ts'
import { attemptKey } from './control-plane.ts'
import { after } from './deadline.ts'
import { infrastructureOutcome, lostOutcome, outcomeOf, refusedOutcome } from './outcome-of.ts'
import { collectOutput } from './output.ts'
import { readPipe } from './pipe-reader.ts'
import { openSpool } from './spool.ts'

/** After the tree is dead the pipes end by themselves; a process outside our sight must not hold the attempt up. */
const drainMs = 5_000

/** `onGone`: no process of the attempt is left, its slot is free; the reports may take longer. */
export async function runAttempt(attempt: Attempt, tools: AttemptTools, onGone: () => void): Promise<AttemptEnd> {
  try {
    await prepareSpool(attempt, tools)
    await startCommand(attempt, tools)
    await reportStarted(attempt, tools)
    await waitForEnd(attempt)
    await drainPipes(attempt)
    await decideOutcome(attempt, tools)
  } catch (error) {
    noteTrouble(attempt, error)
    attempt.outcome = infrastructureOutcome(`this runner failed: ${String(error)}`, new Date())
    await attempt.running?.stop(0).catch((failure) => noteTrouble(attempt, failure))
  } finally {
    await release(attempt)
    onGone()
  }
  return reportEnd(attempt, tools)
}

/** Also the way of an attempt whose end an earlier runner process knew and could not report. */
export async function reportEnd(attempt: Attempt, tools: AttemptTools): Promise<AttemptEnd> {
  try {
    const end = await report(attempt, tools)
    if (end !== 'left_on_disk') await clearAway(attempt)
    emitFact({ name: 'attempt.closed', level: 'debug', ...factsOf(attempt), end })
    return end
  } finally {
    attempt.shipment?.detach()
    await attempt.spool?.close()
  }
}

/** Step 1: everything that a later runner process needs is on disk before anything runs. */
export async function prepareSpool(attempt: Attempt, tools: AttemptTools): Promise<void> {
  const { state, place } = attempt
  try {
    await makePlace(place)
    attempt.spool = await openSpool(place.spool, {
      sync: tools.sync,
      onGrown: () => attempt.shipment?.grown(),
      onBroken: (error) => {
        emitFact({ name: 'spool.broken', level: 'error', ...factsOf(attempt), reason: error.message })
      },
    })
    attempt.shipment = tools.shipper.attach(state.ref, attempt.spool, () => abandon(attempt))
    attempt.shipment.grown()
    if (!attempt.adopt) await saveState(place, state)
  } catch (error) {
    attempt.failure = asInfrastructure(error, 'cannot prepare the job on this runner')
  }
}

/** Step 2. */
async function startCommand(attempt: Attempt, { executor, startFailures }: AttemptTools): Promise<void> {
  const { state, stops, place } = attempt
  if (attempt.failure !== undefined || stops.reason !== undefined) return
  attempt.output = collectOutput({
    spool: attempt.spool!,
    secrets: Object.values(attempt.secretEnv),
    limitBytes: state.limits.output_bytes,
    recordedBytes: attempt.spool!.recordedBytes,
  })
  try {
    const running = attempt.adopt ? await executor.adopt(place.exec) : await executor.start(orderOf(attempt))
    if (running === null) throw new Error('its process is gone')
    attempt.running = running
    startFailures.succeeded()
    if (attempt.adopt) openPipes(attempt, running)
    watchLease(attempt)
    stops.attach(running)
  } catch (error) {
    await attempt.running?.stop(0).catch((failure) => noteTrouble(attempt, failure))
    attempt.failure =
      error instanceof StartRefused || attempt.adopt
        ? (error as Error)
        : asInfrastructure(error, 'cannot start the job')
  }
}

function orderOf(attempt: Attempt): AttemptOrder {
  const { state, place, env, secretEnv } = attempt
  return {
    key: attemptKey(state.ref),
    spec: state.spec,
    env: { ...env, RUNYARD_JOB_ID: state.job_id, RUNYARD_ATTEMPT: String(state.ref.number) },
    secretEnv,
    limits: state.limits as AttemptOrder['limits'],
    named: state.named,
    timeoutMs: state.timeout_ms,
    stopGraceMs: state.spec.stop_grace_seconds * 1000,
    dir: place.exec,
    slot: state.slot,
    keepForMs: Math.max(1, Math.round(attempt.keepUntil - monotonicMs())),
    onPipes: async (pipes) => openPipes(attempt, pipes),
  }
}

function openPipes(attempt: Attempt, pipes: { stdout: string; stderr: string }): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    attempt.pipes.push(readPipe(pipes[stream], (bytes) => attempt.output!.take(stream, bytes)))
  }
}

const closePipes = (attempt: Attempt): void => attempt.pipes.forEach((pipe) => pipe.close())

/** Step 3: the answer is not waited for; the command may be over before the server has spoken. */
async function reportStarted(attempt: Attempt, tools: AttemptTools): Promise<void> {
  const { state, running } = attempt
  if (running === undefined || attempt.failure !== undefined || attempt.adopt) return
  const { startedAt } = running
  state.phase = 'started'
  state.started_at = startedAt.toISOString()
  state.times_out = { boot_id: bootId(), monotonic_ms: monotonicMs() + state.timeout_ms }
  emitFact({ name: 'attempt.started', level: 'debug', ...factsOf(attempt) })
  attempt.startedReport = tools.reporter.started({ ref: state.ref, startedAt, unenforced: running.unenforced }).then(
    (result) => {
      if (result === 'stale') abandon(attempt)
    },
    (error) => noteTrouble(attempt, error),
  )
  await saveState(attempt.place, state).catch((error) => noteTrouble(attempt, error))
}

/** Step 4. */
async function waitForEnd(attempt: Attempt): Promise<void> {
  const { state, running, stops } = attempt
  if (running === undefined || attempt.failure !== undefined) return
  const timeout = after(timeLeft(state), () => stops.request('timeout', state.spec.stop_grace_seconds * 1000))
  try {
    attempt.ended = await running.ended
  } catch (error) {
    attempt.failure = error as Error
  } finally {
    timeout.cancel()
    // The launcher's keeper may have been quicker than our own watch.
    if (monotonicMs() > attempt.keepUntil - 100) stops.request('lease_lost', 0)
    stops.settle()
  }
}

/** After a boot nothing of it runs any more; how much time it had does not matter then. */
function timeLeft({ times_out: timesOut, timeout_ms: whole }: AttemptState): number {
  if (timesOut === undefined || timesOut.boot_id !== bootId()) return whole
  return Math.min(whole, timesOut.monotonic_ms - monotonicMs())
}

/** The lease's end on this side: the launcher kills at this time as well, should this process be stuck. */
function watchLease(attempt: Attempt): void {
  const watch = () => {
    if (attempt.ended !== undefined || attempt.failure !== undefined) return
    const left = attempt.keepUntil - monotonicMs()
    if (left <= 0) attempt.stops.request('lease_lost', 0)
    else timer = after(left, watch)
  }
  let timer = after(attempt.keepUntil - monotonicMs(), watch)
  void attempt.running!.ended.finally(() => timer.cancel()).catch(() => {})
}

/** Step 5. */
async function drainPipes(attempt: Attempt): Promise<void> {
  if (attempt.output === undefined) return
  const bound = new AbortController()
  const ended = Promise.all(attempt.pipes.map((pipe) => pipe.ended))
  await Promise.race([ended, sleep(drainMs, undefined, { signal: bound.signal }).catch(() => {})])
  bound.abort()
  closePipes(attempt)
  await attempt.output.finish()
}

/** Step 6: on disk before it is told, so that it survives this process. */
async function decideOutcome(attempt: Attempt, tools: AttemptTools): Promise<void> {
  const { state, stops, ended, failure } = attempt
  const now = new Date()
  if (ended !== undefined) {
    const memoryBytes = state.limits.memory_bytes ?? 0
    attempt.outcome = outcomeOf({ ended, reason: stops.reason, timeoutMs: state.timeout_ms, memoryBytes })
    const broken = attempt.spool!.broken
    if (broken !== undefined) {
      const note = `its log is cut off: ${broken.message}`
      attempt.outcome.message = attempt.outcome.message ? `${attempt.outcome.message}; ${note}` : note
    }
  } else if (failure instanceof StartRefused) {
    attempt.outcome = refusedOutcome(failure, stops.reason, now)
    if (failure.errorClass === 'infrastructure' && stops.reason === undefined && tools.startFailures.handBack(state)) {
      attempt.handBackReason = failure.message
    }
  } else if (failure !== undefined) {
    attempt.outcome = attempt.adopt
      ? lostOutcome(`lost when its runner restarted: ${failure.message}`, now)
      : infrastructureOutcome(`this runner failed: ${failure.message}`, now)
  } else if (stops.reason === 'cancelled') {
    attempt.outcome = { state: 'cancelled', message: 'cancelled before it started' }
  } else {
    attempt.outcome = lostOutcome('not started: its runner lost contact with the server', now)
  }
  // Handed back it would run a second time: with max_attempts 1 that was promised not to happen (decision 7).
  const mayRunAgain = ended === undefined || state.spec.max_attempts > 1
  if (stops.reason === 'shutdown' && mayRunAgain) attempt.handBackReason = 'its runner shut down'
  state.phase = attempt.handBackReason === undefined ? 'ended' : 'handing_back'
  state.outcome = attempt.outcome
  emitFact({
    name: 'attempt.ended',
    level: 'debug',
    ...factsOf(attempt),
    state: attempt.outcome.state,
    phase: state.phase,
  })
  await saveState(attempt.place, state).catch((error) => noteTrouble(attempt, error))
}

/** Step 7: nothing of the attempt is left but its log. */
async function release(attempt: Attempt): Promise<void> {
  closePipes(attempt)
  await attempt.running?.release().catch((error) => noteTrouble(attempt, error))
}

/** Step 8: the log first; the server seals it and ends the job in one answer. */
async function report(attempt: Attempt, tools: AttemptTools): Promise<AttemptEnd> {
  const { ref } = attempt.state
  const isStale = () => attempt.stale
  await attempt.startedReport
  try {
    if (attempt.handBackReason !== undefined) {
      // What it printed so far stays readable; but a lease that waits for it could expire.
      await Promise.race([attempt.shipment?.shipped(), sleep(1_000, undefined, { ref: false })])
      if (isStale()) return 'stale'
      const result = await tools.reporter.handBack(ref, attempt.handBackReason)
      return result === 'stale' ? 'stale' : 'handed_back'
    }
    for (;;) {
      await attempt.shipment?.shipped()
      if (isStale()) return 'stale'
      const logLength = attempt.shipment?.length() ?? 0
      const result = await tools.reporter.finish({ ref, outcome: attempt.outcome!, logLength })
      if (result === 'stale') return 'stale'
      if (result === 'accepted') return 'reported'
      attempt.shipment?.recheck()
    }
  } catch (error) {
    noteTrouble(attempt, error)
    return 'left_on_disk'
  }
}

/** Step 9. */
async function clearAway(attempt: Attempt): Promise<void> {
  await removePlace(attempt.place).catch((error) => noteTrouble(attempt, error))
}

/** The server has given the attempt away: kill it and say nothing more. */
export function abandon(attempt: Attempt): void {
  attempt.stale = true
  attempt.stops.request('lease_lost', 0)
  attempt.shipment?.detach()
}

const asInfrastructure = (error: unknown, what: string): StartRefused =>
  error instanceof StartRefused
    ? error
    : new StartRefused('infrastructure', `${what}: ${error instanceof Error ? error.message : String(error)}`)

export const factsOf = ({ state }: Attempt) => ({ job: state.job_id, attempt: state.ref.number })

function noteTrouble(attempt: Attempt, error: unknown): void {
  emitFact({ name: 'attempt.trouble', level: 'warn', ...factsOf(attempt), reason: String(error) })
}
