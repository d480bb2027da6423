import { expect, test } from 'vitest'
import type { JobState } from '../job/state.ts'
import { exitCodeOfJob } from './exit-codes.ts'

const ended = (state: JobState, exit_code: number | null = null, signal: string | null = null) => ({
  state,
  result: { exit_code, signal },
})

test.each([
  ['a success', ended('succeeded', 0), 0],
  ['its own code', ended('failed', 7), 7],
  ['a signal', ended('failed', null, 'SIGSEGV'), 139],
  ['a signal that the sandbox reports as 128+n', ended('failed', 137, 'SIGKILL'), 137],
  ['a timeout, whatever the process said', ended('timed_out', 0), 124],
  ['killed for memory', ended('oom_killed', null, null), 137],
  ['stopped by somebody else', ended('cancelled', 143), 143],
  ['a job that never started', ended('failed'), 125],
  ['lost', ended('lost'), 125],
  ['skipped, without any result', { state: 'skipped' as const, result: null }, 125],
])('run exits with the code of %s', (_name, job, code) => {
  expect(exitCodeOfJob(job)).toBe(code)
})

test('a cancel by Ctrl-C exits as SIGINT does', () => {
  expect(exitCodeOfJob(ended('cancelled'), 'SIGINT')).toBe(130)
  expect(exitCodeOfJob(ended('cancelled'), 'SIGHUP')).toBe(129)
})
