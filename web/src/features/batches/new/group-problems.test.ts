import { expect, test } from 'vitest'
import { formField, groupProblems } from './group-problems.ts'

const of = (k: number, message = `must be 0 to 10 (p=${k})`) => ({ field: `matrix[${k}].priority`, message })

test('one mistake in all combinations is shown once, without the values that differ', () => {
  expect(groupProblems([of(0), of(1), of(2)], 3)).toEqual([
    { field: 'priority', message: 'must be 0 to 10', where: 'in all 3 jobs', first: 'matrix[0].priority' },
  ])
  expect(groupProblems([of(0), of(2)], 3)[0]).toMatchObject({ where: 'in 2 jobs' })
})

test('what differs stays apart, and one of one job keeps its place and values', () => {
  const list = { field: 'jobs[1].command', message: 'is missing' }
  const found = groupProblems([of(4), { field: 'name', message: 'is too long' }, list], 9)
  expect(found.map(({ field, message, where }) => [field, message, where])).toEqual([
    ['matrix[4].priority', 'must be 0 to 10 (p=4)', ''],
    ['name', 'is too long', ''],
    ['jobs[1].command', 'is missing', ''],
  ])
})

test('the form finds its field', () => {
  expect(formField('matrix[3].command[2]')).toBe('job.command[2]')
  expect(formField('matrix.shard')).toBe('matrix.shard')
})
