/**
 * One attempt from its lease to its end, read straight down: start → started → ended → ship → finish → release.
 * Recording, masking, wall time and the stop ladder are the executor's, and outlive this process; so a step here waits,
 * translates and reports. Whatever it reports goes through the reporter, which does not give up.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { AttemptLost, StartRefused, type AttemptOrder, type Ended } from '../executors/executor.ts'
import type { Outcome } from '../job/outcome.ts'
import type { Outputs } from '../job/outputs.ts'
import type { TestReport } from '../job/test-report.ts'
import { emitFact } from '../lib/facts.ts'
import type { Attempt, AttemptEnd, AttemptTools } from './attempt.ts'
import { lostOutcome, outcomeOf, refusedOutcome, setUpOutcome } from '../executors/outcome-of.ts'
import type { AttemptNote } from './attempt-note.ts'
import type { Shipment } from './log-shipper.ts'
import { readReport } from './read-report.ts'
import type { SendArtifacts } from './send-artifacts.ts'
import { setUp, SetUpTooLong } from './set-up.ts'
import { removeShownDir } from './shown-dirs.ts'
import { abandon } from './stop-attempt.ts'

/** A log of at most this size travels in the finish report itself. */
const inlineBytes = 64 * 1024

/** What the server is told at the end. */
type Verdict =
  | { outcome: Outcome; tests?: TestReport; outputs?: Outputs; artifacts?: Omit<SendArtifacts, 'ref'> }
  | { handBack: string }

/** `order` starts it; without one it is already there (`attempt.running`). `onOver`: its slot is free again. */
export async function runAttempt(
  attempt: Attempt,
  order: AttemptOrder | null,
  tools: AttemptTools,
  onOver: () => void,
): Promise<AttemptEnd> {
  let verdict: Verdict
  try {
    if (order === null) await resumeHelpers(attempt, tools)
    else await setUp(attempt, order, tools)
    followLog(attempt, tools)
    reportStarted(attempt, tools)
    verdict = await ended(attempt, tools)
  } catch (error) {
    verdict = await neverEnded(attempt, error, tools)
  } finally {
    attempt.over = true
    attempt.helpers?.close()
    onOver()
  }
  const end = await report(attempt, verdict, tools)
  await release(attempt, end)
  emitFact({ name: 'attempt.closed', level: 'debug', ...factsOf(attempt), end })
  return end
}

/** Step 1 of one whose runner was killed: its script goes on asking by the same socket. */
async function resumeHelpers(attempt: Attempt, { helpers }: AttemptTools): Promise<void> {
  const { note, running } = attempt
  if (note.helpers === undefined || running?.secrets === undefined) return
  try {
    attempt.helpers = await helpers.resume(note.ref, note.helpers, running.secrets)
  } catch (error) {
    noteTrouble(attempt, error)
  }
}

/** While it runs, what it prints leaves at once; what a short one printed leaves with its end. */
function followLog(attempt: Attempt, tools: AttemptTools): void {
  const { log } = attempt.running!
  if (attempt.resumed) shipmentOf(attempt, tools).recheck()
  const grown = () => {
    if (!attempt.over && !attempt.stale && log.whole() === null) shipmentOf(attempt, tools).grown()
  }
  log.onGrown(grown)
  if (log.length() > 0) grown()
}

/** Step 2: the answer is not waited for, and a command that is over before the batch leaves needs none. */
function reportStarted(attempt: Attempt, { reporter, startFailures }: AttemptTools): void {
  const { startedAt, unenforced } = attempt.running!
  emitFact({ name: 'attempt.started', level: 'debug', ...factsOf(attempt) })
  reporter.started({ ref: attempt.note.ref, startedAt, unenforced, isOver: () => attempt.over }).then(
    (result) => {
      if (attempt.over) return // its finish has its own answer
      startFailures.succeeded()
      if (result === 'stale') abandon(attempt, 'its start came too late: the lease was given away')
    },
    (error) => noteTrouble(attempt, error),
  )
}

/** Step 3. */
async function ended(attempt: Attempt, { startFailures }: AttemptTools): Promise<Verdict> {
  const { note, running } = attempt
  const end = await running!.ended
  startFailures.succeeded()
  const { timeout_ms: timeoutMs, memory_bytes: memoryBytes, cleanup_ms: cleanupMs } = note
  const outcome = outcomeOf({ ended: end, timeoutMs, memoryBytes, cleanupMs })
  const broken = running!.log.broken()
  if (broken !== null) noteBroken(attempt, outcome, broken)
  emitFact({ name: 'attempt.ended', level: 'debug', ...factsOf(attempt), state: outcome.state })
  // Handed back it would run a second time: with max_attempts 1 that was promised not to happen (decision 7).
  if (end.reason === 'shutdown' && note.max_attempts > 1) return { handBack: shutDownReason }
  return end.report === undefined ? { outcome } : withFiles(outcome, end, note.leaves)
}

/** What is wrong with its reports is said beside how it ended, and changes nothing of that. */
async function withFiles(outcome: Outcome, { report, reason }: Ended, leaves: AttemptNote['leaves']): Promise<Verdict> {
  const { tests, outputs, artifacts, notes, lost } = await readReport(report!, leaves)
  // Of one that was stopped nobody expects a report.
  if (reason === undefined) for (const text of notes) addNote(outcome, text)
  if (reason === undefined || reason === 'timeout') for (const text of lost) addNote(outcome, text)
  return {
    outcome,
    ...(tests === null ? {} : { tests }),
    ...(Object.keys(outputs).length === 0 ? {} : { outputs }),
    ...(artifacts.length === 0 ? {} : { artifacts: { path: report!.path!, artifacts } }),
  }
}

