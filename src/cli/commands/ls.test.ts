import { expect, test } from 'vitest'
import type { Job } from '../../api/contract/index.ts'
import { listing, states } from './ls.ts'

test('states may be written in the words of every face', () => {
  expect(states('queued')).toEqual(['queued'])
  expect(states('completed,running')).toEqual(['succeeded', 'running'])
  expect(states('waiting')).toEqual(['blocked', 'scheduled', 'queued', 'leased'])
  expect(states('failed,failed')).toEqual(['failed'])
  expect(states('passed')).toEqual(['succeeded'])
  expect(states('timed out, lost')).toEqual(['timed_out', 'lost'])
  expect(() => states('done')).toThrow('done is no state: blocked')
})

test('a listing shows what one looks for, and no escape sequence of a name', () => {
  const job = {
    id: 'abcdefghij01',
    name: 'evil \u001b[2J name',
    state: 'failed',
    duration_ms: 3250,
    created_at: new Date().toISOString(),
    result: { exit_code: 7 },
  } as Job
  const lines = listing([job]).split('\n')
  expect(lines[0]).toBe('ID            NAME        STATE   EXIT  TOOK  CREATED')
  expect(lines[1]).toBe('abcdefghij01  evil  name  failed  7     3.2s  just now')
})

test('the real state is shown; what was ended by us has no exit code; on a terminal one sees why a job waits', () => {
  const job = (more: Partial<Job>): Job =>
    ({ id: 'abcdefghij01', name: 'n', duration_ms: null, created_at: new Date().toISOString(), ...more }) as Job
  const jobs = [
    job({ state: 'timed_out', result: { exit_code: 143 } as Job['result'] }),
    job({
      state: 'queued',
      waiting_reason: { code: 'no_capacity', text: 'no runner is online' } as Job['waiting_reason'],
    }),
  ]
  expect(listing(jobs).split('\n')).toMatchObject([
    expect.anything(),
    'abcdefghij01  n     timed out  -           just now',
    'abcdefghij01  n     queued                 just now',
    '',
  ])
  const lines = listing(jobs, 80).split('\n')
  expect(lines[3]).toBe('              no runner is online')
  const cut = listing([job({ name: 'n'.repeat(200), state: 'running' })], 80).split('\n')[1]!
  expect([cut.length <= 80, cut.includes('…')]).toEqual([true, true])
})
