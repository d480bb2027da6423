/**
 * Ends attempts whose deadline nobody has moved. It wakes up for a deadline that is near and for nothing else.
 *
 * A keeper that stood still (stopped, starved, frozen) finds deadlines that have passed and, unread in its sockets, the
 * words that had moved them. So it looks a moment ahead of each deadline and reads its mail from then on; a look that
 * comes late moves the end of that moment, not its length.
 */
import { monotonicMs } from '../../lib/monotonic.ts'
import { ringAt } from './ring-at.ts'

export interface Kept {
  /** `monotonicMs`; the keeper sets it to Infinity when it has done its work. */
  keepUntil: number
  /** Nobody extended its time. */
  expire(): void
}

export interface Keeper {
  /** A deadline was set. One that was moved away need not be told. */
  expect(keepUntil: number): void
}

/** So long what waits may take to be read. */
const readMs = 200
/** Late by this much at the end of the reading, we stood still again. */
const stillMs = 800

export interface Clock {
  now(): number
  ringAt(at: number, ring: () => void): () => void
}

export function createKeeper(kept: () => Iterable<Kept>, clock: Clock = { now: monotonicMs, ringAt }): Keeper {
  let dueAt = Infinity
  let cancel: () => void = () => {}
  let reading = false
  let readTwice = false

  const wakeAt = (at: number): void => {
    cancel()
    dueAt = at
    cancel = at === Infinity ? () => {} : clock.ringAt(at, wake)
  }
  const read = (): void => {
    reading = true
    wakeAt(clock.now() + readMs)
  }
  const wake = (): void => {
    if (!reading) return lookAhead()
    // Once in a row: a host that is always this slow must not keep the keeper from its work.
    if (!readTwice && clock.now() - dueAt > stillMs) {
      readTwice = true
      return read()
    }
    reading = false
    readTwice = false
    expire()
    lookAhead()
  }
  const expire = (): void => {
    for (const one of kept()) {
      if (clock.now() < one.keepUntil) continue
      one.keepUntil = Infinity
      one.expire()
    }
  }
  const lookAhead = (): void => {
    const next = Math.min(...Array.from(kept(), ({ keepUntil }) => keepUntil))
    if (clock.now() < next - readMs) wakeAt(next - readMs)
    else read()
  }
  return {
    expect(keepUntil) {
      if (!reading && keepUntil - readMs < dueAt) wakeAt(keepUntil - readMs)
    },
  }
}
