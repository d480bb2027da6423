/** A timer to a moment of the monotonic clock: of any length, and never early. */
import { monotonicMs } from '../../lib/monotonic.ts'

/** Timers hold 31 bits. */
const longest = 2_000_000_000

/** Answers how to take it back. It does not keep the process alive. */
export function ringAt(at: number, ring: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (): void => {
    timer = setTimeout(look, Math.min(Math.max(1, Math.ceil(at - monotonicMs())), longest)).unref()
  }
  const look = (): void => {
    if (monotonicMs() < at) wait()
    else ring()
  }
  wait()
  return () => clearTimeout(timer)
}
