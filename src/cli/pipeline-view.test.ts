import { expect, test } from 'vitest'
import type { Pipeline, PipelineRun } from '../api/contract/index.ts'
import { pipelineTable, problemsBelow, runDetails } from './pipeline-view.ts'

const problem = (parts: Partial<Pipeline['problems'][number]> = {}): Pipeline['problems'][number] => ({
  ...{ file: '/p/pipelines.yml', line: 3, column: 18, path: 'pipelines.a.concurrency' },
  ...{ message: 'must be a whole number', severity: 'error', ...parts },
})

const pipeline = (name: string, problems: Pipeline['problems'] = []): Pipeline => ({
  ...{ name, description: null, source: 'file', path: '/p/pipelines.yml', owner: null, version: 1, tasks: 1 },
  ...{ concurrency: 1, queue_limit: null, queue_strategy: 'append', startable: true, not_startable: null },
  ...{ running: 0, waiting: 0, parameters: {}, last_run: null, last_runs: [], schedules: 0, next_run_at: null },
  ...{ problems, gone: false, created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' },
})

test('a pipeline whose file is wrong has a mark in its row, and the place below the table', () => {
  const warning = problem({ path: '', message: 'odd', severity: 'warning' })
  const pipelines = [pipeline('a', [problem()]), pipeline('b', [warning]), pipeline('c', [warning])]
  const [, a, b] = pipelineTable(pipelines, undefined).split('\n')
  expect([a, b]).toEqual([expect.stringMatching(/^a \(file is wrong\) /), expect.stringMatching(/^b {2,}1/)])
  expect(problemsBelow({ pipelines, problems: [problem({ line: 9, path: 'pipelines.d' })] })).toEqual([
    '/p/pipelines.yml:3:18: pipelines.a.concurrency: must be a whole number',
    '/p/pipelines.yml:3:18: odd',
    '/p/pipelines.yml:9:18: pipelines.d: must be a whole number',
  ])
})

test('of a long variable the beginning is shown, and all of the others', () => {
  const zero = { waiting: 0, running: 0, approval: 0, done: 0, failed: 0, cancelled: 0, skipped: 0, total: 0 }
  const run: PipelineRun = {
    ...{
      id: 'aaaaaaaaaaaa',
      uuid: '00000000-0000-4000-8000-000000000000',
      pipeline: 'a',
      version: 1,
      status: 'running',
    },
    ...{ waiting_reason: null, position: null, owner: 'anna', label: null, trigger: 'manual', queue_partition: null },
    ...{ created_at: '2026-01-01T00:00:00Z', not_before: null, started_at: null, ended_at: null, duration_ms: null },
    ...{ cancel_requested: false, last_error: null, rerun_of: null, parent: null, tasks: zero },
    variables: { file: 'x'.repeat(100_000), tag: 'v1', list: [1, 2] },
  }
  const line = (variables: PipelineRun['variables']) => /^Variables .*$/m.exec(runDetails({ ...run, variables }))?.[0]
  expect(line(run.variables)).toBe(`Variables file: "${'x'.repeat(199)}…, tag: "v1", list: [1,2]`)
  expect(line({})).toBeUndefined()
})
