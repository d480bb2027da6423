import { expect, test } from 'vitest'
import { lastErrorText, readLastError } from './last-error.ts'

test('instances are counted as in the table', () => {
  expect(readLastError('task each[7]: exit code 1')).toEqual({ task: { name: 'each', item: 7 }, text: 'exit code 1' })
  expect(lastErrorText('task each[7]: exit code 1')).toBe('Task each #8: exit code 1')
  expect(lastErrorText('task each: 1 of 4 instances failed; each[2]: each[x]')).toBe(
    'Task each: 1 of 4 instances failed; each #3: each[x]',
  )
  expect(lastErrorText('task b: its run abc failed: task c[0]: no')).toBe('Task b: its run abc failed: task c[0]: no')
  expect(lastErrorText('cancelled by admin')).toBe('Cancelled by admin')
})
