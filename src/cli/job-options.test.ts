import { Command } from 'commander'
import { expect, test } from 'vitest'
import { jobSpecSchema, type JobSpecInput } from '../job/spec.ts'
import { addJobOptions, refuseRelativePaths, parseBind, parseVariable, specOf, type JobOptions } from './job-options.ts'

function specFrom(...argv: string[]): JobSpecInput {
  const program = new Command()
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  const command = program.command('start').argument('[words...]').passThroughOptions().exitOverride()
  command.configureOutput({ writeErr: () => {} })
  addJobOptions(command)
  let spec: JobSpecInput | undefined
  command.action((words: string[], options: JobOptions) => {
    spec = specOf(words, options)
  })
  program.parse(['start', ...argv], { from: 'user' })
  return spec!
}

test('options stop at the first word that is none', () => {
  expect(specFrom('echo', 'Hello World')).toEqual({ command: ['echo', 'Hello World'] })
  expect(specFrom('--', 'bash', '-c', 'echo Hello World')).toEqual({ command: ['bash', '-c', 'echo Hello World'] })
  expect(specFrom('-n', 'hello_world', '--', 'echo', 'Hello')).toEqual({
    name: 'hello_world',
    command: ['echo', 'Hello'],
  })
  expect(specFrom('ls', '-n', '--json', '--', '-x')).toEqual({ command: ['ls', '-n', '--json', '--', '-x'] })
})

test('every option arrives in the document under its wire name, and the schema takes it', () => {
  const spec = specFrom(
    ...['-n', 'build', '-e', 'A=1', '-e', 'B=x=y', '--secret', 'K=v', '--timeout', '90s', '--cpu', '0.5'],
    ...['--memory', '64m', '--pids', '10', '--open-files', '64', '--output', '1m', '--io', '10m', '--stop-grace', '2s'],
    ...['--queue', 'fast', '--priority', '9', '--label', 'gpu=a100', '--label', 'zone=b', '--retries', '2'],
    ...['--grow-memory', '1.5', '--grow-memory-to', '1g'],
    ...['--after', 'aaaaaaaaaaaa', '--after', 'bbbbbbbbbbbb', '--on-dependency-failure', 'run', '--delay', '5m'],
    ...['--network', 'host', '--isolation', 'none', '--bind', '/data', '--bind', '/out:rw', '-w', '/srv/x', 'make'],
  )
  expect(spec).toEqual({
    name: 'build',
    command: ['make'],
    env: { A: '1', B: 'x=y' },
    secret_env: { K: 'v' },
    working_dir: '/srv/x',
    binds: [
      { path: '/data', mode: 'ro' },
      { path: '/out', mode: 'rw' },
    ],
    network: 'host',
    isolation: 'none',
    timeout_seconds: 90,
    stop_grace_seconds: 2,
    limits: {
      cpu: 0.5,
      memory_bytes: 64 * 1024 * 1024,
      pids: 10,
      open_files: 64,
      output_bytes: 1024 * 1024,
      io_bytes_per_second: 10 * 1024 * 1024,
    },
    queue: 'fast',
    priority: 9,
    required_labels: { gpu: 'a100', zone: 'b' },
    max_attempts: 3,
    retry: { memory_factor: 1.5, memory_max_bytes: 2 ** 30 },
    depends_on: ['aaaaaaaaaaaa', 'bbbbbbbbbbbb'],
    on_dependency_failure: 'run',
    delay_seconds: 300,
  })
  expect(jobSpecSchema.safeParse(spec).error).toBeUndefined()
  const placed = specFrom(
    ...[
      '--job-label',
      'app=web',
      '--job-label',
      'build=7',
      '--near',
      'app=db',
      '--near',
      'tier=1',
      '--apart',
      'app=web',
    ],
    ...['--avoid', 'kind=spot', '--placement', 'pack', 'x'],
  )
  expect(placed).toEqual({
    command: ['x'],
    labels: { app: 'web', build: '7' },
    placement: {
      strategy: 'pack',
      avoid_labels: { kind: 'spot' },
      affinity: { labels: { app: 'db', tier: '1' } },
      anti_affinity: { labels: { app: 'web' } },
    },
  })
  expect(jobSpecSchema.safeParse(placed).error).toBeUndefined()
  expect(specFrom('--disk', '8m', 'x').limits).toEqual({ disk_bytes: 8 * 1024 * 1024 })
})

