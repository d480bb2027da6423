import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { loadConfig } from '../../config/config.ts'
import { version } from '../version.ts'
import { startTimeOf, writeFacts } from './files.ts'
import { ensureInstanceId } from './lock.ts'
import { settingsMark } from './settings-mark.ts'
import { superviseRunner } from './supervise-runner.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const urlOf = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href)

/** Stands in for a runner with work that ends only when it is told twice, and counts as the real one does. */
async function supervised(settings = 'same') {
  const dataDir = await mkdtemp(join(tmpdir(), 'ry-supervise-'))
  cleanups.push(() => rm(dataDir, { recursive: true }))
  const instanceId = await ensureInstanceId(dataDir)
  const code = `import { takeLock } from ${urlOf('./lock.ts')}
    import { onStop } from ${urlOf('../process-life.ts')}
    let told = 0
    onStop(() => {
      console.log('told')
      if (++told === 2) process.exit(0)
    })
    await takeLock(${JSON.stringify(instanceId)}, 'runner')
    console.log('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanups.push(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const until = async (text: string): Promise<void> => {
    while (!said.includes(text)) await sleep(10)
  }
  await until('ready')
  await writeFacts(dataDir, 'runner.json', { pid: child.pid!, start_time: startTimeOf(child.pid!)!, version, settings })
  const runner = superviseRunner({ instanceId, dataDir, args: [], env: process.env, settings: 'same', drainMs: 60_000 })
  await sleep(200) // it has found the runner
  return { runner, until, told: () => said.split('told').length - 1 }
}

test('a fast stop is heard as the second one, although signals close together count as one', async () => {
  const { runner, told } = await supervised()
  await runner.stop(true)
  expect(told()).toBe(2)
})

test('a slow stop asks once; a fast one right after it, or later, ends it', async () => {
  const { runner, until, told } = await supervised()
  const slow = runner.stop()
  await until('told')
  await sleep(1_000)
  expect(told()).toBe(1)
  await Promise.all([slow, runner.stop(true), runner.stop(true)])
  expect(told()).toBe(2)
  await runner.stop(true)

  const second = await supervised()
  await Promise.all([second.runner.stop(), second.runner.stop(true)])
  expect(second.told()).toBe(2)
})

test('a runner with other settings is told to finish; one with the same goes on', async () => {
  const other = await supervised('other')
  await other.until('told')
  const same = await supervised()
  expect(same.told()).toBe(0)
  await Promise.all([other.runner.stop(true), same.runner.stop(true)])
})

test('the mark changes with what a runner goes by, and with nothing else', () => {
  const mark = (env: Record<string, string>) => settingsMark(loadConfig({ env }))
  const plain = mark({})
  expect(mark({ RUNYARD_PORT: '9', DATABASE_URL: 'postgresql://a:b@c/d' })).toBe(plain)
  expect(mark({ RUNYARD_RUNNER_SLOTS: '3' })).not.toBe(plain)
  expect(mark({ ALLOWED_WORKDIRS: '/srv' })).not.toBe(plain)
})
