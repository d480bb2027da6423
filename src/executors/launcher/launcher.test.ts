import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAlive } from '../processes.ts'
import { connectLauncher } from './client.ts'
import type { Launcher, LaunchOrder } from './launcher.ts'

let root: string
let socketPath: string
const open: Launcher[] = []
let counter = 0

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
const order = (script: string, more: Partial<LaunchOrder> = {}): LaunchOrder => {
  const id = more.id ?? `job-${++counter}`
  const recordDir = join(root, id)
  mkdirSync(recordDir, { recursive: true })
  return {
    id,
    argv: ['/bin/sh', '-c', script],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    cgroupProcs: [],
    dieWithLauncher: true,
    openFiles: 64,
    fds: [],
    keepForMs: 60_000,
    recordDir,
    ...more,
  }
}
const until = async (condition: () => boolean): Promise<void> => {
  const giveUpAt = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error('did not happen within 10 s')
    await sleep(10)
  }
}
const launcherPids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => commandLine(name).endsWith(`${socketPath}\0`))
    .map(Number)
const commandLine = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

test('starts, reports the end, and has both on disk', async () => {
  const launcher = await connect()
  const made = order('exit 7')
  const { pid, startTime } = await launcher.start(made)
  expect(await launcher.exited(made.id)).toEqual({ id: made.id, code: 7, signal: null, killedByKeeper: false })
  await launcher.forget(made.id)
  expect(JSON.parse(readFileSync(join(made.recordDir, 'launch.json'), 'utf8'))).toMatchObject({
    pid,
    start_time: startTime,
  })
  expect(JSON.parse(readFileSync(join(made.recordDir, 'exit.json'), 'utf8'))).toMatchObject({ code: 7, signal: null })
  await expect(launcher.exited(made.id)).rejects.toThrow('unknown attempt')
})

test('two that connect at once share one launcher, and it leaves with the last', async () => {
  const [one, two] = await Promise.all([connect(), connect()])
  // The one that found the place taken needs a moment to see it.
  await until(() => launcherPids().length === 1)
  await one.close()
  const made = order('true')
  await two.start(made)
  await two.exited(made.id)
  await two.close()
  await until(() => launcherPids().length === 0)
  expect(existsSync(socketPath)).toBe(false)
})

test('a job outlives its client, and the next client hears of its end', async () => {
  const first = await connect()
  const made = order('sleep 0.3; exit 5')
  await first.start(made)
  await first.close()
  const second = await connect(false)
  expect(await second.running()).toEqual([made.id])
  expect(await second.exited(made.id)).toMatchObject({ code: 5 })
})

test('a keeper that stood still reads its mail first, and counts from when it was written', async () => {
  const launcher = await connect()
  const kept = order('sleep 30', { keepForMs: 1500 })
  const dropped = order('sleep 30', { keepForMs: 1500 })
  await launcher.start(kept)
  await launcher.start(dropped)
  const late = order('sleep 30', { keepForMs: 300 })
  const [pid] = launcherPids()
  process.kill(pid!, 'SIGSTOP')
  let extended: Promise<void>[]
  let started: Promise<unknown>
  try {
    extended = [launcher.extend([dropped.id], 1000), launcher.extend([kept.id], 60_000)]
    started = launcher.start(late).catch((error: Error) => error.message)
    await sleep(2000)
  } finally {
    process.kill(pid!, 'SIGCONT')
  }
  await Promise.all(extended)
  const continued = performance.now()
  expect(await launcher.exited(dropped.id)).toMatchObject({ killedByKeeper: true })
  expect(performance.now() - continued).toBeLessThan(900)
  expect(await started).toContain('lease ran out')
  expect(await launcher.running()).toEqual([kept.id])
  await launcher.extend([kept.id], 0)
  expect(await launcher.exited(kept.id)).toMatchObject({ killedByKeeper: true })
})

