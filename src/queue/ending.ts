/** What the end of an attempt means for its job: pure. */
import type { Outcome } from '../job/outcome.ts'
import { defaultRetry, retryDelay, type RetryPolicy } from '../job/retry.ts'

export interface EndingInput {
  outcome: Outcome
  /** Before this one. */
  attemptsSpent: number
  maxAttempts: number
  retry: RetryPolicy | null
  cancelRequested: boolean
  random: number
}

export interface Ending {
  outcome: Outcome
  /** Wait before the next attempt; null when the job ends with the outcome. */
  retryInSeconds: number | null
}

export function endingOf(input: EndingInput): Ending {
  const outcome = input.cancelRequested ? asCancelled(input.outcome) : input.outcome
  const retryInSeconds = retryDelay({
    outcome,
    attemptsSpent: input.attemptsSpent + 1,
    maxAttempts: input.maxAttempts,
    policy: input.retry ?? defaultRetry,
    cancelRequested: input.cancelRequested,
    random: input.random,
  })
  return { outcome, retryInSeconds }
}

/** A cancel that was acknowledged holds, whatever the attempt did before it heard of it; the facts stay in the outcome. */
function asCancelled(outcome: Outcome): Outcome {
  if (outcome.state === 'cancelled') return outcome
  const { error_class: _, ...facts } = outcome
  const ended = outcome.state.replaceAll('_', ' ')
  const message = outcome.message ? `: ${outcome.message}` : ''
  return { ...facts, state: 'cancelled', message: `cancelled; the attempt itself had ended as ${ended}${message}` }
}