function noteBroken(attempt: Attempt, outcome: Outcome, reason: string): void {
  emitFact({ name: 'spool.broken', level: 'error', ...factsOf(attempt), reason })
  addNote(outcome, `its log is cut off: ${reason}`)
}

function addNote(outcome: Outcome, text: string): void {
  outcome.message = `${outcome.message ? `${outcome.message}; ` : ''}${text}`
}

export const shutDownReason = 'its runner shut down'

/** Step 3 of one that never ran, or whose end nobody saw. */
async function neverEnded(attempt: Attempt, error: unknown, tools: AttemptTools): Promise<Verdict> {
  const { note, stopReason } = attempt
  const now = new Date()
  noteTrouble(attempt, error)
  if (error instanceof SetUpTooLong) return { outcome: setUpOutcome(error, now) }
  if (error instanceof AttemptLost) return { outcome: lostOutcome(`lost: ${error.message}`, now) }
  const refused = error instanceof StartRefused ? error : cannotStart(error)
  if (refused.share !== undefined && stopReason !== 'cancelled') {
    // The server hears that it is not here before it gives the job away again; other jobs have nothing to do with it.
    await tools.shares?.failed(refused.share)
    return { handBack: refused.message }
  }
  const { startFailures } = tools
  if (refused.errorClass === 'infrastructure' && stopReason !== 'cancelled') {
    if (stopReason === 'shutdown') return { handBack: shutDownReason }
    if (startFailures.handBack(note.ref)) return { handBack: refused.message }
  }
  return { outcome: refusedOutcome(refused, stopReason, now) }
}

const cannotStart = (error: unknown): StartRefused =>
  new StartRefused('infrastructure', `cannot start the job: ${error instanceof Error ? error.message : String(error)}`)

/** Steps 4 and 5: the log first; the server seals it and ends the job in one answer. */
async function report(attempt: Attempt, verdict: Verdict, tools: AttemptTools): Promise<AttemptEnd> {
  const { ref } = attempt.note
  const isStale = () => attempt.stale
  if (isStale()) return 'stale'
  try {
    if ('handBack' in verdict) {
      await shipForHandBack(attempt, tools)
      if (isStale()) return 'stale'
      return (await tools.reporter.handBack(ref, verdict.handBack)) === 'stale' ? 'stale' : 'handed_back'
    }
    const { outcome, tests, outputs, artifacts } = verdict
    if (artifacts !== undefined) {
      const notes = await tools.artifacts.send({ ref, ...artifacts })
      if (notes === null || isStale()) return 'stale'
      for (const text of notes) addNote(outcome, text)
    }
    let log = inlineLog(attempt)
    let cut = false
    for (;;) {
      const logLength = log?.length ?? (await ship(attempt, tools))
      if (isStale()) return 'stale'
      const missing = log === null ? (attempt.running?.log.length() ?? 0) - logLength : 0
      if (missing > 0 && !cut) noteBroken(attempt, outcome, `its disk does not give the last ${missing} bytes back`)
      cut ||= missing > 0
      const result = await tools.reporter.finish({ ref, outcome, logLength, tests, outputs, ...(log ? { log } : {}) })
      if (result !== 'log_incomplete') return result === 'stale' ? 'stale' : 'reported'
      log = null
      if (attempt.running !== undefined) shipmentOf(attempt, tools).recheck()
    }
  } catch (error) {
    noteTrouble(attempt, error)
    return 'left_on_disk'
  } finally {
    attempt.shipment?.detach()
  }
}

const nothing = Buffer.alloc(0)

/** All of a short log of which the server has nothing yet. */
function inlineLog(attempt: Attempt): Buffer | null {
  const { running, resumed, shipment } = attempt
  if (running === undefined) return nothing
  if (resumed || shipment?.begun()) return null
  const whole = running.log.whole()
  if (whole === null || whole.length > inlineBytes) return null
  shipment?.detach()
  attempt.shipment = undefined
  return whole
}

/** Step 4: resolves with the length of the log when the server has it all. */
async function ship(attempt: Attempt, tools: AttemptTools): Promise<number> {
  if (attempt.running === undefined) return 0
  const shipment = shipmentOf(attempt, tools)
  await shipment.shipped()
  return shipment.length()
}

/** What it printed so far stays readable; but a lease that waits for it could expire. */
async function shipForHandBack(attempt: Attempt, tools: AttemptTools): Promise<void> {
  if (attempt.running === undefined || attempt.running.log.length() === 0) return
  await Promise.race([shipmentOf(attempt, tools).shipped(), sleep(1_000, undefined, { ref: false })])
}

function shipmentOf(attempt: Attempt, { shipper }: AttemptTools): Shipment {
  return (attempt.shipment ??= shipper.attach(attempt.note.ref, attempt.running!.log, () =>
    abandon(attempt, 'its log is not taken any more: the lease was given away'),
  ))
}

/** Step 6: nothing of it is left on this host, unless a later process must report it. */
async function release(attempt: Attempt, end: AttemptEnd): Promise<void> {
  if (end === 'left_on_disk') return
  await attempt.running?.release().catch((error: unknown) => noteTrouble(attempt, error))
  const { fetched_dir: fetched, helpers } = attempt.note
  for (const dir of [fetched, helpers?.dir]) {
    if (dir !== undefined) await removeShownDir(dir).catch((error: unknown) => noteTrouble(attempt, error))
  }
}

const factsOf = ({ note }: Attempt) => ({ job: note.job_id, attempt: note.ref.number })

function noteTrouble(attempt: Attempt, error: unknown): void {
  const level = error instanceof StartRefused && error.errorClass !== 'infrastructure' ? 'debug' : 'warn'
  emitFact({ name: 'attempt.trouble', level, ...factsOf(attempt), reason: String(error) })
}
