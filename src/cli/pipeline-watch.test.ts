import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { PipelineRun, PipelineTask } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { exitCodeOfRun, frame, watchRun } from './pipeline-watch.ts'
import { asDeclared, parseSet, parseSetJson } from './pipeline-words.ts'

const task = (name: string, state: PipelineTask['state'], more: Partial<PipelineTask> = {}): PipelineTask => ({
  ...{
    name,
    state,
    item: null,
    kind: 'script',
    depends_on: [],
    allow_failure: false,
    job_id: null,
    job_state: null,
    job_note: null,
  },
  ...{ waiting_reason: null, attempts: 1, child_run: null, started_at: null, ended_at: null, duration_ms: null },
  ...{ exit_code: null, error: null, outputs: null, critical: false, approval: null },
  ...more,
})
const counts = (tasks: PipelineTask[]): PipelineRun['tasks'] => {
  const all = { waiting: 0, running: 0, approval: 0, done: 0, failed: 0, cancelled: 0, skipped: 0 }
  for (const { state } of tasks) all[state] += 1
  return { ...all, total: tasks.length }
}
const run = (status: PipelineRun['status'], tasks: PipelineTask[], more: Partial<PipelineRun> = {}): PipelineRun =>
  ({
    ...{ id: 'abcdefghij01', pipeline: 'release', status, waiting_reason: null, last_error: null, duration_ms: 1500 },
    ...{ ended_at: ['waiting', 'running'].includes(status) ? null : '2026-11-22T10:00:00.000Z', tasks: counts(tasks) },
    ...more,
  }) as PipelineRun

/** A server whose run and tasks are as given, one after the other. */
function calls(steps: ({ run: PipelineRun; tasks: PipelineTask[] } | Error)[]) {
  let at = -1
  const step = () => {
    const now = steps[Math.min(at, steps.length - 1)]!
    if (now instanceof Error) throw now
    return now
  }
  return () =>
    ({
      pipelineRuns: {
        async get() {
          at += 1
          return step().run
        },
        tasks: async () => ({ tasks: step().tasks }),
      },
    }) as unknown as ReturnType<Parameters<typeof watchRun>[0]>
}
const times = { askMs: 0, lineMs: 0, patienceMs: 1000, tellAwayMs: 1000 }
const lines = (): { out: Parameters<typeof watchRun>[2]; text: () => string[] } => {
  let all = ''
  const out = { write: (text: string) => void (all += text), width: () => undefined, quiet: false }
  return { out, text: () => stripVTControlCharacters(all).trimEnd().split('\n') }
}

test('without a terminal each change is one line, over a server that was away for a moment', async () => {
  const [a, b] = [task('build', 'running'), task('te\u001b[2Jst', 'waiting')]
  const done = task('build', 'done', { duration_ms: 1200 })
  const failed = task('te\u001b[2Jst', 'failed', { error: 'exit 3' })
  const { out, text } = lines()
  const ended = run('failed', [done, failed], { last_error: 'task test failed' })
  const seen = await watchRun(
    calls([
      { run: run('running', [a, b]), tasks: [a, b] },
      new AppError('unavailable', 'away'),
      { run: run('running', [done, b]), tasks: [done, b] },
      { run: ended, tasks: [done, failed] },
    ]),
    'abcdefghij01',
    out,
    new AbortController().signal,
    times,
  )
  expect(text()).toEqual([
    '▸ build  running',
    '✓ build  done  1.2s',
    '✗ test  failed  exit 3',
    'release failed in 1.5s: 2/2: 1 done, 1 failed; task test failed',
  ])
  expect(exitCodeOfRun(seen)).toBe(1)
  expect([exitCodeOfRun({ status: 'succeeded' }), exitCodeOfRun({ status: 'cancelled' })]).toEqual([0, 130])
})

test('a frame fits the terminal: what runs or failed is shown, the rest is counted', () => {
  const tasks = [
    ...Array.from({ length: 500 }, (_, i) => task(`done-${i}`, 'done')),
    task('broken', 'failed', { error: 'x'.repeat(300) }),
    task('busy', 'running'),
    ...Array.from({ length: 500 }, (_, i) => task(`later-${i}`, 'waiting')),
  ]
  const shown = frame(run('running', tasks), tasks, { width: 60, height: 10 }).map(stripVTControlCharacters)
  expect(shown).toHaveLength(8)
  expect(shown.every((line) => line.length < 60)).toBe(true)
  expect(shown.filter((line) => /broken|busy/.test(line))).toHaveLength(2)
  expect(shown.at(-1)).toBe('… and 996 more: 501/1002: 500 waiting, 1 running, 500 done…')
})

test('what is typed becomes what the pipeline declares, and else stays text', () => {
  const parameter = (type: 'number' | 'boolean' | 'json' | 'string') => ({
    ...{ type, description: null, required: false, choices: [] },
  })
  const parameters = { n: parameter('number'), yes: parameter('boolean'), list: parameter('json') }
  const typed = ['n=3', 'yes=true', 'list=[1]', 'other=a=b', 'constructor=x'].reduce(
    (before: Record<string, string>, text) => parseSet(text, before),
    {},
  )
  expect(asDeclared(typed, parameters)).toEqual({ n: 3, yes: true, list: [1], other: 'a=b', constructor: 'x' })
  expect(asDeclared({ n: 'many', yes: 'perhaps', list: '[' }, parameters)).toEqual({
    n: 'many',
    yes: 'perhaps',
    list: '[',
  })
  expect(parseSetJson('a={"b":1}')).toEqual({ a: { b: 1 } })
  expect(() => parseSetJson('a=text')).toThrow(/is not JSON/)
})
