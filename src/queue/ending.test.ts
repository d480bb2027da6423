import { expect, test } from 'vitest'
import type { Outcome } from '../job/outcome.ts'
import { endingOf, type EndingInput } from './ending.ts'

const end = (outcome: Outcome, over: Partial<EndingInput> = {}) =>
  endingOf({ outcome, attemptsSpent: 0, maxAttempts: 3, retry: null, cancelRequested: false, random: 0.5, ...over })

test.each<[string, Outcome, number | null]>([
  ['succeeded', { state: 'succeeded' }, null],
  ['failed', { state: 'failed', error_class: 'exit' }, 1],
  ['timed_out', { state: 'timed_out', error_class: 'timeout' }, 1],
  ['lost', { state: 'lost', error_class: 'lost' }, 1],
  ['not found', { state: 'failed', error_class: 'start' }, null],
])('%s with attempts left', (_, outcome, retryInSeconds) => {
  expect(end(outcome)).toEqual({ outcome, retryInSeconds })
})

test('the attempt that ends now is spent', () => {
  expect(end({ state: 'failed' }, { attemptsSpent: 1 }).retryInSeconds).toBe(2)
  expect(end({ state: 'failed' }, { attemptsSpent: 2 }).retryInSeconds).toBeNull()
})

test.each(['succeeded', 'failed', 'timed_out', 'oom_killed', 'lost', 'cancelled'] as const)(
  'after a cancel %s is cancelled and not tried again',
  (state) => {
    const { outcome, retryInSeconds } = end({ state, exit_code: 3, error_class: 'exit' }, { cancelRequested: true })
    expect(retryInSeconds).toBeNull()
    expect(outcome).toMatchObject({ state: 'cancelled', exit_code: 3 })
    if (state !== 'cancelled') {
      expect(outcome).not.toHaveProperty('error_class')
      expect(outcome.message).toContain(state.replace('_', ' '))
    }
  },
)