test('the keeper kills what nobody extends, children too, and spares what is extended', async () => {
  const launcher = await connect()
  const kept = order('sleep 30', { keepForMs: 300 })
  const dropped = order('trap "" TERM; sleep 983 & sleep 983; true', { keepForMs: 300 })
  await launcher.start(kept)
  await launcher.start(dropped)
  await launcher.extend([kept.id], 60_000)
  expect(await launcher.exited(dropped.id)).toMatchObject({ signal: 'SIGKILL', killedByKeeper: true })
  await until(() => !readdirSync('/proc').some((pid) => commandLine(pid) === 'sleep\x00983\x00'))
  expect(await launcher.running()).toEqual([kept.id])
  await launcher.extend([kept.id], 0)
  expect(await launcher.exited(kept.id)).toMatchObject({ killedByKeeper: true })
})

test('a launcher that is killed takes its jobs along; the same client goes on with a new one', async () => {
  const launcher = await connect()
  const made = order('exec sleep 982')
  const main = await launcher.start(made)
  // The kernel's promise is made late in the start; before it only a sweep helps.
  await until(() => commandLine(String(main.pid)) === 'sleep\x00982\x00')
  const end = launcher.exited(made.id)
  end.catch(() => {})
  for (const pid of launcherPids()) process.kill(pid, 'SIGKILL')
  await expect(end).rejects.toThrow('gone')
  await until(() => !isAlive(main))
  await expect(launcher.exited(made.id)).rejects.toThrow('unknown attempt')
  const next = order('exit 4')
  await launcher.start(next)
  expect(await launcher.exited(next.id)).toMatchObject({ code: 4 })
})

test('hands over exactly the files of the order', async () => {
  const leaked = openSync('/dev/null', 'r')
  const launcher = await connect()
  const made = order('cat <&3 > "$0/out"; ls /proc/self/fd | wc -l >> "$0/out"; ulimit -n >> "$0/out"', {
    fds: [{ fd: 3, data: Buffer.from('secret\n').toString('base64') }],
  })
  made.argv.push(made.recordDir)
  await launcher.start(made)
  await launcher.exited(made.id)
  closeSync(leaked)
  // 0, 1, 2, 3 and the directory that ls reads.
  expect(readFileSync(join(made.recordDir, 'out'), 'utf8')).toBe('secret\n5\n64\n')
})

test('a path that has become a link since it was checked is not opened', async () => {
  const launcher = await connect()
  const dir = join(root, 'dir')
  mkdirSync(dir)
  const exact: LaunchOrder['fds'] = [{ fd: 3, path: dir, open: 'exact' }]
  const good = order('true', { fds: exact })
  await launcher.start(good)
  await launcher.exited(good.id)
  renameSync(dir, `${dir}-old`)
  symlinkSync('/etc', dir)
  const link = order('true', { fds: exact })
  await expect(launcher.start(link)).rejects.toThrow('is now a link')
  rmSync(dir)
  mkdirSync(join(root, 'real', 'sub'), { recursive: true })
  symlinkSync(join(root, 'real'), dir)
  const above = order('true', { fds: [{ fd: 3, path: join(dir, 'sub'), open: 'exact' }] })
  await expect(launcher.start(above)).rejects.toThrow('is now')
})

test('what cannot be started is an error, and the launcher lives on', async () => {
  const launcher = await connect()
  await expect(launcher.start(order('true', { cwd: '/nonexistent' }))).rejects.toThrow('ENOENT')
  await expect(launcher.start(order('true', { fds: [{ fd: 3, path: '/nonexistent', open: 'read' }] }))).rejects.toThrow(
    'ENOENT',
  )
  await expect(launcher.start(order('true', { env: { A: 'x'.repeat(3_000_000) } }))).rejects.toThrow('E2BIG')
  const made = order('exit 1')
  await launcher.start(made)
  expect(await launcher.exited(made.id)).toMatchObject({ code: 1 })
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