test.each([
  [['--timeout', '5', 'x'], 'is not a time: say 5s, 5m or 5h'],
  [['--timeout', '0s', 'x'], 'at least 100ms'],
  [['--retries', '100', 'x'], 'is not within 0 to 99'],
  [['--priority', '11', 'x'], 'is not within 0 to 10'],
  [['--memory', 'lots', 'x'], 'is not a size'],
  [['--cpu', '-1', 'x'], 'is not a number'],
  [['--network', 'all', 'x'], 'Allowed choices are none, host'],
  [['--placement', 'random', 'x'], 'Allowed choices are spread, pack'],
  [['--near', 'app', 'x'], 'write KEY=VALUE'],
  [['--avoid', 'zone=a', '--avoid', 'zone=b', 'x'], 'zone is given twice, as a and b'],
  [['-e', '=x', 'x'], 'write KEY=VALUE'],
  [['--secret', 'RUNYARD_TEST_SURELY_UNSET', 'x'], 'is not set in the environment'],
  [['--memroy', '1m', 'x'], "unknown option '--memroy'"],
])('%j is refused with words that help', (argv, words) => {
  expect(() => specFrom(...argv)).toThrow(words)
})

test('a variable without a value is taken from the environment', () => {
  expect(parseVariable('TOKEN', { TOKEN: 'a=b' })).toEqual(['TOKEN', 'a=b'])
  expect(parseVariable('EMPTY=', {})).toEqual(['EMPTY', ''])
})

test('a bind is read-only unless it says otherwise, and relative paths are made absolute', () => {
  expect(parseBind('/a:b')).toEqual({ path: '/a:b', mode: 'ro' })
  expect(parseBind('/a:rw')).toEqual({ path: '/a', mode: 'rw' })
  expect(specFrom('-w', '.', '--bind', 'x:rw', 'true')).toMatchObject({
    working_dir: process.cwd(),
    binds: [{ path: `${process.cwd()}/x`, mode: 'rw' }],
  })
})

test('relative paths mean nothing on another machine', () => {
  expect(() => refuseRelativePaths({ workdir: '.' })).toThrow('must be an absolute path')
  expect(() => refuseRelativePaths({ workdir: '/a', bind: [{ path: '/b', mode: 'ro' }] })).not.toThrow()
})

test('an image means a container; a destination means network egress', () => {
  expect(specFrom('--image', 'py', 'true')).toEqual({
    command: ['true'],
    executor: 'container',
    container: { image: 'py' },
  })
  expect(specFrom('--executor', 'kubernetes', '--image', 'r.example/a:1', 'true')).toMatchObject({
    ...{ executor: 'kubernetes', container: { image: 'r.example/a:1' } },
  })
  const more = ['--container-user', '1000:1000', '--container-network', 'bridge', '--writable-root']
  const spec = specFrom('--image', 'py', ...more, '--volume', 'cache:/c', '--volume', 'out:/o:x:rw', 'true')
  expect(spec.container).toEqual({
    ...{ image: 'py', user: '1000:1000', network: 'bridge', read_only_root: false },
    volumes: [
      { name: 'cache', path: '/c', mode: 'ro' },
      { name: 'out', path: '/o:x', mode: 'rw' },
    ],
  })
  expect(jobSpecSchema.safeParse(spec).success).toBe(true)
  expect(specFrom('--egress', 'a.example', '--egress', 'b.example:5432', 'true')).toEqual({
    ...{ command: ['true'], network: 'egress', egress: ['a.example', 'b.example:5432'] },
  })
  expect(() => specFrom('--image', 'py', '--volume', 'cache', 'true')).toThrow('write NAME:/PATH')
})
