/** Why and how an attempt is stopped. The first reason is kept; a later call may only make the stop faster. */
import type { RunningAttempt, StopReason } from '../executors/executor.ts'

export interface StopControl {
  readonly reason: StopReason | undefined
  /** False when the attempt has ended by itself before. */
  request(reason: StopReason, graceMs: number): boolean
  /** The process runs from here on; a stop asked for earlier happens now. */
  attach(running: RunningAttempt): void
  /** Ended: a later request changes nothing any more. */
  settle(): void
}

export function createStopControl(onError: (error: unknown) => void): StopControl {
  let reason: StopReason | undefined
  let grace = Infinity
  let running: RunningAttempt | undefined
  let settled = false
  const stop = () => void running?.stop(grace).catch(onError)
  return {
    get reason() {
      return reason
    },
    request(why, graceMs) {
      if (settled) return false
      const faster = graceMs < grace
      reason ??= why
      grace = Math.min(grace, graceMs)
      if (faster) stop()
      return true
    },
    attach(started) {
      running = started
      if (reason !== undefined) stop()
    },
    settle() {
      settled = true
    },
  }
}
