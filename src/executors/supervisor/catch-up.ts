/**
 * A keeper that stood still (stopped, starved, frozen) finds deadlines that have passed and, unread in its sockets, the
 * words that had moved them. It reads first.
 */
import { monotonicMs } from '../../lib/monotonic.ts'

/** Passes this far apart say that we stood still. */
const stillMs = 1000
/** So long what waits may take to be read. */
const readMs = 200

export function createCatchUp(now: () => number = monotonicMs): { mayKill(): boolean } {
  let lastPass = now()
  let notBefore = 0
  let stoodStillBefore = false
  return {
    /** Asked once in every pass. */
    mayKill() {
      const at = now()
      const stoodStill = at - lastPass > stillMs
      // Once in a row: a host that is always this slow must not keep the keeper from its work.
      if (stoodStill && !stoodStillBefore) notBefore = at + readMs
      stoodStillBefore = stoodStill
      lastPass = at
      return at >= notBefore
    },
  }
}
