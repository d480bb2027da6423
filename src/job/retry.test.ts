import { expect, test } from 'vitest'
import { errorClasses, type Outcome } from './outcome.ts'
import { defaultRetry, retryDelay, type RetryInput } from './retry.ts'

const failed: Outcome = { state: 'failed', error_class: 'exit', exit_code: 1 }
const input = (over: Partial<RetryInput> = {}): RetryInput => ({
  outcome: failed,
  attemptsSpent: 1,
  maxAttempts: 5,
  policy: { ...defaultRetry, jitter: 0 },
  cancelRequested: false,
  random: 0.5,
  ...over,
})

test.each([
  [1, 1],
  [2, 2],
  [3, 4],
  [4, 8],
  [9, 256],
  [10, 300],
  [99, 300],
])('after attempt %i the wait is %i s', (attemptsSpent, seconds) => {
  expect(retryDelay(input({ attemptsSpent, maxAttempts: 100 }))).toBe(seconds)
})

test.each([
  ['the last attempt', { attemptsSpent: 5 }],
  ['more spent than there are', { attemptsSpent: 6 }],
  ['a single attempt', { maxAttempts: 1 }],
  ['a cancel', { cancelRequested: true }],
  ['success', { outcome: { state: 'succeeded', exit_code: 0 } as const }],
  ['a cancelled attempt', { outcome: { state: 'cancelled' } as const }],
])('no retry after %s', (_, over) => {
  expect(retryDelay(input(over))).toBeNull()
})

test.each(errorClasses)('class %s is retried when the policy names it', (error_class) => {
  const outcome: Outcome = { state: 'failed', error_class }
  expect(retryDelay(input({ outcome, policy: { ...defaultRetry, on: [error_class] } }))).not.toBeNull()
  const on = errorClasses.filter((c) => c !== error_class)
  expect(retryDelay(input({ outcome, policy: { ...defaultRetry, on } }))).toBeNull()
})

test.each([
  ['start', false],
  ['refused', false],
  ['exit', true],
  ['signal', true],
  ['timeout', true],
  ['oom', true],
  ['lost', true],
  ['infrastructure', true],
] as const)('by default class %s is retried: %s', (error_class, retried) => {
  expect(retryDelay(input({ outcome: { state: 'failed', error_class } })) !== null).toBe(retried)
})

test.each([
  [0, 8],
  [0.5, 10],
  [1, 12],
])('jitter 0.2 with random %d turns 10 s into %d s', (random, seconds) => {
  const policy = { ...defaultRetry, backoff_seconds: 10, jitter: 0.2 }
  expect(retryDelay(input({ policy, random }))).toBeCloseTo(seconds)
})

test('an outcome without a class counts as an exit', () => {
  const outcome: Outcome = { state: 'failed' }
  expect(retryDelay(input({ outcome, policy: { ...defaultRetry, on: ['exit'] } }))).not.toBeNull()
  expect(retryDelay(input({ outcome, policy: { ...defaultRetry, on: ['oom'] } }))).toBeNull()
})
