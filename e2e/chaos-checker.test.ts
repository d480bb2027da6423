/** Each kind of wrong that the checker must see, made by hand in a run where everything else is right. */
import { expect, test } from 'vitest'
import { bytesOf } from '../chaos/bytes.ts'
import { secretOf, secretsIn } from '../chaos/canary.ts'
import { check } from '../chaos/checker.ts'
import type { Evidence, WitnessLine } from '../chaos/evidence.ts'
import type { Fault } from '../chaos/faults.ts'

const start = 1_800_000_000_000
const line = (word: string, attempt: number, out: number, more = ''): WitnessLine => ({
  ...{ word, job: 'aaaaaaaaaaaa', attempt, pid: 7, ms: 1, out, err: 0, more },
})
const kill = (victim: Fault['victim'], at: number, more: Partial<Fault> = {}): Fault => ({
  ...{ nr: 0, victim, at, backAt: at + 1000, ...more },
})

const bare = { sha256: '', secrets: [] }
const noted = { actor: 'admin', action: 'job.submit', result: 'done', replayed: false, kind: null, token: null }

/** One job that was hurt by the death of its launcher, ran again and ended with code 3. */
const right = (): Evidence => ({
  operations: [
    { tag: 'one-0', kind: 'one', spec: {}, expected: { by: 'exit', code: 3 }, atMs: 0, keyed: true },
    { tag: 'two-1', kind: 'two', spec: {}, expected: { by: 'exit', code: 0 }, atMs: 0, keyed: false },
    {
      tag: 'next-2',
      kind: 'next',
      spec: {},
      expected: { by: 'exit', code: 0 },
      atMs: 0,
      keyed: true,
      after: ['one-0'],
    },
    { tag: 'no-3', kind: 'no', spec: {}, expected: { by: 'exit', code: 0 }, atMs: 0, keyed: true, forbidden: true },
  ],
  history: [
    { t: start, op: 'submit', tag: 'one-0', answer: 'indeterminate', why: 'no answer' },
    { t: start, op: 'submit', tag: 'one-0', answer: 'acknowledged', id: 'aaaaaaaaaaaa' },
    { t: start, op: 'submit', tag: 'two-1', answer: 'indeterminate', why: 'no answer' },
    { t: start, op: 'submit', tag: 'next-2', answer: 'acknowledged', id: 'dddddddddddd' },
    { t: start, op: 'submit', tag: 'no-3', answer: 'failed', why: 'your role (viewer) may not submit jobs' },
    { t: start + 20_000, op: 'seen', id: 'aaaaaaaaaaaa', state: 'failed', open: 0 },
  ],
  faults: [kill('launcher', start + 8000)],
  keepForMs: 50_000,
  jobs: [
    {
      ...{ id: 'aaaaaaaaaaaa', tag: 'one-0', state: 'failed', attempts_spent: 2, max_attempts: 3, outcome: null },
      ...{ lane: '1', priority: 5, queued: start, on_failure: null },
    },
    {
      ...{ id: 'dddddddddddd', tag: 'next-2', state: 'skipped', attempts_spent: 0, max_attempts: 3, outcome: null },
      ...{ lane: '1', priority: 5, queued: null, on_failure: null },
    },
  ],
  attempts: [
    {
      ...{ id: 'aaaaaaaaaaaa', number: 1, token: '4', state: 'lost', runner: 'first' },
      ...{ leased: start + 1000, ended: start + 8100, outcome: { state: 'lost', error_class: 'lost' }, log: null },
    },
    {
      ...{ id: 'aaaaaaaaaaaa', number: 2, token: '9', state: 'failed', runner: 'first' },
      ...{ leased: start + 15_000, ended: start + 19_000, log: null },
      outcome: { state: 'failed', exit_code: 3, error_class: 'exit', remaining_processes: 0 },
    },
  ],
  witnesses: new Map([
    [
      'one-0',
      [line('start', 1, 0), line('beat', 1, 50), line('start', 2, 0), line('beat', 2, 100), line('end', 2, 100)],
    ],
  ]),
  logs: [
    { id: 'aaaaaaaaaaaa', attempt: 1, stream: 'stdout', length: 20, agrees: 20, ...bare },
    { id: 'aaaaaaaaaaaa', attempt: 2, stream: 'stdout', length: 100, agrees: 100, ...bare },
  ],
  crashes: [],
  stopped: { server: 0, runner: 0 },
  leftovers: [],
  dependencies: [{ id: 'dddddddddddd', on: 'aaaaaaaaaaaa' }],
  caps: [{ kind: 'queue', name: 'narrow', cap: 2, most: 2 }],
  audit: {
    rows: [
      { ...noted, target: 'job:aaaaaaaaaaaa' },
      { ...noted, target: 'job:aaaaaaaaaaaa', replayed: true },
      { ...noted, target: 'job:dddddddddddd' },
      { ...noted, actor: 'ghost', action: 'runner.stale', result: 'refused', target: null, kind: 'finish', token: '4' },
      { ...noted, actor: 'watcher', result: 'refused', target: null },
    ],
    problems: [],
  },
  secretsSeen: [],
  openFiles: [{ name: 'server1', before: 40, after: 60 }],
  replays: [{ kind: 'finish', how: 'an old token', server: 'server1', token: '4', accepted: false, answer: 'stale' }],
})

