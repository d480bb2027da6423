import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAppError } from '../lib/app-error.ts'
import { effectiveConfig, loadConfig, type LoadOptions } from './config.ts'
import { settingNames, settings, type Setting } from './settings.ts'
import type { Surroundings } from './places.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-config-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const machine = (over: Partial<Surroundings> = {}): Surroundings => ({
  uid: 1000,
  home: '/home/ann',
  hostname: 'box',
  cores: 4,
  memoryMib: 8192,
  env: {},
  ...over,
})

const load = (options: LoadOptions = {}) =>
  loadConfig({ surroundings: machine({ env: options.env ?? {} }), ...options, env: options.env ?? {} })

function mistakes(options: LoadOptions): Record<string, string> {
  try {
    load(options)
  } catch (error) {
    if (isAppError(error)) return Object.fromEntries(error.fields.map(({ field, message }) => [field, message]))
    throw error
  }
  throw new Error('it was accepted')
}

test('the defaults look at the machine', () => {
  const config = load()
  expect(config).toMatchObject({
    port: 8000,
    host: '127.0.0.1',
    dataDir: '/home/ann/.local/share/runyard',
    runnerName: 'box',
    runnerSlots: 4,
    runnerCpuMillis: 4000,
    runnerMemoryMib: 8192,
    maxMemoryBytes: 8 * 1024 ** 3,
    databaseUrl: undefined,
  })
  expect(config.runDir).toMatch(/^\/tmp\/runyard-1000\/[0-9a-f]{8}$/)
  expect(load({ surroundings: machine({ cores: 1 }) }).runnerSlots).toBe(2)
})

test('root and XDG have their own places, and the run directory follows the data directory', () => {
  const root = load({ surroundings: machine({ uid: 0 }) })
  expect(root.dataDir).toBe('/var/lib/runyard')
  expect(root.runDir).toMatch(/^\/run\/runyard\/[0-9a-f]{8}$/)
  const env = { XDG_DATA_HOME: '/x/data', XDG_RUNTIME_DIR: dir }
  const xdg = load({ env })
  expect(xdg.dataDir).toBe('/x/data/runyard')
  expect(xdg.runDir.startsWith(join(dir, 'runyard/'))).toBe(true)
  expect(load({ env: { RUNYARD_DATA_DIR: '/elsewhere' } }).runDir).not.toBe(load().runDir)
})

test('a flag beats the environment, that beats the env file, that beats the default', () => {
  writeFileSync(join(dir, 'runyard.env'), 'RUNYARD_PORT=1001\nRUNYARD_HOST=127.0.0.2\nRUNYARD_RUNNER_SLOTS="7"\n')
  const config = load({
    argvFlags: { port: 1003, dataDir: dir },
    env: { RUNYARD_PORT: '1002', RUNYARD_HOST: '127.0.0.3' },
  })
  expect([config.port, config.host, config.runnerSlots, config.defaultPids]).toEqual([1003, '127.0.0.3', 7, 256])
  const from = new Map(effectiveConfig(config).map(({ setting, source }) => [setting, source]))
  expect(['port', 'host', 'runnerSlots', 'defaultPids'].map((name) => from.get(name as 'port'))).toEqual([
    'flag',
    'environment',
    'env file',
    'default',
  ])
})

test('a named env file must be there; the one in the data directory need not', () => {
  expect(() => load({ envFile: join(dir, 'none.env') })).toThrow(/cannot read the settings file/)
  expect(load({ argvFlags: { dataDir: dir } }).port).toBe(8000)
  writeFileSync(join(dir, 'other.env'), `RUNYARD_DATA_DIR=${dir}/data\nALLOWED_WORKDIRS=/srv, /home/ann\n`)
  const config = load({ envFile: join(dir, 'other.env') })
  expect([config.dataDir, config.allowedWorkdirs]).toEqual([`${dir}/data`, ['/srv', '/home/ann']])
})

