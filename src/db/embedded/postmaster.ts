/** The postmaster as a process: found by its pid file, started so that it cannot outlive us, stopped. */
import { execFile, spawn } from 'node:child_process'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Account } from './account.ts'
import { cleanEnv } from './cluster.ts'

const execFileAsync = promisify(execFile)

export interface Postmaster {
  pid: number
  /** Resolves when the process is gone. */
  gone: Promise<void>
  isGone(): boolean
  stop(): Promise<void>
}

export interface FoundPostmaster {
  pid: number
  socketDir: string
}

async function commandLineOf(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
  } catch {
    if (process.platform === 'linux') return ''
    return execFileAsync('ps', ['-o', 'command=', '-p', String(pid)]).then(
      ({ stdout }) => stdout,
      () => '',
    )
  }
}

/**
 * The live postmaster of this data directory, if there is one. A pid file whose number now belongs to another program
 * (after a reboot or a crash) is removed: PostgreSQL itself would refuse to start because of it.
 */
export async function findPostmaster(pgData: string): Promise<FoundPostmaster | undefined> {
  const file = join(pgData, 'postmaster.pid')
  const lines = await readFile(file, 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  )
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const command = await commandLineOf(pid)
  if (command.includes('postgres') && command.includes(pgData)) {
    return { pid, socketDir: (lines[4] ?? '').split(',')[0] ?? '' }
  }
  const again = await readFile(file, 'utf8').then(
    (text) => text.split('\n')[0],
    () => undefined,
  )
  if (again === lines[0]) {
    await rm(file, { force: true })
    if (lines[4]) await rm(join(lines[4], '.s.PGSQL.5432.lock'), { force: true })
  }
  return undefined
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Fast shutdown, then ever harder. `gone` tells whether it worked. */
async function stopProcess(pid: number, isGone: () => boolean, gone: Promise<void>): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', 30_000],
    ['SIGQUIT', 5000],
    ['SIGKILL', 5000],
  ] as const) {
    if (isGone()) return
    try {
      process.kill(pid, signal)
    } catch {
      // Gone between the question and the signal.
    }
    const timer = new AbortController()
    await Promise.race([gone, sleep(patience, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
  }
}

/** Stops a postmaster that an earlier process of ours left behind. */
export async function stopOrphan(pid: number): Promise<void> {
  let over = false
  const gone = (async () => {
    while (!over && isAlive(pid)) await sleep(20)
  })()
  try {
    await stopProcess(pid, () => !isAlive(pid), gone)
  } finally {
    over = true
  }
}

/**
 * The postmaster takes the shell's place, so its pid is the child's. The subshell waits on a pipe that only we hold
 * open: when we die, however we die, it ends, and PostgreSQL shuts down in order.
 */
const startScript = `exec 3<&0 </dev/null
(read -r _ <&3 || kill -INT $$) &
exec "$@" 3<&-`

const logLimit = 8 * 1024 * 1024

export interface StartOptions {
  binaries: string
  pgData: string
  socketDir: string
  logFile: string
  account: Account | undefined
  settings: Record<string, string>
}

export async function startPostmaster(options: StartOptions): Promise<Postmaster> {
  const { binaries, pgData, socketDir, logFile, account, settings } = options
  const logSize = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  )
  if (logSize > logLimit) await rename(logFile, `${logFile}.old`)
  const log = await open(logFile, 'a', 0o600)
  try {
    const args = ['-D', pgData, '-k', socketDir]
    for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`)
    const child = spawn('/bin/sh', ['-c', startScript, 'sh', join(binaries, 'bin', 'postgres'), ...args], {
      cwd: '/',
      env: cleanEnv,
      // Its own session: Ctrl-C in our terminal is ours to handle.
      detached: true,
      stdio: ['pipe', log.fd, log.fd],
      ...account,
    })
    let isGone = false
    const letWatcherGo = (): void => {
      if (child.stdin && !child.stdin.destroyed) child.stdin.end('done\n')
    }
    child.stdin?.on('error', () => {})
    const gone = new Promise<void>((resolve) => {
      const over = (): void => {
        isGone = true
        letWatcherGo()
        resolve()
      }
      child.once('exit', over)
      child.once('error', over)
    })
    const pid = child.pid ?? -1
    return {
      pid,
      gone,
      isGone: () => isGone,
      async stop() {
        // Let go first: the postmaster reaps the watcher only while it lives itself.
        letWatcherGo()
        if (pid > 0) await stopProcess(pid, () => isGone, gone)
        await gone
      },
    }
  } finally {
    await log.close()
  }
}
