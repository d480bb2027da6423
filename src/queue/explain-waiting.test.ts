import { expect, test } from 'vitest'
import { labelList } from '../job/labels.ts'
import { projectLabel } from '../job/project.ts'
import { explainWaiting, type NamedNeighbour, type RunnerRoom, type WaitingJob } from './explain-waiting.ts'

const job = (over: Partial<WaitingJob> = {}): WaitingJob => ({
  state: 'queued',
  runner: null,
  openDependencies: [],
  blockersLeft: 0,
  notBefore: null,
  scheduledFor: null,
  attemptsSpent: 0,
  maxAttempts: 3,
  queue: 'default',
  queuePaused: false,
  queueConcurrency: null,
  queueHeld: 0,
  queueTokens: null,
  owner: 'ada',
  ownerId: '1',
  ownerMaxRunning: 10,
  ownerHeld: 0,
  executor: 'sandbox',
  requiredLabels: [],
  project: null,
  cpuMillis: 0,
  memoryMib: 0,
  placement: {},
  ...over,
})
const room = (over: Partial<RunnerRoom> = {}): RunnerRoom => ({
  runnerId: 'r1',
  labels: [],
  executors: ['sandbox'],
  slots: 2,
  cpuMillis: 2000,
  memoryMib: 2000,
  slotsLeft: 2,
  cpuLeft: 2000,
  memoryLeft: 2000,
  channels: [],
  ...over,
})
const at = new Date('2030-01-02T03:04:05Z')

test.each<[string, WaitingJob, RunnerRoom[], RegExp]>([
  [
    'dependency',
    job({ state: 'blocked', openDependencies: ['aaa', 'bbb'], blockersLeft: 5 }),
    [],
    /aaa, bbb and 3 more/,
  ],
  ['delay', job({ state: 'scheduled', scheduledFor: 'delay', notBefore: at }), [], /not before 2030-01-02T03:04:05/],
  [
    'backoff',
    job({ state: 'scheduled', scheduledFor: 'backoff', notBefore: at, attemptsSpent: 1 }),
    [],
    /attempt 1 of 3/,
  ],
  ['queue_paused', job({ queuePaused: true, queueConcurrency: 1, queueHeld: 1 }), [room()], /queue default is paused/],
  ['queue_limit', job({ queueConcurrency: 2, queueHeld: 2, queueTokens: 0 }), [room()], /runs 2 jobs, its limit/],
  ['queue_limit', job({ queueConcurrency: 1, queueHeld: 1 }), [room()], /runs 1 job, its limit/],
  ['starting', job({ state: 'leased', runner: 'box' }), [], /^runner box is starting it$/],
  ['rate_limit', job({ queueTokens: 0.9 }), [room()], /rate of starts/],
  ['user_cap', job({ ownerHeld: 10 }), [], /ada has 10 jobs running/],
  ['no_matching_runner', job(), [], /no runner is online/],
  ['no_matching_runner', job({ requiredLabels: ['gpu=1'] }), [room()], /with the labels gpu=1/],
  ['no_matching_runner', job({ executor: 'ssh' }), [room()], /executor ssh/],
  [
    'no_matching_runner',
    job({ requiredLabels: ['gpu=1'], placement: { avoid: ['zone=b'] } }),
    [room({ labels: ['gpu=1', 'zone=b'] })],
    /with the labels gpu=1 and without zone=b$/,
  ],
  ['no_matching_runner', job({ cpuMillis: 2001 }), [room()], /2\.001 CPU.*more than any/],
  ['no_capacity', job(), [room({ slotsLeft: 0 })], /^every matching runner is busy \(1 of 1\)$/],
  [
    'no_capacity',
    job({ memoryMib: 1500 }),
    [room({ memoryLeft: 1000 })],
    /^every matching runner is too busy for 1500 MiB \(1 of 1\)$/,
  ],
  [
    'no_capacity',
    job(),
    [
      room({
        name: 'web1',
        slotsLeft: 1,
        load: { holding_back: 1, why: 'other work uses 3.9 of 4 cores', memory_mib: 900 },
      }),
    ],
    /^runner web1 holds back, because its host is busy: other work uses 3\.9 of 4 cores$/,
  ],
  [
    'no_capacity',
    job({ memoryMib: 1000 }),
    [
      room({ name: 'web1', slotsLeft: 1, load: { holding_back: 0, why: null, memory_mib: 900 } }),
      room({ name: 'web2', slotsLeft: 1, load: { holding_back: 1, why: 'x', memory_mib: null } }),
    ],
    /^runner web1 holds back, because its host is busy: 900 MiB of memory are left, and so does 1 other$/,
  ],
  // Without a job it takes one.
  ['ready', job({ memoryMib: 1000 }), [room({ load: { holding_back: 1, why: 'x', memory_mib: 900 } })], /next free/],
  ['ready', job(), [room({ slotsLeft: 1, load: { holding_back: 0, why: null, memory_mib: 0 } })], /next free/],
  ['ready', job({ queueConcurrency: 2, queueHeld: 1, queueTokens: 1 }), [room()], /next free slot/],
])('%s %#', (code, waiting, online, text) => {
  const reason = explainWaiting(waiting, online)
  expect(reason.code).toBe(code)
  expect(reason.text).toMatch(text)
})

