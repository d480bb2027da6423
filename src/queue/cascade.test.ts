import { expect, test } from 'vitest'
import { cascade, type BlockedJob, type EndedJob } from './cascade.ts'

const job = (id: string, blockers_left: number, over: Partial<BlockedJob> = {}): BlockedJob => ({
  id,
  public_id: id.toUpperCase(),
  blockers_left,
  on_failure: null,
  later: false,
  ...over,
})
/** `b<a` reads: b depends on a. */
const edges = (...pairs: string[]) =>
  pairs.map((pair) => ({ job_id: pair.split('<')[0]!, depends_on_id: pair.split('<')[1]! }))
const run = { on_failure: 'run' }

test.each<[string, [string, boolean][], string[], BlockedJob[], string]>([
  ['success frees', [['a', true]], ['b<a'], [job('b', 1)], 'b:queued:0'],
  ['success of one of two', [['a', true]], ['c<a', 'c<b'], [job('c', 2)], 'c:blocked:1'],
  [
    'both at once',
    [
      ['a', true],
      ['b', true],
    ],
    ['c<a', 'c<b'],
    [job('c', 2)],
    'c:queued:0',
  ],
  ['its time has not come', [['a', true]], ['b<a'], [job('b', 1, { later: true })], 'b:scheduled:0'],
  ['failure skips', [['a', false]], ['b<a'], [job('b', 3)], 'b:skipped:2'],
  ['failure with run frees', [['a', false]], ['b<a'], [job('b', 1, run)], 'b:queued:0'],
  ['failure with run counts once', [['a', false]], ['b<a'], [job('b', 2, run)], 'b:blocked:1'],
  [
    'a skip goes on',
    [['a', false]],
    ['b<a', 'c<b', 'd<c'],
    [job('b', 1), job('c', 1), job('d', 1)],
    'b:skipped:0 c:skipped:0 d:skipped:0',
  ],
  [
    'until somebody runs all the same',
    [['a', false]],
    ['b<a', 'c<b', 'd<c'],
    [job('b', 1), job('c', 1, run), job('d', 1)],
    'b:skipped:0 c:queued:0',
  ],
  [
    'the second of two failures',
    [
      ['a', false],
      ['b', false],
    ],
    ['c<a', 'c<b', 'd<c'],
    [job('c', 2), job('d', 1)],
    'c:skipped:0 d:skipped:0',
  ],
  [
    'failure beats success',
    [
      ['a', true],
      ['b', false],
    ],
    ['c<a', 'c<b'],
    [job('c', 2)],
    'c:skipped:0',
  ],
  ['one that is not blocked any more', [['a', true]], ['b<a'], [], ''],
])('%s', (_, ended, pairs, blocked, expected) => {
  const jobs = ended.map(([jobKey, ok]): EndedJob => ({
    jobKey,
    publicId: jobKey.toUpperCase(),
    state: ok ? 'succeeded' : 'timed_out',
  }))
  const moves = cascade(jobs, edges(...pairs), blocked)
  expect(moves.map((move) => `${move.id}:${move.state}:${move.blockers_left}`).join(' ')).toBe(expected)
})

test('who is skipped is told for which job', () => {
  const ended: EndedJob[] = [{ jobKey: 'a', publicId: 'A', state: 'timed_out' }]
  const moves = cascade(ended, edges('b<a', 'c<b'), [job('b', 1), job('c', 1)])
  expect(moves.map((move) => move.outcome?.message)).toEqual([
    'skipped: job A ended as timed out',
    'skipped: job B was skipped',
  ])
})
