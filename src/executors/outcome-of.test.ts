import { describe, expect, test } from 'vitest'
import { StartRefused, type Ended } from './executor.ts'
import { size } from '../lib/byte-size.ts'
import { outcomeOf, refusedOutcome, seconds, type EndInput } from './outcome-of.ts'

const at = new Date('2026-01-02T03:04:05Z')
const ended = (over: Partial<Ended> = {}): Ended => ({
  exitCode: 0,
  signal: null,
  oomKills: 0,
  oomKilled: false,
  usage: {},
  remaining: 0,
  unenforced: [],
  startedAt: at,
  endedAt: at,
  ...over,
})
const killed = ended({ exitCode: null, signal: 'SIGKILL' })
const input = (over: Partial<EndInput>): EndInput => ({
  ended: ended(),
  timeoutMs: 3_000,
  memoryBytes: 64 * 2 ** 20,
  ...over,
})

describe('what an end means', () => {
  test.each<[string, Partial<EndInput>, unknown[]]>([
    ['exit 0', {}, ['succeeded', undefined, undefined]],
    ['exit 7', { ended: ended({ exitCode: 7 }) }, ['failed', 'exit', 'exited with code 7']],
    [
      'exit 137 alone is no memory kill',
      { ended: ended({ exitCode: 137 }) },
      ['failed', 'exit', 'exited with code 137'],
    ],
    [
      'a signal of its own',
      { ended: ended({ exitCode: null, signal: 'SIGSEGV' }) },
      ['failed', 'signal', 'killed by SIGSEGV'],
    ],
    [
      'the keeper was quicker than our own watch',
      { ended: { ...killed, reason: 'keeper' } },
      ['lost', 'lost', expect.stringContaining('could not reach the server')],
    ],
    [
      'memory',
      { ended: { ...killed, oomKilled: true, oomKills: 1 } },
      ['oom_killed', 'oom', 'killed for using more than its 64 MiB of memory'],
    ],
    [
      'timeout, then kill',
      { ended: { ...killed, reason: 'timeout' } },
      ['timed_out', 'timeout', 'timed out after 3 s'],
    ],
    [
      'timeout, exit 0 in the grace',
      { ended: ended({ reason: 'timeout' }) },
      ['timed_out', 'timeout', 'timed out after 3 s'],
    ],
    ['cancel, exit 0 in the grace', { ended: ended({ reason: 'cancelled' }) }, ['cancelled', undefined, 'cancelled']],
    [
      'memory kill during a cancel',
      { ended: { ...killed, oomKilled: true, reason: 'cancelled' } },
      ['cancelled', undefined, 'cancelled'],
    ],
  ])('%s', (_name, over, expected) => {
    const outcome = outcomeOf(input(over))
    expect([outcome.state, outcome.error_class, outcome.message]).toEqual(expected)
  })

  test('what it was not let to is told, also of one that went on without', () => {
    const notReached = ['a.test:443', 'b.test:80', 'c.test:80', 'd.test:80', 'e.test:80', 'f.test:80']
    const told = (over: Partial<Ended>) => outcomeOf(input({ ended: ended(over) })).message
    expect(told({ notReached: notReached.slice(0, 1) })).toBe('it was not let to a.test:443 (network egress)')
    expect(told({ exitCode: 56, notReached })).toBe(
      'exited with code 56; it was not let to a.test:443, b.test:80, c.test:80, d.test:80, e.test:80, … (network egress)',
    )
  })

  test('children killed for memory are counted although the job went on', () => {
    const memoryBytes = 32 * 2 ** 20
    expect(outcomeOf(input({ memoryBytes, ended: ended({ oomKills: 1 }) }))).toMatchObject({
      state: 'succeeded',
      oom_kills: 1,
      message: '1 of its processes was killed for memory (limit 32 MiB)',
    })
    expect(outcomeOf(input({ memoryBytes, ended: ended({ oomKills: 2, exitCode: 3 }) }))).toMatchObject({
      state: 'failed',
      error_class: 'exit',
      message: 'exited with code 3; 2 of its processes were killed for memory (limit 32 MiB)',
    })
  })

  test('a start that was refused', () => {
    const refused = new StartRefused('start', 'command not found: foo')
    expect(refusedOutcome(refused, undefined, at)).toMatchObject({
      state: 'failed',
      error_class: 'start',
      message: 'command not found: foo',
    })
    expect(refusedOutcome(refused, 'cancelled', at).state).toBe('cancelled')
  })

  test('numbers in words', () => {
    expect([seconds(3_000), seconds(1_500), seconds(100)]).toEqual(['3 s', '1.5 s', '0.1 s'])
    expect([size(64 * 2 ** 20), size(1.5 * 2 ** 30), size(1000)]).toEqual(['64 MiB', '1.5 GiB', '1000 bytes'])
  })
})
