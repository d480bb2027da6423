/** Stopping an attempt, whatever it is doing. The executor keeps the first reason; a later call may only be faster. */
import type { StopReason } from '../executors/executor.ts'
import { emitFact } from '../lib/facts.ts'
import type { Attempt } from './attempt.ts'

export function stopAttempt(attempt: Attempt, reason: StopReason, graceMs: number): void {
  if (attempt.over) return
  if (attempt.stopGraceMs !== undefined && graceMs >= attempt.stopGraceMs) return
  attempt.stopReason ??= reason
  attempt.stopGraceMs = graceMs
  stopIfAsked(attempt)
}

/** A stop that was asked for while the attempt was starting happens now. */
export function stopIfAsked({ running, stopReason, stopGraceMs, note, setUp }: Attempt): void {
  if (stopReason === undefined) return
  if (running === undefined) return setUp?.abort(stopReason)
  running.stop(stopReason, stopGraceMs ?? 0).catch((error: unknown) => {
    emitFact({ name: 'attempt.trouble', level: 'error', job: note.job_id, reason: `stop: ${String(error)}` })
  })
}

/** The server has given the attempt away: kill it and say nothing more. `why` is for this runner's log. */
export function abandon(attempt: Attempt, why: string): void {
  if (!attempt.stale && !attempt.over) {
    const { job_id: job, ref } = attempt.note
    emitFact({ name: 'attempt.abandoned', level: 'warn', job, attempt: ref.number, reason: why })
  }
  attempt.stale = true
  stopAttempt(attempt, 'lease_lost', 0)
  attempt.shipment?.detach()
}
