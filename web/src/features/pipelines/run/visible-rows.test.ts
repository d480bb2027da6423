import { expect, test } from 'vitest'
import type { PipelineTask } from '../../../lib/api.ts'
import { groupInstances } from '../task-list.ts'
import { taskKey } from '../words.ts'
import { visibleRows, type RowFilter } from './visible-rows.ts'

const task = (name: string, item: number | null, state: PipelineTask['state']) =>
  ({ name, item, state }) as PipelineTask
const rows = groupInstances([
  task('build', null, 'done'),
  task('test', null, 'running'),
  task('test', 0, 'done'),
  task('test', 1, 'failed'),
  task('deploy', null, 'waiting'),
])
const shown = (filter: RowFilter, ...opened: string[]) =>
  visibleRows(rows, filter, new Set(opened)).map((row) => taskKey(row.task))

test('instances are listed below the task that is opened', () => {
  expect(shown({})).toEqual(['build', 'test', 'deploy'])
  expect(shown({}, 'test')).toEqual(['build', 'test', 'test[0]', 'test[1]', 'deploy'])
})

test('a task with a fitting instance fits, and of its instances only those that do are listed', () => {
  expect(shown({ state: 'failed' }, 'test')).toEqual(['test', 'test[1]'])
  expect(shown({ q: 'EP' })).toEqual(['deploy'])
  expect(shown({ names: new Set(['build', 'deploy']), state: 'done' })).toEqual(['build'])
})
