import { expect, test } from 'vitest'
import { errorAt, formOf, rulesOf, type Rules } from './rules-form.ts'

const rules: Rules = {
  channels: ['ops'],
  repeated_times: 3,
  repeated_seconds: 3600,
  new_patterns: true,
  close_after_successes: 3,
  close_after_seconds: 86_400,
}

test('rules are shown in minutes and hours, and come back as they were', () => {
  expect(formOf(rules)).toMatchObject({ withinMinutes: '60', quietHours: '24' })
  for (const repeated_seconds of [60, 90, 604_800]) {
    expect(rulesOf(formOf({ ...rules, repeated_seconds }))).toEqual({ ...rules, repeated_seconds })
  }
})

test('what is no number goes to the server, whose refusal is told in the words of the field', () => {
  const typed = rulesOf({ ...formOf(rules), times: 'many', quietHours: '1,5' })
  expect(typed).toMatchObject({ repeated_times: 'many', close_after_seconds: 5400 })
  expect(rulesOf({ ...formOf(rules), times: '' }).repeated_times).toBe('')
  const fields = [{ field: 'repeated_times', message: 'Invalid input' }]
  expect(errorAt(fields, 'repeated_times', '2 to 1,000')).toBe('must be 2 to 1,000')
  expect(errorAt(fields, 'repeated_seconds', '1 minute to a week')).toBeUndefined()
})
