import { expect, test } from 'vitest'
import type { Queue } from '../../lib/api.ts'
import { formOf, limitsOf, retentionText } from './queue-form.ts'

const queue: Queue = {
  ...{
    name: 'q',
    concurrency: 3,
    rate: { starts: 10, seconds: 60 },
    paused: true,
    retain_days: 0.5,
    retain_count: null,
  },
  ...{ retention: { days: 0.5, count: 100_000 }, waiting: 0, running: 0, kept: 0, log_bytes: 0 },
}

test('a form that nobody changed says what the queue is', () => {
  const { concurrency, rate, paused, retain_days, retain_count } = queue
  expect(limitsOf(formOf(queue))).toEqual({ concurrency, rate, paused, retain_days, retain_count })
})

test('an emptied field takes the limit away; what is no number is left to the server to refuse', () => {
  const form = {
    ...formOf(queue),
    concurrency: ' ',
    rate_starts: '',
    rate_seconds: '',
    retain_count: '0',
    retain_days: 'ten',
  }
  expect(limitsOf(form)).toEqual({ concurrency: null, rate: null, paused: true, retain_days: 'ten', retain_count: 0 })
})

test('what is kept, in words', () => {
  expect(retentionText({ retention: { days: 1, count: 0 } })).toBe('1 day')
  expect(retentionText({ retention: { days: 0, count: 0 } })).toBe('everything')
  expect(retentionText({ retention: { days: 30, count: 1 } })).toBe('30 days, 1 job')
})