test('all mistakes are said at once, with the name that was used', () => {
  writeFileSync(join(dir, 'runyard.env'), 'RUNYARD_RETAIN_DAYS=often\nPROT=1\n')
  expect(
    mistakes({
      argvFlags: { port: '99999', dataDir: dir },
      env: {
        RUNYARD_PROT: '1',
        RUNYARD_LOG_LEVEL: 'loud',
        COMMAND_TIMEOUT_SECONDS: '-1',
        RUNYARD_DEFAULT_MEMORY_BYTES: 'much',
        RUNYARD_ALLOW_NETWORK_HOST: 'perhaps',
        RUNYARD_RUNNER_LABELS: 'gpu',
        RUNYARD_ENFORCE_LIMITS: 'cpu,cup',
        ALLOWED_WORKDIRS: '["/srv"]',
        RUNYARD_RUNNER_SLOTS: '1.5',
      },
    }),
  ).toEqual({
    '--port': 'must be at most 65535 (flag)',
    RUNYARD_PROT: 'is no setting (environment); did you mean RUNYARD_PORT?',
    RUNYARD_LOG_LEVEL: '"loud" is none of debug, info, warn, error, silent (environment)',
    COMMAND_TIMEOUT_SECONDS: 'must be at least 0.1 (environment)',
    RUNYARD_DEFAULT_MEMORY_BYTES: '"much" is not a size; write 1048576 or 512M (environment)',
    RUNYARD_ALLOW_NETWORK_HOST: '"perhaps" is neither true nor false (environment)',
    RUNYARD_RUNNER_LABELS: '"gpu" is not a label; write name=value, comma separated (environment)',
    RUNYARD_ENFORCE_LIMITS: expect.stringContaining('"cup" is none of cpu, memory_bytes'),
    ALLOWED_WORKDIRS: expect.stringContaining('comma separated'),
    RUNYARD_RUNNER_SLOTS: '"1.5" is not a whole number (environment)',
    RUNYARD_RETAIN_DAYS: '"often" is not a number (env file)',
    PROT: expect.stringMatching(/^is no setting \(.*runyard\.env\)/),
  })
})

test("names that are ours but no settings are left alone, and so is everybody else's environment", () => {
  expect(load({ env: { RUNYARD_TEST_PG: 'external', RUNYARD_JOB_ID: 'x', PATH: '/bin', PORT: '1' } }).port).toBe(8000)
})

test.each([
  ['512M', 512 * 1024 ** 2],
  ['1.5g', 1.5 * 1024 ** 3],
  ['2GiB', 2 * 1024 ** 3],
  ['4194304', 4_194_304],
])('the size %s', (text, bytes) => {
  expect(load({ env: { RUNYARD_DEFAULT_MEMORY_BYTES: text } }).defaultMemoryBytes).toBe(bytes)
})

test('an empty value is "unset", but an empty list is an empty list', () => {
  writeFileSync(join(dir, 'runyard.env'), 'ALLOWED_WORKDIRS=/srv\nRUNYARD_PORT=1001\n')
  const config = load({ argvFlags: { dataDir: dir }, env: { ALLOWED_WORKDIRS: '', RUNYARD_PORT: '' } })
  expect([config.allowedWorkdirs, config.port]).toEqual([[], 1001])
})

const aKey = (first: number): string =>
  Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7 + first)).toString('base64')
const [key, olderKey] = [aKey(3), aKey(4)]

