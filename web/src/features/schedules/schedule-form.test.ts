import { expect, test } from 'vitest'
import { emptyForm, missingIn, secondsOf, splitEvery, timingOf, timingText, variablesIn } from './schedule-form.ts'

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

test('declared variables: what was changed or saved is kept, so that the others follow their pipeline', () => {
  const shape = { type: 'string' as const, description: null, required: false, choices: [] }
  const parameters = {
    branch: { ...shape, default: 'main' },
    retries: { ...shape, type: 'number' as const, default: 3 },
    dry: { ...shape, type: 'boolean' as const, required: true },
    note: shape,
  }
  const form = { ...emptyForm('build'), typed: { retries: '5' } }
  expect(variablesIn(form, parameters, {}).variables).toEqual({ retries: 5, dry: false })
  expect(variablesIn(form, parameters, { branch: 'main' }).variables).toMatchObject({ branch: 'main' })
  expect(variablesIn({ ...form, typed: { retries: 'x' } }, parameters, {}).errors['retries']).toMatch(/number/)
  const free = { ...form, variables: [{ key: 'a', value: '[1' }], json: true }
  expect(variablesIn(free, {}, {}).errors['free']).toMatch(/^a is not JSON/)
})

test('what is missing is said before anything is sent', () => {
  const form = emptyForm('')
  expect(Object.keys(missingIn(form, true))).toEqual(['pipeline', 'name'])
  expect(missingIn({ ...form, cron: ' ' }, false)).toEqual({ cron: 'is required' })
  expect(Object.keys(missingIn({ ...form, kind: 'every', every: 'x' }, false))).toEqual(['every_seconds'])
})
