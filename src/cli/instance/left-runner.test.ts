import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { loadConfig } from '../../config/config.ts'
import { connectLauncher } from '../../executors/index.ts'
import { startTimeOf, writeFacts, type RunnerFacts } from './files.ts'
import { stopLeftBehind } from './left-runner.ts'
import { ensureInstanceId } from './lock.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function place() {
  const dataDir = await mkdtemp(join(tmpdir(), 'ry-left-'))
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
  return loadConfig({ argvFlags: { dataDir, runDir: join(dataDir, 'run') } })
}

/** Holds the runner's lock until it is told to end. */
async function aRunner(works: RunnerFacts['works'], startTime?: string) {
  const config = await place()
  const code = `import { takeLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
    await takeLock(${JSON.stringify(await ensureInstanceId(config.dataDir))}, 'runner')
    console.log('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanups.push(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const pid = child.pid!
  const facts = { pid, start_time: startTime ?? startTimeOf(pid)!, version: '1', works }
  await writeFacts(config.dataDir, 'runner.json', facts)
  return { config, pid, ended: () => child.exitCode ?? child.signalCode }
}

test('a runner whose server was killed is stopped; nothing is nothing', async () => {
  const { config, pid, ended } = await aRunner('beside')
  expect(await stopLeftBehind(config, false)).toEqual({ runner: pid })
  await vi.waitUntil(ended)
  expect(await stopLeftBehind(config, false)).toEqual({})
  expect(await stopLeftBehind(await place(), false)).toEqual({})
})

test('others are left alone: of servers elsewhere, one that waits for the next server, another process of that pid', async () => {
  const elsewhere = await aRunner('elsewhere')
  expect(await stopLeftBehind(elsewhere.config, false)).toEqual({ elsewhere: elsewhere.pid })
  const alone = await aRunner('alone')
  expect(await stopLeftBehind(alone.config, true)).toEqual({})
  const another = await aRunner('beside', '1')
  expect(await stopLeftBehind(another.config, false)).toEqual({})
  for (const { ended } of [elsewhere, alone, another]) expect(ended()).toBeNull()
})

test('a launcher without a runner is stopped', async () => {
  const config = await place()
  const socketPath = join(config.runDir, 'launcher.sock')
  const launcher = await connectLauncher({ socketPath, spawnIfMissing: true })
  const { pid } = await launcher.call({ op: 'hello' })
  cleanups.push(() => startTimeOf(pid) !== undefined && process.kill(pid, 'SIGTERM'))
  expect(await stopLeftBehind(config, false)).toEqual({ launcher: pid })
  expect(await stopLeftBehind(config, false)).toEqual({})
  await launcher.close()
})
