import { expect, test } from 'vitest'
import type { PipelineTask } from '../../lib/api.ts'
import { groupInstances, mergeTasks } from './task-list.ts'

const task = (name: string, item: number | null = null, state: PipelineTask['state'] = 'waiting') =>
  ({ name, item, state }) as PipelineTask
const text = (tasks: PipelineTask[]) => tasks.map(({ name, item, state }) => `${name}${item ?? ''} ${state}`)

test('a change takes the place of its task, and new instances stand after those of theirs', () => {
  const tasks = [task('a'), task('fan'), task('fan', 0), task('z')]
  const merged = mergeTasks(tasks, [task('fan', 0, 'done'), task('fan', 1), task('fan', 2), task('a', null, 'running')])
  expect(text(merged)).toEqual(['a running', 'fan waiting', 'fan0 done', 'fan1 waiting', 'fan2 waiting', 'z waiting'])
  expect(text(mergeTasks([], tasks))).toEqual(text(tasks))
  expect(text(mergeTasks(tasks, [task('on_error')])).at(-1)).toBe('on_error waiting')
})

test('instances are within the row of their task', () => {
  const rows = groupInstances([task('a'), task('fan'), task('fan', 0), task('fan', 1), task('z')])
  expect(rows.map(({ task: { name }, instances }) => [name, instances.length])).toEqual([
    ['a', 0],
    ['fan', 2],
    ['z', 0],
  ])
})
