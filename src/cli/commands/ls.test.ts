import { expect, test } from 'vitest'
import type { Job } from '../../api/contract/index.ts'
import { listing, states } from './ls.ts'

test('states may be written in the words of every face', () => {
  expect(states('queued')).toEqual(['queued'])
  expect(states('completed,running')).toEqual(['succeeded', 'running'])
  expect(states('waiting')).toEqual(['blocked', 'scheduled', 'queued', 'leased'])
  expect(states('failed,failed')).toEqual(['failed'])
  expect(states('passed')).toEqual(['succeeded'])
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
  expect(lines[0]).toBe('ID            NAME        STATUS  EXIT  TOOK  CREATED')
  expect(lines[1]).toBe('abcdefghij01  evil  name  failed  7     3.2s  just now')
})
