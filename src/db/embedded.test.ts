import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test, vi } from 'vitest'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { until } from '../../test/until.ts'
import { startEmbedded, type Embedded, type EmbeddedOptions } from './embedded.ts'
import { openDb } from './pool.ts'

vi.setConfig({ testTimeout: 90_000 })

/** Nothing of a process that is gone. */
const ofProcess = (pid: string, file: 'cmdline' | 'stat'): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
const commandLine = (pid: string): string => ofProcess(pid, 'cmdline')
const parentOf = (pid: string): string | undefined => ofProcess(pid, 'stat').split(') ')[1]?.split(' ')[1]
const pids = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name))

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function place(): EmbeddedOptions {
  const dir = scratchDir()
  cleanups.push(async () => {
    // initdb, and the postmaster of a parent that was killed, need a moment; what they write must not outlive us.
    await until(() => !pids().some((pid) => commandLine(pid).includes(dir)), 'the end of everything in it', 30_000)
    removeScratch(dir)
  })
  return { dataDir: join(dir, 'data'), runDir: join(dir, 'run'), fast: true }
}

async function started(options: EmbeddedOptions): Promise<Embedded> {
  const embedded = await startEmbedded(options)
  cleanups.push(() => embedded.stop())
  return embedded
}

async function ask(embedded: Pick<Embedded, 'url'>, sql: string): Promise<Record<string, unknown>[]> {
  const db = openDb(embedded.url)
  try {
    return (await db.query(sql)).rows
  } finally {
    await db.end()
  }
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A zombie is dead; only its parent has not looked yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

interface Other {
  process: ChildProcess
  /** The postmaster's pid, or the message of the refusal. */
  said: Promise<{ pid?: number; refused?: string }>
}

/** Another Node process that starts on the same place and stays. */
function inAnotherProcess(options: EmbeddedOptions): Other {
  const script = `
    import { startEmbedded } from ${JSON.stringify(new URL('./embedded.ts', import.meta.url).href)}
    try {
      const embedded = await startEmbedded(${JSON.stringify(options)})
      console.log(JSON.stringify({ pid: embedded.pid() }))
    } catch (error) {
      console.log(JSON.stringify({ refused: error.message }))
    }
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanups.push(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
  const said = once(createInterface(child.stdout!), 'line').then(([line]) => JSON.parse(String(line)))
  return { process: child, said }
}

/** The shell that ends the postmaster when its parent is gone; a child of the postmaster. */
const watchersOf = (pid: number): number[] =>
  pids()
    .filter((name) => commandLine(name).startsWith('/bin/sh'))
    .filter((name) => parentOf(name) === String(pid))
    .map(Number)

test('what was written is there after a restart; nothing listens but a private socket', async () => {
  const options = place()
  const first = await started({ ...options, fast: false })
  await ask(first, 'create table kept as select 42 as n')
  const settings = await ask(
    first,
    `
    select name, setting from pg_settings where name in ('listen_addresses', 'fsync', 'data_checksums', 'unix_socket_permissions')
    order by name`,
  )
  expect(settings.map(({ name, setting }) => `${name}=${setting}`)).toEqual([
    'data_checksums=on',
    'fsync=on',
    'listen_addresses=',
    'unix_socket_permissions=0700',
  ])
  expect(statSync(join(options.dataDir, 'secrets/postgres.password')).mode & 0o777).toBe(0o600)
  expect(statSync(join(options.dataDir, 'secrets')).mode & 0o777).toBe(0o700)
  expect(statSync(join(options.dataDir, 'pg18')).mode & 0o777).toBe(0o700)
  await first.stop()
  expect(alive(first.pid())).toBe(false)
  const second = await started(options)
  expect(await ask(second, 'select n from kept')).toEqual([{ n: 42 }])
  expect(await ask(second, 'select usesuper from pg_user where usename = current_user')).toEqual([{ usesuper: false }])
})

test('the password is needed', async () => {
  const embedded = await started(place())
  await expect(ask({ url: embedded.url.replace(/:[^:@]+@/, ':wrong@') }, 'select 1')).rejects.toThrow(/password/)
})

test('a second one on the same data directory is refused and told who is there', async () => {
  const options = place()
  await started(options)
  const { refused } = await inAnotherProcess(options).said
  expect(refused).toMatch(
    new RegExp(`another Runyard \\(process ${process.pid}\\) is using the data directory ${options.dataDir}`),
  )
  // Also when its sockets are elsewhere.
  await expect(startEmbedded({ ...options, runDir: `${options.runDir}2` })).rejects.toMatchObject({ code: 'conflict' })
})

test('of three started at once on an empty directory one comes up', async () => {
  const options = place()
  const others = [inAnotherProcess(options), inAnotherProcess(options), inAnotherProcess(options)]
  const ends = await Promise.all(others.map(({ said }) => said))
  expect(ends.filter(({ pid }) => pid !== undefined)).toHaveLength(1)
  for (const { refused } of ends.filter(({ pid }) => pid === undefined)) expect(refused).toMatch(/another Runyard/)
  expect(readdirSync(options.dataDir).filter((name) => name.startsWith('.'))).toEqual([])
})

test('kill -9 of the parent ends PostgreSQL, and the next start finds everything', async () => {
  const options = place()
  const other = inAnotherProcess(options)
  const { pid } = await other.said
  other.process.kill('SIGKILL')
  await until(() => !alive(pid!), 'the end of PostgreSQL')
  expect(await ask(await started(options), 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a start in the instant after kill -9 of the parent takes over', async () => {
  const options = place()
  const other = inAnotherProcess(options)
  const { pid } = await other.said
  other.process.kill('SIGKILL')
  const mine = await started(options)
  expect(mine.pid()).not.toBe(pid)
  expect(await ask(mine, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(alive(pid!)).toBe(false)
})

test('an orphan whose watcher was killed too is stopped and replaced', async ({ skip }) => {
  skip(process.platform !== 'linux', 'needs /proc')
  const options = place()
  const other = inAnotherProcess(options)
  const { pid } = await other.said
  const watchers = watchersOf(pid!)
  expect(watchers).toHaveLength(1)
  process.kill(watchers[0]!, 'SIGKILL')
  other.process.kill('SIGKILL')
  await once(other.process, 'exit')
  expect(alive(pid!)).toBe(true)
  const mine = await started({ ...options, runDir: `${options.runDir}2` })
  expect(alive(pid!)).toBe(false)
  expect(await ask(mine, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a postmaster that is killed is started again, with what was committed', async () => {
  const embedded = await started(place())
  await ask(embedded, 'create table kept as select 1 as n')
  const before = embedded.pid()
  process.kill(before, 'SIGKILL')
  const rows = await until(() => ask(embedded, 'select n from kept').catch(() => undefined), 'the restart', 20_000)
  expect(rows).toEqual([{ n: 1 }])
  expect(embedded.pid()).not.toBe(before)
})

test('a backend that crashes does not end our ownership', async () => {
  const options = place()
  const embedded = await started(options)
  const [row] = await ask(embedded, 'select pg_backend_pid() as pid')
  const db = openDb(embedded.url)
  const busy = db.query('select pg_sleep(30), pg_backend_pid()').catch(() => {})
  const found = await until(async () => {
    const rows = await ask(embedded, "select pid from pg_stat_activity where query like 'select pg_sleep%'")
    return rows[0]?.pid as number | undefined
  })
  expect(found).not.toBe(row?.pid)
  process.kill(found, 'SIGKILL')
  await busy
  await db.end()
  await until(() => ask(embedded, 'select 1').catch(() => undefined), 'the recovery', 20_000)
  await until(async () => {
    const rows = await ask(
      embedded,
      "select 1 from pg_stat_activity where application_name like 'runyard owner%'",
    ).catch(() => [])
    return rows.length === 1
  }, 'ownership')
  await expect(startEmbedded(options)).rejects.toMatchObject({ code: 'conflict' })
})

test('a stale pid file does not hinder, even when the number belongs to another program now', async () => {
  const options = place()
  const first = await started(options)
  await first.stop()
  const pidFile = join(options.dataDir, 'pg18/postmaster.pid')
  const { uid, gid } = statSync(join(options.dataDir, 'pg18'))
  // Of the same user as PostgreSQL: the case in which it would refuse to start by itself.
  const impostor = spawn('sleep', ['60'], { uid, gid, cwd: '/' })
  cleanups.push(() => void impostor.kill('SIGKILL'))
  for (const pid of [impostor.pid, 4_000_000]) {
    const lines = [pid, join(options.dataDir, 'pg18'), 1, 5432, join(options.runDir, 'pg'), '', '  12345 1', 'ready']
    writeFileSync(pidFile, `${lines.join('\n')}\n`, { mode: 0o600 })
    const again = await startEmbedded(options)
    await again.stop()
  }
  expect(existsSync(pidFile)).toBe(false)
})

test('a start that was cut short leaves no half-made database', async () => {
  const options = place()
  const other = inAnotherProcess(options)
  await until(
    () => existsSync(options.dataDir) && readdirSync(options.dataDir).some((name) => /^\.pg18-/.test(name)),
    'initdb',
  )
  other.process.kill('SIGKILL')
  expect(await ask(await started(options), 'select 1 as one')).toEqual([{ one: 1 }])
})

test('data of another version is not taken for no data', async () => {
  const options = place()
  mkdirSync(join(options.dataDir, 'pg17'), { recursive: true })
  await expect(startEmbedded(options)).rejects.toThrow(
    /data of another PostgreSQL \(pg17\); this Runyard brings version 18/,
  )
})

test('as root: a directory closed to the PostgreSQL user is named, with the fix', async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'only root switches to another user')
  const options = place()
  const closed = join(options.dataDir, '..', 'closed')
  mkdirSync(closed, { mode: 0o700 })
  chmodSync(closed, 0o700)
  await expect(startEmbedded({ ...options, dataDir: join(closed, 'data') })).rejects.toThrow(
    /may not pass .*closed: chmod o\+x/,
  )
})
