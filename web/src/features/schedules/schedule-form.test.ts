import { expect, test } from 'vitest'
import { emptyForm, secondsOf, splitEvery, timingOf, timingText } from './schedule-form.ts'

test('a timing is said in a short sentence, or shown as it is', () => {
  expect(timingText({ cron: '0 3 * * *' })).toBe('every day at 03:00')
  expect(timingText({ cron: '*/5 * * * *' })).toBe('every 5 minutes')
  expect(timingText({ cron: '30 18 * * 5' })).toBe('every Friday at 18:30')
  expect(timingText({ cron: '15 2 1-7 * 1' })).toBe('15 2 1-7 * 1')
  expect(timingText({ every_seconds: 3600 })).toBe('every hour')
  expect(timingText({ every_seconds: 5400 })).toBe('every 90 minutes')
  expect(timingText({ every_seconds: 45 })).toBe('every 45 s')
})

test('what is typed becomes the one of the two timings that is chosen', () => {
  const form = {
    ...emptyForm('build'),
    zone: ' Europe/Berlin ',
    cron: ' 0 3 * * * ',
    every: '1.5',
    unit: 'hours' as const,
  }
  expect(timingOf(form)).toEqual({ cron: '0 3 * * *', zone: 'Europe/Berlin' })
  expect(timingOf({ ...form, kind: 'every' })).toEqual({ every_seconds: 5400, zone: 'Europe/Berlin' })
  expect(timingOf({ ...form, kind: 'every', every: 'x' })).toBeNull()
  expect(splitEvery(172_800)).toEqual({ every: '2', unit: 'days' })
  expect([secondsOf('1.5'), secondsOf(' ')]).toEqual([90, undefined])
})
