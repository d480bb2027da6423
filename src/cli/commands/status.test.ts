import { expect, test } from 'vitest'
import type { Attempt, Job } from '../../api/contract/index.ts'
import { details } from './status.ts'

const base = {
  ...{
    id: 'a',
    name: 'x',
    command: ['x'],
    queue: 'default',
    priority: 0,
    owner: 'admin',
    labels: {},
    isolation: 'full',
  },
  ...{
    created_at: new Date().toISOString(),
    duration_ms: null,
    cancel_reason: null,
    waiting_reason: null,
    result: null,
  },
  ...{ attempts_spent: 0, max_attempts: 3 },
} as unknown as Job
const on = (runner: string, number: number) => ({ runner, number }) as Attempt

const shown = (job: Partial<Job>, attempts: Attempt[]) => {
  const rows = Object.fromEntries(details({ ...base, ...job }, attempts))
  return [rows['attempts'], rows['runner']]
}

test('which attempt runs, and where', () => {
  expect(shown({ state: 'queued' }, [])).toEqual(['0 of 3', undefined])
  expect(shown({ state: 'leased' }, [on('one', 1)])).toEqual(['1 of 3, starting', 'one'])
  expect(shown({ state: 'running', attempts_spent: 1 }, [on('one', 1), on('tw\u001bo', 2)])).toEqual([
    '2 of 3, running',
    'tw·o',
  ])
  expect(shown({ state: 'unknown' }, [on('one', 1)])).toEqual(['1 of 3, not heard of', 'one, which does not answer'])
  expect(shown({ state: 'succeeded', attempts_spent: 1 }, [on('one', 1)])).toEqual(['1 of 3', 'one'])
})
