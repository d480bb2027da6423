import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { commands } from './commands.ts'
import { commandWord } from './main.ts'

const bin = fileURLToPath(new URL('../../bin/runyard.js', import.meta.url))
const nowhere = join(tmpdir(), 'ry-cli-nowhere')
const env = { PATH: process.env.PATH, HOME: nowhere, RUNYARD_DATA_DIR: nowhere }

function runyard(args: string[], node = process.execPath) {
  const { status, stdout, stderr } = spawnSync(node, [bin, ...args], { env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('the command is found behind global options', () => {
  expect(commandWord(['--data-dir', 'ls', '--json', 'status', 'x'])).toBe('status')
  expect(commandWord(['--server=http://x', 'ls'])).toBe('ls')
  expect(commandWord(['help', 'run'])).toBe('run')
  expect(commandWord(['--help'])).toBeUndefined()
})

test('every command loads and has help', async () => {
  const { stdout } = runyard(['--help'])
  for (const { name } of commands) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
  expect(stdout).toContain('Exit codes')
  for (const { load } of commands) expect((await load()).define).toBeTypeOf('function')
  expect(runyard(['run', '--help']).stdout).toContain('--on-dependency-failure')
  expect(runyard(['help', 'token', 'create']).status).toBe(0)
  const { stdout: runnerHelp } = runyard(['runner', '--help'])
  expect([runnerHelp.includes('--slots'), runnerHelp.includes('--port')]).toEqual([true, false])
})

test('the version is the package’s', () => {
  const { version } = JSON.parse(readFileSync(join(bin, '../../package.json'), 'utf8')) as { version: string }
  expect(runyard(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
})

test.each([
  [['nosuch'], 2, "unknown command 'nosuch'"],
  [['status'], 2, "missing required argument 'id'"],
  [['status', 'abc'], 2, 'is not a job id'],
  [['ls', '--state', 'done'], 2, 'done is no state'],
  [['ls', '--limit', '0'], 2, '--all'],
  [['ls', '--key', 'ann.key'], 2, '--key goes with --cert'],
  [['rm', 'aaaaaaaaaaaa'], 2, 'runyard rm aaaaaaaaaaaa --yes'],
  [['queue', 'set', 'q', '--rate', '10'], 2, 'is not a rate'],
  [['queue', 'set', 'q', '--pause', '--resume'], 2, 'cannot be used with'],
  [['run'], 125, 'name a command'],
  [['run', '--memory', 'lots', 'x'], 125, 'runyard: --memory: "lots" is not a size, e.g. 512m'],
  [['run', '--nosuch', 'x'], 125, "unknown option '--nosuch'"],
  [['start'], 2, 'name a command'],
  [['ls'], 1, 'nothing has run yet'],
  [['status', 'aaaaaaaaaaaa'], 1, 'nothing has run yet'],
  [['ls', '--server', 'http://127.0.0.1:9'], 1, 'no Runyard server answers at http://127.0.0.1:9'],
  [['ls', '--server', 'no such'], 2, 'is no server’s address'],
  [['login', 'ftp://x'], 2, 'http:// or https:// only'],
  [['bogus', '--help'], 2, "unknown command 'bogus'"],
  [['help', 'bogus'], 2, "unknown command 'bogus'"],
  [['strat'], 2, 'did you mean start?'],
  [['log', '--attempt', '0', 'aaaaaaaaaaaa'], 2, '--attempt: "0" is no attempt; the first one is 1'],
  [['run', '--timeout', '0', 'x'], 125, '--timeout: "0" is too short: at least 100ms'],
  [['run', '--network', 'all', 'x'], 125, '--network: "all" is none of none, host'],
  [['run', '--secret', 'RY_UNSET_HERE', 'x'], 125, '--secret: RY_UNSET_HERE is not set'],
  [['ls', '--settings', '/nowhere/x.env'], 2, 'cannot read the settings file /nowhere/x.env (--settings)'],
  [['server', '--data-dir', '/proc/x'], 1, 'cannot use the data directory /proc/x (ENOENT); name one'],
  [['config', '--port', '99999', '--log-level', 'loud'], 2, 'must be at most 65535'],
])('%j ends with %d and says why', (args, code, words) => {
  const { status, stdout, stderr } = runyard(args)
  expect(stderr).toContain(words)
  expect(stdout).toBe('')
  expect(status).toBe(code)
})

test.each([
  [['ls', '--json'], 1, 'not_found'],
  [['run', '--json'], 125, 'invalid_argument'],
  [['ls', '--nosuch', '--json'], 2, 'invalid_argument'],
  [['run', '--memory', 'lots', '--json', 'x'], 125, 'invalid_argument'],
  [['token', '--json'], 2, 'invalid_argument'],
  [['bogus', '--json'], 2, 'invalid_argument'],
])('%j: with --json a failure is one JSON object on stderr', (args, code, error) => {
  const { status, stdout, stderr } = runyard(args)
  expect([status, stdout]).toEqual([code, ''])
  expect(JSON.parse(stderr)).toEqual({ error: { code: error, message: expect.any(String), fields: expect.any(Array) } })
})

test('a --json behind the job’s own command is the job’s', () => {
  expect(runyard(['run', '--nosuch', '--', 'x', '--json']).stderr).toBe("runyard: unknown option '--nosuch'\n")
  expect(runyard(['run', '--memory', 'lots', 'x', '--json']).stderr).toMatch(/^runyard: --memory/)
})

test('a word that is near no command gets no suggestion', () => {
  expect(runyard(['bogus']).stderr).toBe("runyard: unknown command 'bogus' (runyard --help lists all)\n")
})

test('--settings names the file with settings, also a relative one', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ry-settings-'))
  try {
    await writeFile(join(dir, 'my.env'), 'RUNYARD_PORT=7777\n')
    const rows = JSON.parse(
      runyard(['config', '--json', '--settings', relative(process.cwd(), join(dir, 'my.env'))]).stdout,
    ) as { setting: string }[]
    expect(rows.find(({ setting }) => setting === 'port')).toMatchObject({ value: 7777 })
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('down without anything running is no failure', () => {
  expect(runyard(['down'])).toMatchObject({ status: 0, stdout: `Nothing is running on ${nowhere}.\n` })
})

test('config hides secrets and says where values are from', () => {
  const { stdout } = runyard(['config', '--json', '--port', '9000', '--database-url', 'postgres://u:hunter2@h/d'])
  expect(stdout).not.toContain('hunter2')
  const rows = JSON.parse(stdout) as { setting: string }[]
  expect(rows.find(({ setting }) => setting === 'port')).toMatchObject({ value: 9000, source: 'flag' })
})

const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return /^v2[0-3]\./.test(stdout ?? '')
})

test.skipIf(oldNode === undefined)('an older Node finds the right one and passes on words and exit code', () => {
  expect(runyard(['config', '--port', '7', '--json'], oldNode).stdout).toContain('"value": 7')
  expect(runyard(['run', '--nosuch', 'x'], oldNode).status).toBe(125)
})
