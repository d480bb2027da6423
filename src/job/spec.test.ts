import { expect, test } from 'vitest'
import { jobSpecSchema, nameOf, specLimits } from './spec.ts'

/** `path: message` of every problem. */
function problems(spec: unknown): string[] {
  const result = jobSpecSchema.safeParse(spec)
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}
const accepts = (spec: object): void => expect(problems({ command: ['true'], ...spec })).toEqual([])
const refuses = (spec: object, expected: RegExp): void => {
  const found = problems({ command: ['true'], ...spec })
  expect(found.join('\n')).toMatch(expected)
}
const deep = (levels: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = [value]
  return value
}

test('a command is enough; the rest are defaults', () => {
  expect(jobSpecSchema.parse({ command: ['make', 'all'] })).toEqual({
    command: ['make', 'all'],
    queue: 'default',
    priority: 5,
    max_attempts: 1,
    stop_grace_seconds: 5,
    executor: 'sandbox',
    isolation: 'full',
    network: 'none',
  })
})

const longArgument = 'x'.repeat(specLimits.argumentBytes)
test.each<[string, object, RegExp]>([
  ['no command', { command: undefined }, /^command: /],
  ['an empty command', { command: [] }, /^command: must name a program/],
  ['an empty program name', { command: [''] }, /^command: the program name must not be empty/],
  ['a blank program name', { command: ['  '] }, /^command: the program name must not be empty/],
  ['a command that is a string', { command: 'ls -l' }, /^command: /],
  ['NUL in an argument', { command: ['echo', 'a\0b'] }, /^command\.1: must not contain a NUL/],
  ['half a surrogate pair in an argument', { command: ['echo', '\ud800'] }, /^command\.1: must be valid Unicode/],
  [
    'an argument the kernel would refuse',
    { command: ['echo', `${longArgument}x`] },
    /^command\.1: one argument is at most/,
  ],
  ['1 MiB of arguments', { command: ['echo', ...Array(8).fill(longArgument)] }, /^command: all arguments together/],
  ['too many arguments', { command: Array(specLimits.arguments + 1).fill('x') }, /^command: at most 4096 arguments/],
  ['a reserved variable', { env: { RUNYARD_TOKEN: 'x' } }, /^env\.RUNYARD_TOKEN: .*reserved/],
  ['a reserved variable in any case', { secret_env: { runyard_x: 'x' } }, /^secret_env\.runyard_x: .*reserved/],
  ['a variable name with =', { env: { 'A=B': 'x' } }, /^env\.A=B: /],
  ['a variable name with a digit first', { env: { '1A': 'x' } }, /^env\.1A: /],
  ['an empty variable name', { env: { '': 'x' } }, /^env\.: /],
  ['NUL in a value', { env: { A: '\0' } }, /^env\.A: must not contain a NUL/],
  ['a value that is a number', { env: { A: 1 } }, /^env\.A: /],
  ['a megabyte of variables', { env: { A: 'x'.repeat(2 ** 20) } }, /^env: all variables together/],
  ['an unknown field', { comand: ['ls'] }, /Unrecognized key: "comand"/],
  ['privileges', { uid: 0, run_as: 'root' }, /Unrecognized keys: "uid", "run_as"/],
  ['an unknown limit', { limits: { gpu: 1 } }, /^limits: Unrecognized key: "gpu"/],
  ['an unknown retry field', { retry: { tries: 1 } }, /^retry: Unrecognized key: "tries"/],
  ['negative memory', { limits: { memory_bytes: -1 } }, /^limits\.memory_bytes: at least 4 MiB/],
  ['huge memory', { limits: { memory_bytes: 2 ** 50 } }, /^limits\.memory_bytes: /],
  ['half a byte', { limits: { memory_bytes: 2 ** 23 + 0.5 } }, /^limits\.memory_bytes: /],
  ['no CPU', { limits: { cpu: 0 } }, /^limits\.cpu: at least 0\.01/],
  ['endless CPU', { limits: { cpu: Infinity } }, /^limits\.cpu: /],
  ['CPU that is no number', { limits: { cpu: NaN } }, /^limits\.cpu: /],
  ['no processes', { limits: { pids: 0 } }, /^limits\.pids: /],
  ['too many processes', { limits: { pids: 1e7 } }, /^limits\.pids: /],
  ['too few open files', { limits: { open_files: 3 } }, /^limits\.open_files: at least 16/],
  ['negative output', { limits: { output_bytes: -1 } }, /^limits\.output_bytes: /],
  ['tiny disk', { limits: { disk_bytes: 1 } }, /^limits\.disk_bytes: at least 64 KiB/],
  ['tiny io', { limits: { io_bytes_per_second: 1 } }, /^limits\.io_bytes_per_second: /],
  ['an integer beyond a double', { limits: { memory_bytes: 2 ** 63 } }, /^limits\.memory_bytes: /],
  ['negative time', { timeout_seconds: -1 }, /^timeout_seconds: at least 0\.1/],
  ['a timer that would fire at once', { timeout_seconds: 2 ** 31 }, /^timeout_seconds: /],
  ['a negative grace', { stop_grace_seconds: -1 }, /^stop_grace_seconds: /],
  ['priority 11', { priority: 11 }, /^priority: must be 0 to 10/],
  ['priority -1', { priority: -1 }, /^priority: must be 0 to 10/],
  ['half a priority', { priority: 5.5 }, /^priority: /],
  ['no attempts', { max_attempts: 0 }, /^max_attempts: /],
  ['101 attempts', { max_attempts: 101 }, /^max_attempts: /],
  ['a negative backoff', { retry: { backoff_seconds: -1 } }, /^retry\.backoff_seconds: /],
  ['an unknown error class', { retry: { on: ['boredom'] } }, /^retry\.on\.0: /],
  ['a queue name with a space', { queue: 'my queue' }, /^queue: /],
  ['a queue name with a path', { queue: '../x' }, /^queue: /],
  ['a label with =', { required_labels: { 'a=b': 'c' } }, /^required_labels\.a=b: /],
  ['a label value with a space', { required_labels: { a: 'b c' } }, /^required_labels\.a: /],
  ['a relative directory', { working_dir: 'src' }, /^working_dir: must be an absolute path/],
  ['a directory with ..', { working_dir: '/srv/../etc' }, /^working_dir: must not contain \.\./],
  ['NUL in a directory', { working_dir: '/srv\0/etc' }, /^working_dir: must not contain a NUL/],
  ['a bind with ..', { binds: [{ path: '/a/../b' }] }, /^binds\.0\.path: /],
  ['an unknown bind mode', { binds: [{ path: '/a', mode: 'rwx' }] }, /^binds\.0\.mode: /],
  ['a malformed dependency', { depends_on: ['ABC'] }, /^depends_on\.0: must be a job id/],
  ['too many dependencies', { depends_on: Array(1001).fill('abcdefghijkl') }, /^depends_on: /],
  ['both delays', { delay_seconds: 1, not_before: '2030-01-01T00:00:00Z' }, /^delay_seconds: .*not both/],
  ['a date that is none', { not_before: '2026-02-30T00:00:00Z' }, /^not_before: /],
  ['a local time', { not_before: '2026-02-03T00:00:00' }, /^not_before: /],
  ['a negative delay', { delay_seconds: -1 }, /^delay_seconds: /],
  ['an unknown executor', { executor: 'docker' }, /^executor: /],
  ['an unknown network', { network: 'bridge' }, /^network: /],
  [
    'disk with a read-write bind',
    { limits: { disk_bytes: 1e6 }, binds: [{ path: '/a', mode: 'rw' }] },
    /^limits\.disk_bytes: /,
  ],
  ['disk with a working directory', { limits: { disk_bytes: 1e6 }, working_dir: '/a' }, /^limits\.disk_bytes: /],
  ['a large payload', { payload: 'x'.repeat(64 * 1024) }, /^payload: at most 65536 bytes/],
  ['a deep payload', { payload: deep(10_000) }, /^payload: at most 100 levels/],
  ['NUL in a payload', { payload: { a: ['\0'] } }, /^payload: must not contain a NUL/],
  ['half a surrogate pair as a key', { payload: { '\udc00': 1 } }, /^payload: must not contain/],
  ['a payload that is not JSON', { payload: () => 1 }, /^payload: /],
  ['an empty name', { name: ' ' }, /^name: /],
  ['a long name', { name: 'x'.repeat(201) }, /^name: /],
])('refused: %s', (_, spec, expected) => refuses(spec, expected))