/** A job like the first one, queued and begun at these times. */
const another = (e: Evidence, id: string, queued: number, leased: number): void => {
  e.jobs.push({ ...e.jobs[0]!, id, tag: `${id}-9`, queued })
  e.attempts.push({ ...e.attempts[0]!, id, leased, ended: leased + 1000 })
  e.history.push({ t: queued + 100, op: 'seen', id, state: 'queued', open: 0 })
}

test('a run in which nothing is wrong has no violation', () => {
  expect(check(right())).toEqual([])
})

const wrongs: [string, string, (evidence: Evidence) => void][] = [
  ['an acknowledged job is not there', 'lost_job', (e) => void (e.jobs = [])],
  ['a job ran that nobody knows', 'lost_job', (e) => void e.witnesses.set('two-1', [line('start', 1, 0)])],
  ['one submit made two jobs', 'doubled_job', (e) => void e.jobs.push({ ...e.jobs[0]!, id: 'bbbbbbbbbbbb' })],
  ['a job was never asked for', 'unasked_job', (e) => void e.jobs.push({ ...e.jobs[0]!, id: 'b', tag: 'x' })],
  ['a job does not end', 'not_ended', (e) => void (e.jobs[0]!.state = 'queued')],
  ['an end is not the last one', 'changed_end', (e) => void (e.jobs[0]!.state = 'succeeded')],
  [
    'two attempts were open at a time',
    'overlap',
    (e) => void e.history.unshift({ t: 1, op: 'seen', id: 'aaaaaaaaaaaa', state: 'running', open: 2 }),
  ],
  [
    'an earlier attempt beats after a later one',
    'overlap',
    (e) => void e.witnesses.get('one-0')!.push(line('child', 1, 0)),
  ],
  ['an attempt is started twice', 'started_twice', (e) => void e.witnesses.get('one-0')!.push(line('start', 2, 0))],
  [
    'an attempt that nobody leased ran',
    'bad_attempts',
    (e) => void e.witnesses.get('one-0')!.push(line('start', 3, 0)),
  ],
  ['a token does not rise', 'bad_attempts', (e) => void (e.attempts[1]!.token = '4')],
  ['an attempt is open after the end', 'bad_attempts', (e) => void (e.attempts[0]!.ended = null)],
  ['an exit code is another', 'wrong_outcome', (e) => void (e.attempts[1]!.outcome!.exit_code = 4)],
  ['an end was invented', 'wrong_outcome', (e) => void e.witnesses.get('one-0')!.pop()],
  ['an attempt is lost for no reason', 'wrong_outcome', (e) => void (e.faults = [])],
  [
    'an attempt is lost, and its runner was away for a moment only',
    'wrong_outcome',
    (e) => void (e.faults = [kill('runner', start + 8000)]),
  ],
  ['a process remained', 'wrong_outcome', (e) => void (e.attempts[1]!.outcome!.remaining_processes = 1)],
  ['it is not tried again', 'wrong_outcome', (e) => void (e.attempts.pop(), (e.jobs[0]!.attempts_spent = 1))],
  [
    'a cancel was acknowledged and did nothing',
    'cancel_ignored',
    (e) => void e.history.push({ t: 1, op: 'cancel', tag: 'one-0', answer: 'acknowledged' }),
  ],
  ['bytes are missing', 'log_missing', (e) => Object.assign(e.logs[1]!, { length: 99, agrees: 99 })],
  ['bytes are doubled', 'log_wrong', (e) => Object.assign(e.logs[1]!, { length: 120, agrees: 100 })],
  ['bytes are more than were written', 'log_wrong', (e) => Object.assign(e.logs[1]!, { length: 120, agrees: 120 })],
  ['a prefix has other bytes', 'log_wrong', (e) => Object.assign(e.logs[0]!, { agrees: 3 })],
  [
    'it came to its end in an outage of everybody, and is lost',
    'wrong_outcome',
    (e) => {
      e.faults = [kill('postgres', start + 2000, { backAt: start + 60_000, outage: true })]
      e.witnesses.get('one-0')!.splice(2, 0, line('end', 1, 50))
    },
  ],
  ['a launcher died, but not the one of the attempt', 'wrong_outcome', (e) => void (e.faults[0]!.where = 'second')],
  ['a token that is over was taken', 'stale_accepted', (e) => void (e.replays[0]!.accepted = true)],
  [
    'a job began before the one that it waits for had ended',
    'dependency_broken',
    (e) => void e.dependencies.push({ id: 'aaaaaaaaaaaa', on: 'aaaaaaaaaaaa' }),
  ],
  ['a job ran although what it needs had failed', 'dependency_broken', (e) => void (e.jobs[1]!.state = 'succeeded')],
  ['a queue had more than it may', 'cap_exceeded', (e) => void (e.caps[0]!.most = 3)],
  [
    'who came later was served long before',
    'out_of_turn',
    (e) => (another(e, 'early', start, start + 30_000), another(e, 'late', start + 9000, start + 10_000)),
  ],
  ['a submit has no audit row', 'audit_wrong', (e) => void e.audit.rows.shift()],
  ['a submit has two audit rows', 'audit_wrong', (e) => void e.audit.rows.push(e.audit.rows[0]!)],
  ['a refused submit has no audit row', 'audit_wrong', (e) => void e.audit.rows.pop()],
  ['a refused message has no audit row', 'audit_wrong', (e) => void e.audit.rows.splice(3, 1)],
  ['the chain of the audit log is broken', 'audit_wrong', (e) => void e.audit.problems.push('changed')],
  ['a secret is readable', 'secret_seen', (e) => void e.secretsSeen.push('in hex in table jobs')],
  [
    'somebody who may only look submitted a job',
    'wrong_outcome',
    (e) => void e.history.push({ t: 1, op: 'submit', tag: 'no-3', answer: 'acknowledged', id: 'x' }),
  ],
  ['files are left open', 'leftover', (e) => void (e.openFiles[0]!.after = 400)],
  ['something is left over', 'leftover', (e) => void e.leftovers.push('cgroup /x')],
  ['the runner does not stop in order', 'crash', (e) => void (e.stopped['runner'] = 1)],
  [
    'the server ends by itself',
    'crash',
    (e) =>
      void e.crashes.push({
        name: 'server',
        ending: { startedAt: start, at: start + 60_000, code: 1, signal: null, wanted: false, words: '' },
      }),
  ],
]

