/** Tasks that are no plain script: approvals, instances of a list, runs of other pipelines. */
import { describe, expect, test } from 'vitest'
import type { TaskState } from '../job/pipeline.ts'
import type { TaskFacts } from './plan.ts'
import type { DefinitionParts } from './testing/definitions.ts'
import { after, exited, facts, job, now, plan, unit, type Case } from './testing/plan-case.ts'
import type { ActiveUnit } from './unit-end.ts'

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
