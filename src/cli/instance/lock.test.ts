import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ensureInstanceId, isHeld, readInstanceId, takeLock, watchLock } from './lock.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function aDataDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ry-lock-'))
  cleanups.push(() => rm(dir, { recursive: true }))
  return dir
}

test('a data directory gets one id, also when several ask at once', async () => {
  const dir = await aDataDir()
  expect(await readInstanceId(dir)).toBeUndefined()
  const ids = await Promise.all([1, 2, 3, 4].map(() => ensureInstanceId(dir)))
  expect(new Set(ids)).toEqual(new Set([await readInstanceId(dir)]))
  expect(await readdir(dir)).toEqual(['instance-id'])
})

test('only one holds a lock, the roles are apart, and release frees it', async () => {
  const id = await ensureInstanceId(await aDataDir())
  const lock = await takeLock(id, 'server')
  expect(lock).toBeDefined()
  expect(await takeLock(id, 'server')).toBeUndefined()
  expect(await isHeld(id, 'server')).toBe(true)
  expect(await isHeld(id, 'runner')).toBe(false)
  await lock!.release()
  expect(await isHeld(id, 'server')).toBe(false)
})

test('kill -9 of the holder frees the lock, and a watcher hears it', async () => {
  const id = await ensureInstanceId(await aDataDir())
  const code = `import { takeLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
    await takeLock(${JSON.stringify(id)}, 'runner'); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanups.push(() => holder.kill('SIGKILL'))
  await new Promise((resolve) => holder.stdout.once('data', resolve))
  const watched = await watchLock(id, 'runner')
  expect(watched).toBeDefined()
  expect(await takeLock(id, 'runner')).toBeUndefined()
  holder.kill('SIGKILL')
  await watched!.gone
  const mine = await takeLock(id, 'runner')
  expect(mine).toBeDefined()
  await mine!.release()
})
