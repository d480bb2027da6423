import type { ErrorClass, Outcome } from './outcome.ts'

export interface RetryPolicy {
  /** First wait, seconds. */
  backoff_seconds: number
  factor: number
  max_backoff_seconds: number
  /** Share of the wait that is random: 0.2 means ±20 %. */
  jitter: number
  on: ErrorClass[]
  /** After an attempt that was killed for memory the next has so many times as much; missing: the same. */
  memory_factor?: number | undefined
  /** Where that ends; the administrator's maximum when missing. */
  memory_max_bytes?: number | undefined
}

/** A command that does not exist will not exist in a minute either: `start` and `refused` are not retried by default. */
export const defaultRetry: RetryPolicy = {
  backoff_seconds: 1,
  factor: 2,
  max_backoff_seconds: 300,
  jitter: 0.2,
  on: ['exit', 'signal', 'timeout', 'oom', 'lost', 'infrastructure'],
}

export interface RetryInput {
  outcome: Outcome
  /** Attempts that count, this one included. */
  attemptsSpent: number
  maxAttempts: number
  policy: RetryPolicy
  cancelRequested: boolean
  /** 0..1, from the caller so that this stays pure. */
  random: number
}

/** Seconds to wait before the next attempt, or null: the job ends with this outcome. */
export function retryDelay(input: RetryInput): number | null {
  const { outcome, policy } = input
  if (outcome.state === 'succeeded' || outcome.state === 'cancelled' || input.cancelRequested) return null
  if (input.attemptsSpent >= input.maxAttempts) return null
  if (!policy.on.includes(outcome.error_class ?? 'exit')) return null
  const exponential = policy.backoff_seconds * policy.factor ** (input.attemptsSpent - 1)
  const capped = Math.min(exponential, policy.max_backoff_seconds)
  return capped * (1 + policy.jitter * (2 * input.random - 1))
}
