/** What earlier runner processes left on this host: taken over where the lease is still ours, ended where it is not. */
import type { RunningAttempt } from '../executors/executor.ts'
import { emitFact } from '../lib/facts.ts'
import { readNote } from './attempt-note.ts'
import { sameAttempt, type AttemptRef } from './control-plane.ts'
import type { HeldAttempts } from './held-attempts.ts'

/**
 * Running, ended or lost, they all go the same way from here: their end is waited for and reported. `leases`: what the
 * server says this runner's name holds.
 */
export function resumeLeftBehind(
  left: RunningAttempt[],
  leases: AttemptRef[],
  held: HeldAttempts,
  keepUntil: number,
): void {
  let resumed = 0
  for (const running of left) {
    const note = readNote(running.note)
    if (note !== null && leases.some((ref) => sameAttempt(ref, note.ref))) {
      held.resume(running, note, keepUntil)
      resumed++
    } else {
      held.dismiss(running, note)
    }
  }
  if (left.length > 0) emitFact({ name: 'runner.leftovers', resumed, dismissed: left.length - resumed })
}
