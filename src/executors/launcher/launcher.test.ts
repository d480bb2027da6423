import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { processesWith } from '../testing/rig.ts'
import { until } from '../testing/until.ts'
import { connectLauncher } from './client.ts'
import type { Launcher } from './launcher.ts'

let root: string
let socketPath: string
const open: Launcher[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'runyard-launcher-'))
  socketPath = join(root, 'run', 'l.sock')
})
afterEach(async () => {
  for (const launcher of open.splice(0)) await launcher.close()
  await until(() => launcherPids().length === 0)
  rmSync(root, { recursive: true, force: true, maxRetries: 5 })
})

const connect = async (spawnIfMissing = true): Promise<Launcher> => {
  const launcher = await connectLauncher({ socketPath, spawnIfMissing })
  open.push(launcher)
  return launcher
}
const launcherPids = (): number[] => processesWith(`${socketPath}\0`)

test('two that connect at once share one launcher, and it leaves with the last', async () => {
  const [one, two] = await Promise.all([connect(), connect()])
  // The one that found the place taken needs a moment to see it.
  await until(() => launcherPids().length === 1)
  await one.close()
  expect((await two.call({ op: 'hello' })).pid).toBe(launcherPids()[0])
  await two.close()
  await until(() => launcherPids().length === 0)
  expect(existsSync(socketPath)).toBe(false)
})

test('nobody else may connect, and nothing about attempts is said before who asks', async () => {
  await expect(connect(false)).rejects.toThrow('ENOENT')
  const launcher = await connect()
  await expect(launcher.call({ op: 'sweep' })).rejects.toThrow('configure comes before')
})

test('one that is killed is started anew at the next call', async () => {
  const launcher = await connect()
  const { pid } = await launcher.call({ op: 'hello' })
  process.kill(pid, 'SIGKILL')
  await until(() => !existsSync(`/proc/${pid}`))
  await until(async () => (await launcher.call({ op: 'hello' }).catch(() => ({ pid }))).pid !== pid)
})

test('one that stands still keeps nobody from leaving', async () => {
  const launcher = await connect()
  const { pid } = await launcher.call({ op: 'hello' })
  process.kill(pid, 'SIGSTOP')
  try {
    await launcher.close()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})

test('the last launcher takes its directory with it, unless somebody else uses that', async () => {
  const directory = join(root, 'run')
  await (await connect()).close()
  await until(() => !existsSync(directory))
  mkdirSync(directory)
  closeSync(openSync(join(directory, 'runner.sock'), 'w'))
  await (await connect()).close()
  await until(() => launcherPids().length === 0)
  expect(readdirSync(directory)).toEqual(['runner.sock'])
})
