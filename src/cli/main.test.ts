import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  [['run'], 125, 'name a command'],
  [['run', '--memory', 'lots', 'x'], 125, 'is not a size'],
  [['run', '--nosuch', 'x'], 125, "unknown option '--nosuch'"],
  [['start'], 2, 'name a command'],
  [['ls'], 1, 'nothing has run yet'],
  [['status', 'aaaaaaaaaaaa'], 1, 'nothing has run yet'],
  [['ls', '--server', 'http://127.0.0.1:9'], 1, 'not signed in'],
  [['config', '--port', '99999', '--log-level', 'loud'], 2, 'must be at most 65535'],
])('%j ends with %d and says why', (args, code, words) => {
  const { status, stdout, stderr } = runyard(args)
  expect(stderr).toContain(words)
  expect(stdout).toBe('')
  expect(status).toBe(code)
})

test('with --json a failure is JSON on stdout', () => {
  const { status, stdout } = runyard(['ls', '--json'])
  expect(status).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'not_found' } })
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