test.each(wrongs)('it is seen when %s', (_what, kind, spoil) => {
  const evidence = right()
  spoil(evidence)
  expect(check(evidence).map((violation) => violation.kind)).toContain(kind)
})

test('a secret is found in every form, whatever stands before and behind it', () => {
  const secret = Buffer.from(secretOf(7))
  const base64 = [0, 1, 2].map((n) => Buffer.concat([Buffer.alloc(n, '?'), secret, Buffer.alloc(n)]).toString('base64'))
  const encoded = [
    secret.toString(),
    JSON.stringify(`${secret}`),
    encodeURIComponent(`${secret}`),
    secret.toString('hex'),
  ]
  for (const text of [...base64, ...encoded]) expect(secretsIn(Buffer.from(`log: ${text}!`)), text).toHaveLength(1)
  expect(secretsIn(Buffer.from('cAn4ry'))).toEqual([])
})

test('the bytes of a stream are the same however much of it is asked for, and of every value', () => {
  const all = bytesOf('some-1/1/stdout', 100_000)
  expect(bytesOf('some-1/1/stdout', 777)).toEqual(all.subarray(0, 777))
  expect(new Set(all).size).toBe(256)
  expect(bytesOf('some-1/2/stdout', 100)).not.toEqual(all.subarray(0, 100))
})