test.each<[string, object]>([
  ['an empty argument', { command: ['printf', ''] }],
  ['the longest argument', { command: ['echo', longArgument] }],
  ['an argument in any script', { command: ['echo', 'żółć 🚀'] }],
  ['the smallest memory', { limits: { memory_bytes: 4 * 1024 * 1024 } }],
  ['half a core', { limits: { cpu: 0.5 } }],
  ['no output kept', { limits: { output_bytes: 0 } }],
  ['disk with a read-only bind', { limits: { disk_bytes: 1e6 }, binds: [{ path: '/a' }] }],
  ['a backslash before u0000', { payload: String.raw`\u0000` }],
  ['a payload of 100 levels', { payload: deep(99) }],
  ['null as payload', { payload: null }],
  ['an offset', { not_before: '2030-01-01T00:00:00+02:00' }],
])('accepted: %s', (_, spec) => accepts(spec))

test('all problems are told at once', () => {
  expect(problems({ command: ['\0'], priority: 99, limits: { pids: -1 } })).toHaveLength(3)
})

test.each<[string, { name?: string; command: string[] }, string]>([
  ['its own', { name: 'Build', command: ['make'] }, 'Build'],
  ['the command line', { command: ['make', 'all'] }, 'make all'],
  ['one line', { command: ['sh', '-c', 'a\n  b'] }, 'sh -c a b'],
  ['cut to the limit', { command: ['x'.repeat(300)] }, `${'x'.repeat(199)}…`],
])('the name is %s', (_, spec, name) => expect(nameOf(spec)).toBe(name))
