/** What follows from what: tables of states in, moves out; and a large graph, in time. */
import { describe, expect, test } from 'vitest'
import type { TaskState } from '../job/pipeline.ts'
import { planRun } from './plan.ts'
import { graphOf } from './run-graph.ts'
import { definitionOf, type DefinitionParts } from './testing/definitions.ts'
import { after, exited, facts, job, now, plan, unit } from './testing/plan-case.ts'
import type { JobFacts } from './unit-end.ts'

const diamond = { a: {}, b: { depends_on: ['a'] }, c: { depends_on: ['a'] }, d: { depends_on: ['b', 'c'] } }
const go = { continue_running_tasks_after_failure: true }

describe('turns', () => {
  test('what depends on nothing begins, in order', () => {
    expect(plan({ tasks: { a: {}, b: {}, c: after('b') } }, {}).begins).toEqual(['a', 'b'])
  })
  test('the end of one lets others begin in the same step', () => {
    const made = plan({ tasks: diamond }, { states: ['running'], active: [unit(0, { job: job('succeeded') })] })
    expect(made).toMatchObject({ ends: ['a done'], begins: ['b', 'c'], end: null })
  })
  test('a task waits for all that it depends on', () => {
    expect(
      plan({ tasks: diamond }, { states: ['done', 'done', 'running'], active: [unit(2, { job: job('running') })] }),
    ).toMatchObject({ begins: [], ends: [], end: null })
  })
  test('tasks without a script are done in a row, and a run of nothing else ends', () => {
    const empty = { script: [] }
    const made = plan({ tasks: { a: empty, b: { ...empty, ...after('a') } } }, {})
    expect(made).toMatchObject({ ends: ['a done', 'b done'], end: { result: 'succeeded', lastError: null } })
  })
  test('taken over from an earlier run: what is done stays done', () => {
    expect(plan({ tasks: diamond }, { states: ['done', 'done'] })).toMatchObject({ begins: ['c'], ends: [] })
  })
  test('no more begin than fit into a step', () => {
    expect(plan({ tasks: { a: {}, b: {}, c: {} } }, { atOnce: 2 })).toMatchObject({ begins: ['a', 'b'], more: true })
  })
})

describe('ends of jobs', () => {
  const tasks = { a: {}, b: after('a') }
  const ends = (state: JobFacts['state'], over: Partial<JobFacts> = {}, task = {}) =>
    plan({ tasks: { a: task, b: after('a') } }, { states: ['running'], active: [unit(0, { job: job(state, over) })] })
      .ends
  test.each([
    ['failed', { outcome: exited.outcome }, 'exited with code 3'],
    ['timed_out', { outcome: { state: 'timed_out', message: 'timed out after 3 s' } }, 'timed out after 3 s'],
    ['oom_killed', {}, 'its job ended as oom killed'],
    ['lost', {}, 'its job ended as lost'],
  ] as const)('%s', (state, over, words) => {
    expect(ends(state, over)).toEqual([`a failed ${words}`, 'b skipped skipped: task a failed'])
    expect(ends(state, over, { allow_failure: true })).toEqual([`a done ${words}`])
  })
  test('cancelled by somebody: no failure, nothing after it runs', () => {
    const made = plan(
      { tasks, on_error: { script: ['x'], env: {} } },
      {
        states: ['running'],
        active: [unit(0, { job: job('cancelled', { cancelReason: 'not now' }) })],
      },
    )
    expect(made.ends).toEqual(['a cancelled its job was cancelled: not now', 'b skipped skipped: task a was cancelled'])
    expect(made).toMatchObject({ onError: false, end: { result: 'cancelled', lastError: 'task a was cancelled' } })
  })
  test('a job that was removed does not hang the run', () => {
    expect(plan({ tasks }, { states: ['running'], active: [unit(0, { job: 'gone' })] })).toMatchObject({
      ends: ['a failed its job was removed before its end was noted', 'b skipped skipped: task a failed'],
      end: { result: 'failed' },
    })
  })
})