test.each([
  { RUNYARD_JWT_SECRET: 'short' },
  { RUNYARD_JWT_SECRET: 'changemechangemechangemechangeme' },
  { RUNYARD_JWT_SECRET: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' },
  { RUNYARD_ADMIN_PASSWORD: 'admin' },
  { RUNYARD_ADMIN_PASSWORD: 'Password1234!' },
])('%o is refused when the server can be reached from outside, and only then', (secret) => {
  const [name] = Object.keys(secret)
  for (const host of ['0.0.0.0', '::', '10.1.2.3', 'box.example']) {
    expect(Object.keys(mistakes({ env: { ...secret, RUNYARD_HOST: host } }))).toEqual([name])
  }
  for (const host of ['127.0.0.1', 'localhost', '::1']) load({ env: { ...secret, RUNYARD_HOST: host } })
})

test('a sealing key of another size is refused everywhere', () => {
  expect(load({ env: { RUNYARD_SECRET_KEY: key, RUNYARD_HOST: '0.0.0.0' } }).secretKey).toBe(key)
  for (const bad of ['abc', Buffer.alloc(31, 7).toString('base64'), Buffer.alloc(32).toString('base64')]) {
    expect(Object.keys(mistakes({ env: { RUNYARD_SECRET_KEY: bad } }))).toEqual(['RUNYARD_SECRET_KEY'])
  }
  const old = (list: string): LoadOptions => ({ env: { RUNYARD_SECRET_KEY: key, RUNYARD_OLD_SECRET_KEYS: list } })
  expect(load(old(`${olderKey}, ${key}`)).oldSecretKeys).toEqual([olderKey, key])
  expect(Object.keys(mistakes(old(`${olderKey},abc`)))).toEqual(['RUNYARD_OLD_SECRET_KEYS'])
})

test.each([
  [{ RUNYARD_DEFAULT_PIDS: '10', RUNYARD_MAX_PIDS: '5' }, 'RUNYARD_DEFAULT_PIDS'],
  [{ RUNYARD_HEARTBEAT_SECONDS: '20' }, 'RUNYARD_HEARTBEAT_SECONDS'],
  [{ RUNYARD_RUNNER_SLOTS: '50', RUNYARD_RUNNER_UID_COUNT: '10' }, 'RUNYARD_RUNNER_UID_COUNT'],
  [{ ALLOWED_WORKDIRS: 'srv' }, 'ALLOWED_WORKDIRS'],
  [{ RUNYARD_ALLOWED_READ_ONLY_BINDS: '/srv/../etc' }, 'RUNYARD_ALLOWED_READ_ONLY_BINDS'],
  [{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL'],
  [{ RUNYARD_EGRESS_ALLOW: '**,https://example.com' }, 'RUNYARD_EGRESS_ALLOW'],
  [{ RUNYARD_RUN_DIR: `/${'x'.repeat(80)}` }, 'RUNYARD_RUN_DIR'],
])('%o does not fit together', (env, field) => {
  expect(Object.keys(mistakes({ env }))).toEqual([field])
})

test('secrets are never shown, and neither is one inside an error', () => {
  const env = {
    RUNYARD_JWT_SECRET: 'a-secret-of-mine-that-is-long-enough',
    DATABASE_URL: 'postgresql://u:hush@h/d',
    RUNYARD_SECRET_KEY: key,
    RUNYARD_OLD_SECRET_KEYS: olderKey,
  }
  const shown = JSON.stringify(effectiveConfig(load({ env })))
  expect(shown).not.toMatch(/of-mine|hush/)
  expect(shown).not.toContain(key)
  expect(shown).not.toContain(olderKey)
  expect(
    JSON.stringify(mistakes({ env: { ...env, DATABASE_URL: 'hush', RUNYARD_SECRET_KEY: 'hush-hush' } })),
  ).not.toMatch(/hush/)
})

test('every setting has a meaning, a name of its own, and a default that it would itself accept', () => {
  const names = settingNames.flatMap((name) => {
    const { env, alias, flag, meaning } = settings[name] as Setting
    expect(meaning, name).toMatch(/^[A-Z].*[.)]$/)
    return [env, alias, flag].filter((one) => one !== undefined)
  })
  expect(new Set(names).size).toBe(names.length)
  const text: Record<string, string> = {}
  for (const { value, env } of effectiveConfig(load())) {
    if (value === null) continue
    text[env] = typeof value === 'object' && !Array.isArray(value) ? '' : String(value)
  }
  expect(effectiveConfig(load({ env: text })).map(({ value }) => value)).toEqual(
    effectiveConfig(load()).map(({ value }) => value),
  )
})
