import { expect, test } from 'vitest'
import type { Job } from '../../../lib/api.ts'
import { failureKeyOf } from '../progress.ts'
import { failedMember, sampleMember } from '../sample.ts'
import { arrange, NameOrder, readMemberFilters } from './arrange.ts'

const done = (index: number, duration_ms: number, name = `test ${index}`) =>
  sampleMember(index, { status: 'passed', state: 'succeeded', duration_ms, name })
const members = [done(0, 5), sampleMember(1), failedMember(2, 'broken'), done(3, 900), failedMember(4, 'late')]
const places = (jobs: readonly Job[]) => jobs.map(({ batch_index }) => batch_index)

test('what needs a look comes first, within a status in the order of the batch', () => {
  expect(places(arrange(members, {}))).toEqual([2, 4, 1, 0, 3])
  expect(places(arrange(members, { sort: 'place' }))).toEqual([0, 1, 2, 3, 4])
  expect(places(arrange(members, { sort: 'slowest' }))[0]).toBe(3)
})

test('filters by status, part of the name, and the way of failing', () => {
  expect(places(arrange(members, { status: 'passed' }))).toEqual([0, 3])
  expect(places(arrange(members, { q: 'TEST 3' }))).toEqual([3])
  expect(places(arrange(members, { failure: failureKeyOf(members[4]!) }))).toEqual([4])
})

test('names are sorted as people count, also those that come later', () => {
  const names = new NameOrder()
  const sorted = (list: Job[]) => arrange(list, { sort: 'name' }, names).map(({ name }) => name)
  expect(sorted([done(0, 1, 'test 10'), done(1, 1, 'test 9')])).toEqual(['test 9', 'test 10'])
  expect(sorted([done(0, 1, 'test 10'), done(1, 1, 'test 2'), done(2, 1, 'test 9')])).toEqual([
    'test 2',
    'test 9',
    'test 10',
  ])
})

test('what is no filter is left out of the address', () => {
  expect(readMemberFilters({ status: 'eaten', q: '', sort: 'attention', other: '1' })).toEqual({})
  expect(readMemberFilters({ status: 'failed', q: 'x', sort: 'name' })).toEqual({
    status: 'failed',
    q: 'x',
    sort: 'name',
  })
})
