/** Each kind of wrong that the checker must see, made by hand in a run where everything else is right. */
import { expect, test } from 'vitest'
import { bytesOf } from '../chaos/bytes.ts'
import { check } from '../chaos/checker.ts'
import type { Evidence, WitnessLine } from '../chaos/evidence.ts'
import type { Fault } from '../chaos/faults.ts'

const start = 1_800_000_000_000
const line = (word: string, attempt: number, out: number, more = ''): WitnessLine => ({
  ...{ word, job: 'aaaaaaaaaaaa', attempt, pid: 7, ms: 1, out, err: 0, more },
})
const kill = (victim: Fault['victim'], at: number, backAt = at + 1000): Fault => ({
  ...{ nr: 0, victim, id: { pid: 1, startTime: '1' }, at, backAt },
})

/** One job that was hurt by the death of its launcher, ran again and ended with code 3. */
const right = (): Evidence => ({
  operations: [
    { tag: 'one-0', kind: 'one', spec: {}, expected: { by: 'exit', code: 3 }, atMs: 0, keyed: true },
    { tag: 'two-1', kind: 'two', spec: {}, expected: { by: 'exit', code: 0 }, atMs: 0, keyed: false },
  ],
  history: [
    { t: start, op: 'submit', tag: 'one-0', answer: 'indeterminate', why: 'no answer' },
    { t: start, op: 'submit', tag: 'one-0', answer: 'acknowledged', id: 'aaaaaaaaaaaa' },
    { t: start, op: 'submit', tag: 'two-1', answer: 'indeterminate', why: 'no answer' },
    { t: start + 20_000, op: 'seen', id: 'aaaaaaaaaaaa', state: 'failed', open: 0 },
  ],
  faults: [kill('launcher', start + 8000)],
  keepForMs: 50_000,
  jobs: [{ id: 'aaaaaaaaaaaa', tag: 'one-0', state: 'failed', attempts_spent: 2, max_attempts: 3, outcome: null }],
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
    { id: 'aaaaaaaaaaaa', attempt: 1, stream: 'stdout', length: 20, agrees: 20, sha256: '' },
    { id: 'aaaaaaaaaaaa', attempt: 2, stream: 'stdout', length: 100, agrees: 100, sha256: '' },
  ],
  crashes: [],
  stopped: { server: 0, runner: 0 },
  leftovers: [],
})

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

test('the bytes of a stream are the same however much of it is asked for, and of every value', () => {
  const all = bytesOf('some-1/1/stdout', 100_000)
  expect(bytesOf('some-1/1/stdout', 777)).toEqual(all.subarray(0, 777))
  expect(new Set(all).size).toBe(256)
  expect(bytesOf('some-1/2/stdout', 100)).not.toEqual(all.subarray(0, 100))
})