describe('after a failure', () => {
  const tasks = { a: {}, b: {}, c: { interruptible: false }, d: { interruptible: false }, e: {}, f: after('e') }
  const active = [
    unit(0, { job: exited }),
    unit(1, { job: job('running', { id: 'runs' }) }),
    unit(2, { job: job('running', { id: 'kept' }) }),
    unit(3, { job: job('queued', { id: 'unbegun' }) }),
  ]
  const states: TaskState[] = ['running', 'running', 'running', 'running']
  test('fail-fast: what runs is stopped if it may be, nothing else begins', () => {
    const made = plan({ tasks }, { states, active })
    expect(made).toMatchObject({
      ends: ['a failed exited with code 3', 'e skipped skipped: task a failed', 'f skipped skipped: task a failed'],
      ...{ begins: [], stopJobs: ['runs'], stopUnbegun: ['unbegun'], end: null },
      lastError: 'task a: exited with code 3',
    })
  })
  test('asked for once', () => {
    const asked = [unit(1, { job: job('running', { cancelRequested: true }) })]
    expect(plan({ tasks: { a: {}, b: {} } }, { states: ['failed', 'running'], active: asked }).stopJobs).toEqual([])
  })
  test('continue: only what depends on it is skipped', () => {
    expect(
      plan(
        { tasks: { a: {}, b: after('a'), c: after('b'), d: {} }, ...go },
        { states: ['running'], active: [unit(0, { job: exited })] },
      ),
    ).toMatchObject({
      ends: [
        'a failed exited with code 3',
        'b skipped skipped: task a failed',
        'c skipped skipped: task b was skipped',
      ],
      begins: ['d'],
    })
  })
  test('on_error comes when all is over, once, and its own failure only shows', () => {
    const parts: DefinitionParts = { tasks: { a: {}, b: {} }, on_error: { script: ['x'], env: {} } }
    const still = [unit(1, { job: job('running', { cancelRequested: true }) })]
    expect(plan(parts, { states: ['failed', 'running'], active: still })).toMatchObject({ onError: false, end: null })
    expect(plan(parts, { states: ['failed', 'cancelled'] })).toMatchObject({ onError: true, end: null })
    const running = unit(2, { job: job('running') })
    expect(plan(parts, { states: ['failed', 'skipped', 'running'], active: [running] })).toMatchObject({
      ...{ onError: false, end: null, stopJobs: [] },
    })
    expect(
      plan(parts, {
        states: ['failed', 'skipped', 'running'],
        active: [unit(2, { job: exited })],
        run: { lastError: 'task a: x' },
      }),
    ).toMatchObject({ ends: ['on_error failed exited with code 3'], end: { result: 'failed', lastError: 'task a: x' } })
    expect(plan(parts, { states: ['failed', 'skipped'], run: { cancelRequested: true } }).onError).toBe(false)
  })
})

test('cancel: what waits is cancelled, what runs is stopped, what may not be is waited for', () => {
  const tasks = {
    a: { interruptible: false },
    b: {},
    c: {},
    d: { script: [], approval: { message: null, timeout_ms: null, on_timeout: 'reject' as const } },
  }
  const active = [
    unit(0, { job: job('running') }),
    unit(1, { job: job('queued', { id: 'b' }) }),
    unit(3, { state: 'approval' }),
  ]
  const run = { cancelRequested: true, lastError: 'cancelled by anna' }
  const made = plan({ tasks }, { states: ['running', 'running', 'waiting', 'approval'], active, run })
  expect(made).toMatchObject({
    ends: ['d cancelled cancelled: the run was cancelled', 'c cancelled the run was cancelled'],
    ...{ stopJobs: ['b'], end: null },
  })
  expect(plan({ tasks }, { states: ['done', 'cancelled', 'cancelled', 'cancelled'], run }).end).toEqual({
    ...{ result: 'cancelled', lastError: 'cancelled by anna' },
  })
})

test('a task that somebody cancels before its turn, and one that runs', () => {
  const asked = unit(1, { state: 'waiting', cancelRequested: true, startedAt: null })
  const runs = unit(0, { cancelRequested: true, job: job('running', { id: 'a' }) })
  expect(
    plan({ tasks: { a: {}, b: {}, c: after('b') } }, { states: ['running'], active: [runs, asked] }),
  ).toMatchObject({
    ends: ['b cancelled cancelled', 'c skipped skipped: task b was cancelled'],
    stopJobs: ['a'],
  })
})

test('a run that takes too long fails, after what may not be stopped', () => {
  const parts: DefinitionParts = {
    tasks: { a: {}, b: after('a') },
    timeout_ms: 60_000,
    on_error: { script: ['x'], env: {} },
  }
  const early = { admittedAt: now }
  expect(plan(parts, { states: ['running'], active: [unit(0, { job: job('running') })], run: early })).toMatchObject({
    ...{ stopJobs: [], dueAt: now.getTime() + 60_000 },
  })
  expect(plan(parts, { states: ['running'], active: [unit(0, { job: job('running') })] })).toMatchObject({
    ends: ['b skipped skipped: the run timed out after 1m'],
    ...{ stopJobs: ['job'], lastError: 'the run timed out after 1m', end: null },
  })
  const run = { lastError: 'the run timed out after 1m' }
  expect(plan(parts, { states: ['cancelled', 'skipped'], run }).end).toEqual({ result: 'failed', ...run })
  expect(plan(parts, { states: ['done', 'done'] }).end).toEqual({ result: 'succeeded', lastError: null })
})

test('10,000 tasks, each after ten others, are planned from beginning to end in a second', () => {
  const tasks = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [
      `t${i}`,
      {
        depends_on: Array.from({ length: Math.min(i, 10) }, (__, n) => `t${i - 1 - n * 7}`).filter(
          (name) => !name.includes('-'),
        ),
      },
    ]),
  )
  const begin = performance.now()
  const graph = graphOf(definitionOf({ tasks }))
  // In waves of a thousand: one look each.
  for (let done = 0; done < 10_000; done += 1000) {
    const states = graph.tasks.map((_, i): TaskState => (i < done ? 'done' : 'waiting'))
    expect(planRun(graph, facts, { states, instances: new Map(), active: [] }, 500).begins).toEqual([done])
  }
  expect(performance.now() - begin).toBeLessThan(1000)
})
