import { expect, test } from 'vitest'
import { AppError } from '../lib/app-error.ts'
import { sayJobField } from './job-flags.ts'
import { errorText } from './report-error.ts'

const told = (argv: string[], ...fields: { field: string; message: string }[]): string =>
  errorText(
    new AppError('invalid_argument', `${fields[0]!.field} ${fields[0]!.message}`, { fields }),
    sayJobField(argv),
  )

test.each([
  [['-w', 'x'], 'working_dir', 'is not allowed', '-w: is not allowed'],
  [['--workdir', 'x'], 'working_dir', 'is not allowed', '--workdir: is not allowed'],
  [[], 'network', 'host is not allowed', '--network: host is not allowed'],
  [[], 'limits.memory_bytes', 'at least 4 MiB', '--memory: at least 4 MiB'],
  [[], 'limits.memory_bytes', 'at most 34359738368 on this server', '--memory: at most 32 GiB on this server'],
  [[], 'timeout_seconds', 'at most 7200 on this server', '--timeout: at most 2h 0m on this server'],
  [[], 'binds[0].path', 'is not allowed', '--bind: is not allowed'],
  [[], 'env.1X', 'has letters only', '--env: 1X has letters only'],
  [[], 'placement.affinity.labels.my app', 'has letters only', '--near: has letters only'],
  [[], 'placement.anti_affinity', 'can never hold', '--apart: can never hold'],
  [[], 'placement', 'is too long', '--placement: is too long'],
  [[], 'labels.1 x', 'is no label name: it has letters', '--job-label: 1 x is no label name: it has letters'],
  [[], 'labels.a', 'has a value of 70 characters', '--job-label: a has a value of 70 characters'],
  [[], 'command', 'is too long', 'command: is too long'],
])('%j %s: %s', (argv, field, message, words) => {
  expect(told(argv, { field, message })).toBe(words)
})

test('several wrong fields are all told', () => {
  expect(told([], { field: 'queue', message: 'is unknown' }, { field: 'priority', message: 'is 0 to 10' })).toBe(
    '--queue: is unknown\n  --priority: is 0 to 10',
  )
})
