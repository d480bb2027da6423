import { expect, test } from 'vitest'
import { exportUrl, questionOf, readAuditFilters } from './filters.ts'

const now = Date.parse('2026-11-22T12:34:56Z')

test('what is no filter narrows nothing, and is told', () => {
  expect(readAuditFilters({ actor: 'anna', result: 'maybe', age: 'constructor', x: '1', action: '' })).toEqual({
    actor: 'anna',
    unknown: 'result=maybe, age=constructor, x=1',
  })
  expect(readAuditFilters({ result: 'refused', age: 'day' })).toEqual({ result: 'refused', age: 'day' })
})

test('an age is a moment, the same for a whole minute', () => {
  expect(questionOf({ actor: 'anna', age: 'hour' }, now)).toEqual({ actor: 'anna', since: '2026-11-22T11:34:00.000Z' })
  expect(questionOf({ age: 'hour' }, now + 3_000)).toEqual(questionOf({ age: 'hour' }, now))
})

test('the export is asked for what the list shows', () => {
  expect(exportUrl({ actor: 'a&b', action: 'job.', age: 'hour' }, 'csv', now)).toBe(
    '/api/v1/audit/export?format=csv&actor=a%26b&action=job.&since=2026-11-22T11%3A34%3A00.000Z',
  )
})
