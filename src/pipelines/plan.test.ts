/** What follows from what: tables of states in, moves out; and a large graph, in time. */
import { describe, expect, test } from 'vitest'
import type { TaskState } from '../job/pipeline.ts'
import { planRun, type RunFacts, type TaskFacts } from './plan.ts'
import { graphOf } from './run-graph.ts'
import { definitionOf, type DefinitionParts } from './testing/definitions.ts'
import type { ActiveUnit, JobFacts } from './unit-end.ts'

const now = new Date('2030-01-01T00:00:00Z')
const facts: RunFacts = { now, admittedAt: new Date(now.getTime() - 60_000), cancelRequested: false, lastError: null }

const job = (state: JobFacts['state'], over: Partial<JobFacts> = {}): JobFacts => ({
  id: 'job',
  state,
  outcome: null,
  outputs: null,
  startedAt: now,
  endedAt: now,
  cancelRequested: false,
  cancelReason: null,
  ...over,
})
const unit = (position: number, over: Partial<ActiveUnit> = {}): ActiveUnit => ({
  ...{ position, item: -1, state: 'running', cancelRequested: false, startedAt: now, job: null, child: null },
  ...{ decision: null, decidedBy: null, note: null },
  ...over,
})

interface Case {
  /** State of each task in order, `waiting` when missing. */
  states?: TaskState[]
  active?: ActiveUnit[]
  instances?: TaskFacts['instances']
  run?: Partial<RunFacts>
  atOnce?: number
}

function plan(parts: DefinitionParts, { states = [], active = [], instances = new Map(), run, atOnce = 500 }: Case) {
  const graph = graphOf(definitionOf(parts))
  const all = [...graph.tasks.map((_, i): TaskState => states[i] ?? 'waiting'), ...states.slice(graph.tasks.length)]
  const made = planRun(graph, { ...facts, ...run }, { states: all, instances, active }, atOnce)
  const name = (position: number): string => graph.tasks[position]?.name ?? 'on_error'
  return {
    ...made,
    ends: made.ends.map(({ position, item, state, error }) =>
      [name(position) + (item < 0 ? '' : `[${item}]`), state, error].filter((word) => word !== null).join(' '),
    ),
    begins: made.begins.map(name),
    expands: made.expands.map(name),
    gathers: made.gathers.map(name),
  }
}

const diamond = { a: {}, b: { depends_on: ['a'] }, c: { depends_on: ['a'] }, d: { depends_on: ['b', 'c'] } }
const exited = job('failed', { outcome: { state: 'failed', exit_code: 3, message: 'exited with code 3' } })
const go = { continue_running_tasks_after_failure: true }
const after = (name: string) => ({ depends_on: [name] })

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

describe('approvals', () => {
  const approval = { message: null, timeout_ms: 60_000, on_timeout: 'reject' as const }
  const parts = (over = {}): DefinitionParts => ({
    tasks: { ok: { script: [], approval: { ...approval, ...over } }, next: after('ok') },
  })
  const asked = (over: Partial<ActiveUnit> = {}): Case => ({
    states: ['approval'],
    active: [unit(0, { state: 'approval', ...over })],
  })
  test.each([
    ['approved', {}, { decision: 'approved' }, { ends: ['ok done'], begins: ['next'] }],
    [
      'rejected',
      {},
      { decision: 'rejected', decidedBy: 'anna', note: 'no' },
      { ends: ['ok failed rejected by anna: no', 'next skipped skipped: task ok failed'] },
    ],
    ['nobody yet', {}, {}, { ends: [], dueAt: now.getTime() + 60_000 }],
    [
      'nobody in time',
      {},
      { startedAt: facts.admittedAt },
      { ends: ['ok failed nobody decided within 1m', 'next skipped skipped: task ok failed'] },
    ],
    [
      'nobody in time, approved so',
      { on_timeout: 'approve' },
      { startedAt: facts.admittedAt },
      { ends: ['ok done'], begins: ['next'] },
    ],
  ] as const)('%s', (_, over, facts, wanted) => {
    expect(plan(parts(over), asked(facts))).toMatchObject(wanted)
  })
})

describe('fan-out', () => {
  const tasks = { each: { for_each: [1, 2, 3, 4], max_parallel: 2 }, next: after('each') }
  const fan = unit(0)
  const counts = (over: Partial<Record<TaskState, number>>): TaskFacts['instances'] => new Map([[0, over]])
  test('expanded in its turn, two at a time, gathered when all are over', () => {
    expect(plan({ tasks }, {})).toMatchObject({ expands: ['each'], begins: [] })
    expect(plan({ tasks }, { states: ['running'], active: [fan], instances: counts({ waiting: 4 }) })).toMatchObject({
      instances: [{ position: 0, count: 2 }],
    })
    const one = unit(0, { item: 0, job: job('succeeded') })
    const two = unit(0, { item: 1, job: job('running') })
    expect(
      plan({ tasks }, { states: ['running'], active: [fan, one, two], instances: counts({ waiting: 2, running: 2 }) }),
    ).toMatchObject({ ends: ['each[0] done'], instances: [{ position: 0, count: 1 }], gathers: [] })
    expect(plan({ tasks }, { states: ['running'], active: [fan], instances: counts({ done: 4 }) })).toMatchObject({
      ...{ gathers: ['each'], instances: [], begins: [], end: null },
    })
  })
  test('the failure of one stops the others', () => {
    const active = [fan, unit(0, { item: 0, job: exited }), unit(0, { item: 1, job: job('running') })]
    expect(
      plan({ tasks }, { states: ['running'], active, instances: counts({ waiting: 2, running: 2 }) }),
    ).toMatchObject({
      ...{ stopJobs: ['job'], lastError: 'task each[0]: exited with code 3' },
      sweeps: [{ position: 0, state: 'skipped', error: 'skipped: task each failed' }],
    })
  })
})

test('sub-pipelines: started, waited for, stopped with their task', () => {
  const tasks = { sub: { script: [], pipeline: { name: 'other', variables: {} } }, next: after('sub') }
  const child = { key: '7', publicId: 'child', result: null, lastError: null, endedAt: null, cancelRequested: false }
  const at = (over: Partial<ActiveUnit>): Case => ({ states: ['running'], active: [unit(0, over)] })
  expect(plan({ tasks }, {})).toMatchObject({ begins: ['sub'] })
  expect(plan({ tasks }, at({})).startChildren).toHaveLength(1)
  expect(plan({ tasks }, at({ child }))).toMatchObject({ startChildren: [], stopChildren: [], ends: [] })
  expect(plan({ tasks }, at({ child: { ...child, result: 'succeeded' } }))).toMatchObject({
    ends: ['sub done'],
    begins: ['next'],
  })
  expect(plan({ tasks }, at({ child: { ...child, result: 'failed', lastError: 'task x: y' } })).ends[0]).toBe(
    'sub failed its run child failed: task x: y',
  )
  expect(plan({ tasks }, at({ child: 'gone' })).ends[0]).toMatch(/^sub failed its run was removed/)
  const run = { cancelRequested: true }
  expect(plan({ tasks }, { ...at({ child }), run })).toMatchObject({
    stopChildren: ['7'],
    ends: ['next cancelled the run was cancelled'],
  })
  expect(plan({ tasks }, { ...at({}), run }).ends[0]).toBe('sub cancelled cancelled: the run was cancelled')
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
