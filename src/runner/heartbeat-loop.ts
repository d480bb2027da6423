/** The heartbeat itself, apart from the thread it runs in so that it can be tested without one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isPassing } from './backoff.ts'
import { monotonicMs } from './clock.ts'
import type { AttemptRef, HeartbeatAnswer } from './control-plane.ts'

export interface HeartbeatLoop {
  heartbeatMs: number
  /** An attempt may live this long after the last answered heartbeat was sent. */
  keepForMs: number
  held(): AttemptRef[]
  send(held: AttemptRef[]): Promise<HeartbeatAnswer>
  /** Moves the keeper's deadline. */
  extend(refs: AttemptRef[], keepForMs: number): Promise<void>
  onAnswer(answer: HeartbeatAnswer, keepUntil: number): void
  onFailure(error: unknown): void
  /** True while the main thread shows signs of life. */
  mainIsAlive(): boolean
  signal: AbortSignal
}

export async function beat(loop: HeartbeatLoop): Promise<void> {
  while (!loop.signal.aborted) {
    let pause = loop.heartbeatMs
    // A runner whose main loop is stuck for good must lose its leases: nobody would ever report its jobs.
    if (loop.mainIsAlive()) {
      const sentAt = monotonicMs()
      try {
        const answer = await loop.send(loop.held())
        // Counted from the sending: the server renewed at some time between then and now.
        const keepUntil = sentAt + loop.keepForMs
        loop.onAnswer(answer, keepUntil)
        // Not waited for: a launcher that stands still must not cost the leases.
        if (answer.renewed.length > 0) {
          loop.extend(answer.renewed, Math.max(1, keepUntil - monotonicMs())).catch(loop.onFailure)
        }
      } catch (error) {
        loop.onFailure(error)
        // Three or four tries fit into one interval, so that a short outage costs no lease.
        if (isPassing(error)) pause = loop.heartbeatMs / 4
      }
      pause = Math.max(pause / 4, pause - (monotonicMs() - sentAt))
    }
    await sleep(pause * (0.9 + Math.random() * 0.1), undefined, { signal: loop.signal }).catch(() => {})
  }
}