test('a shared input that no runner has, or that does not answer', () => {
  const wants = job({ requiredLabels: ['gpu=yes', 'input.fixtures=yes'] })
  const say = (...rooms: RunnerRoom[]) => explainWaiting(wants, rooms).text
  expect(say(room({ labels: ['gpu=yes'] }))).toBe('no runner has the shared input fixtures')
  const inputs = { fixtures: { ok: false, since: '2030-01-02T12:03:05Z', reason: 'no answer within 2 s' } }
  expect(say(room({ name: 'web1', labels: ['gpu=yes'], inputs }))).toBe(
    'shared input fixtures does not answer on runner web1 since 12:03 UTC: no answer within 2 s (stale mount?)',
  )
  // Here it is the other label that is missing.
  expect(say(room({ labels: ['input.fixtures=yes'] }))).toMatch(/with the labels gpu=yes/)
})

test('a project directory that no runner has is named, and not the mark that stands for it', () => {
  const [mark = ''] = labelList(projectLabel('/srv/app'))
  const task = job({ requiredLabels: ['gpu=1', mark], project: '/srv/app' })
  const say = (...labels: string[]) => explainWaiting(task, [room({ labels })]).text
  expect(say('gpu=1')).toBe('no runner online has the project directory /srv/app (start one with --pipelines /srv/app)')
  expect(say(mark)).toBe(
    'no runner online has the executor sandbox with the labels gpu=1 and with the project directory /srv/app',
  )
  expect(say('gpu=1', mark)).toBe('next free slot')
})

const near = { near: ['app=db'] }
const at1 = (...labels: string[]) => ({ runnerId: 'r1', runner: 'one', ownerId: '1', labels })
const two = [room(), room({ runnerId: 'r2' })]

test.each<[string, WaitingJob, RunnerRoom[], NamedNeighbour[], RegExp]>([
  [
    'affinity',
    job({ placement: near }),
    two,
    [],
    /^placement\.affinity asks .* of ada with app=db, and there is none$/,
  ],
  ['affinity', job({ placement: near }), two, [{ ...at1('app=db'), ownerId: '2' }], /there is none$/],
  [
    'affinity',
    job({ placement: near }),
    [room({ runnerId: 'r2' })],
    [at1('app=db')],
    /its runner \(one\) may not take/,
  ],
  [
    'affinity',
    job({ placement: near, requiredLabels: ['gpu=1'] }),
    [room(), room({ runnerId: 'r2', labels: ['gpu=1'] })],
    [at1('app=db')],
    /its runner \(one\) may not take this one$/,
  ],
  ['ready', job({ placement: near }), two, [at1('app=db', 'x=y')], /next free slot/],
  ['ready', job({ placement: { ...near, near_or_first: true } }), two, [], /next free slot/],
  [
    'no_capacity',
    job({ placement: near }),
    [room({ slotsLeft: 0 }), room({ runnerId: 'r2' })],
    [at1('app=db')],
    /^every runner that its placement allows is busy \(1 of 2\)$/,
  ],
  [
    'anti_affinity',
    job({ placement: { apart: ['app=db'] } }),
    [room()],
    [at1('app=db')],
    /^placement\.anti_affinity keeps it away from jobs of ada with app=db, and the only runner for it has one$/,
  ],
  ['ready', job({ placement: { apart: ['app=db'] } }), two, [at1('app=db')], /next free slot/],
  ['ready', job({ placement: { prefer_near: ['app=db'], prefer_apart: ['a=b'] } }), [room()], [at1('a=b')], /next/],
])('%s %#, by rules', (code, waiting, online, neighbours, text) => {
  const reason = explainWaiting(waiting, online, neighbours)
  expect(reason.code).toBe(code)
  expect(reason.text).toMatch(text)
})
