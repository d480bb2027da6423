import { expect, test } from 'vitest'
import type { Job } from '../../lib/api.ts'
import { isFiltered, matches, readFilters, sinceInstant } from './filters.ts'

const job = {
  name: 'Unit tests',
  state: 'failed',
  status: 'failed',
  queue: 'ci',
  owner: 'anna',
  batch_id: 'abcdefghijkl',
  labels: { app: 'web', url: 'a=b' },
} as unknown as Job

test('what is no filter is left out of what the address says', () => {
  expect(isFiltered(readFilters({ status: 'broken', state: 'x', since: 'toString', queue: '', other: '1' }))).toBe(
    false,
  )
  expect(readFilters({ status: 'failed', since: 'day', owner: 'anna', label: 'app=web' })).toMatchObject({
    status: 'failed',
    since: 'day',
    owner: 'anna',
    label: 'app=web',
  })
})

test.each([
  [{ owner: 'anna', batch_id: 'abcdefghijkl', queue: 'ci', q: 'UNIT' }, true],
  [{ owner: 'bert' }, false],
  [{ batch_id: 'zzzzzzzzzzzz' }, false],
  [{ label: 'app=web, url=a=b' }, true],
  [{ label: 'app=web,app=api' }, false],
  [{ label: 'app' }, false],
])('a job that changed is asked the list’s question: %j is %s', (filters, answer) => {
  expect(matches(job, filters)).toBe(answer)
})

test('a span begins at a whole minute', () => {
  expect(sinceInstant('hour', Date.parse('2026-11-22T12:30:45.678Z'))).toBe('2026-11-22T11:30:00.000Z')
})
