/** Trying again: exponential with full jitter, so that a fleet does not return to a restarted server in one wave. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAppError } from '../lib/app-error.ts'

export interface Backoff {
  firstMs: number
  maxMs: number
}

export const linkBackoff: Backoff = { firstMs: 100, maxMs: 5_000 }

/** Pause before try number `failures + 1`: between half and all of the exponential step. */
export function pauseMs(failures: number, backoff: Backoff, random = Math.random()): number {
  const step = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(failures - 1, 30))
  return step * (0.5 + random / 2)
}

/** Errors that the next try may not meet. What the server definitely refused is not among them. */
export function isPassing(error: unknown): boolean {
  if (!isAppError(error)) return false
  return ['unavailable', 'deadline_exceeded', 'resource_exhausted', 'internal'].includes(error.code)
}

/** Runs until it gives an answer or a definite refusal; rejects with the abort reason when the signal fires. */
export async function untilAnswered<T>(
  run: () => Promise<T>,
  signal: AbortSignal,
  backoff = linkBackoff,
  onFailure: (error: unknown, failures: number) => void = () => {},
): Promise<T> {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted()
    try {
      return await run()
    } catch (error) {
      if (!isPassing(error)) throw error
      onFailure(error, failures)
    }
    await sleep(pauseMs(failures, backoff), undefined, { signal })
  }
}
