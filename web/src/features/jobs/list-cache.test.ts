import { expect, test } from 'vitest'
import type { Job } from '../../lib/api.ts'
import { readFilters } from './filters.ts'
import { applyChanges, type JobPage } from './list-cache.ts'

const job = (id: string, minute: number, more: Partial<Job> = {}) =>
  ({
    id,
    name: `job ${id}`,
    queue: 'default',
    state: 'queued',
    status: 'waiting',
    created_at: `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`,
    ...more,
  }) as Job

const pages = (): JobPage[] => [
  { jobs: [job('d', 4), job('c', 3)], next_cursor: 'x' },
  { jobs: [job('b', 2), job('a', 1)], next_cursor: null },
]
const ids = (list: JobPage[]) => list.map((page) => page.jobs.map((j) => j.id).join(''))

test('a listed job is replaced where it stands; other pages stay the same objects', () => {
  const before = pages()
  const after = applyChanges(before, [{ job: job('b', 2, { state: 'running', status: 'running' }) }], {})
  expect(ids(after)).toEqual(['dc', 'ba'])
  expect(after[1]?.jobs[0]?.state).toBe('running')
  expect(after[0]).toBe(before[0])
  expect(after[1]?.jobs[1]).toBe(before[1]?.jobs[1])
})

test('new jobs go on top, newest first, each once', () => {
  const changes = [{ job: job('e', 5) }, { job: job('f', 6) }, { job: job('e', 5, { state: 'running' }) }]
  const after = applyChanges(pages(), changes, {})
  expect(ids(after)).toEqual(['fedc', 'ba'])
  expect(after[0]?.jobs[1]?.state).toBe('running')
})

test('what no longer matches leaves, what is gone leaves', () => {
  const ended = job('c', 3, { state: 'succeeded', status: 'passed' })
  expect(ids(applyChanges(pages(), [{ job: ended }, { gone: 'a' }], { status: 'waiting' }))).toEqual(['d', 'b'])
})

test('an old job that came to match is not put on top', () => {
  const old = job('0', 0, { state: 'failed', status: 'failed' })
  expect(ids(applyChanges(pages(), [{ job: old }], {}))).toEqual(['dc', 'ba'])
})

test('a new job that does not match stays out', () => {
  expect(ids(applyChanges(pages(), [{ job: job('e', 5, { name: 'Other' }) }], { q: 'JOB' }))).toEqual(['dc', 'ba'])
})

test('an empty list takes its first job', () => {
  expect(ids(applyChanges([{ jobs: [], next_cursor: null }], [{ job: job('a', 1) }], {}))).toEqual(['a'])
})

test('filters from the URL: unknown words narrow nothing, and are told', () => {
  expect(readFilters({ status: 'passed', state: 'bogus', queue: 'ci', q: '', x: '1' })).toEqual({
    status: 'passed',
    state: undefined,
    queue: 'ci',
    q: undefined,
    unknown: 'state=bogus, x=1',
  })
  expect(readFilters({ name: 'web' }).q).toBe('web')
})
