/**
 * Gives memory back when there is nothing to do. V8 sizes its young generation for the busiest moment, start-up
 * included, and shrinks it only when it collects garbage, which an idle process never does: 14 MB in a server that has
 * just started. A limit on the young generation would save the same and cost throughput.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Less of one core than this, over one look, is idle: timers and heartbeats. */
const idleShare = 0.05

export interface TidyOptions {
  /** Garbage is collected once after each stretch of work that is followed by this long without. */
  idleMs?: number
  /** How much of the time since its last call the event loop was busy. */
  busyShare?: () => number
  collect?: () => void
}

export function tidyWhenIdle(options: TidyOptions = {}): { stop(): void } {
  const { idleMs = 5_000, busyShare = busyShareOfLoop(), collect = collector() } = options
  let worked = true // starting is work
  const timer = setInterval(() => {
    if (busyShare() >= idleShare) worked = true
    else if (worked) {
      worked = false
      collect()
    }
  }, idleMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

function busyShareOfLoop(): () => number {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  return () => collect()
}
