import { expect, test } from 'vitest'
import { allAgain } from './commands/dead.ts'
import { howItEnded } from './event-watch.ts'

test('the end of a run is told with its state, exit code and why', () => {
  const run = { id: 'abc', status: 'failed', state: 'timed_out', exit_code: null, error: 'ran for 5 s' } as const
  expect(howItEnded(run)).toBe('run abc: failed, timed_out, ran for 5 s')
  expect(howItEnded({ ...run, state: 'failed', exit_code: 3, error: null })).toBe('run abc: failed, exit code 3')
  expect(howItEnded({ ...run, status: 'completed', state: 'succeeded', exit_code: 0, error: null })).toBe(
    'run abc: completed',
  )
})

test('what is to be typed for all failed jobs has the filters that were given', () => {
  expect(allAgain('dismiss', { event: "it's mine", queue: undefined })).toBe(
    `runyard dead dismiss --all --event 'it'\\''s mine'`,
  )
})
