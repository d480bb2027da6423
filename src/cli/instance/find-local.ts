/** Finds the server of this machine's data directory, and starts one where the command needs it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../lib/app-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { entryFile } from '../package-root.ts'
import { readFacts } from './files.ts'
import { isHeld, readInstanceId } from './lock.ts'
import { joinInstance, type Member } from './member.ts'
import { ensureOwnDir } from './own-dir.ts'

export interface Wish {
  /** What to do when nothing runs: leave it, start for as long as we are here, or start and leave running. */
  start: 'no' | 'ephemeral' | 'background'
  /** Jobs are to be run, not only read. */
  runner: boolean
  /** Further words for `runyard up`. */
  flags?: string[]
  onProgress?: (text: string) => void
}

export interface LocalServer extends Member {
  /** We started it just now. */
  started: boolean
}

/** The first start makes a database; on a slow disk that takes its time. */
const patienceMs = 180_000

/** Undefined: nothing runs, and the wish was not to start anything. */
export async function findLocal(config: Config, wish: Wish): Promise<LocalServer | undefined> {
  const giveUpAt = performance.now() + patienceMs
  let up: Starting | undefined
  while (performance.now() < giveUpAt) {
    const id = await readInstanceId(config.dataDir)
    if (id !== undefined && (await isHeld(id, 'server'))) {
      const runDir = (await readFacts(config.dataDir, 'instance.json'))?.run_dir ?? config.runDir
      const member = await joinInstance(runDir, wish)
      if (member !== undefined) {
        if (wish.start === 'background') await member.keep()
        return { ...member, started: up !== undefined && up.child.pid === member.pid }
      }
    } else if (wish.start === 'no') return undefined
    else if (up === undefined || up.exitCode() === exitCodes.held) up = await startUp(config, wish)
    else if (up.exitCode() !== undefined) throw await up.failure()
    await sleep(20)
  }
  throw new AppError(
    'unavailable',
    `the server on ${config.dataDir} neither answers nor ends; see ${logFileOf(config)}`,
  )
}

export const hasData = (config: Config): boolean =>
  config.databaseUrl !== undefined || existsSync(join(config.dataDir, 'instance-id'))

const logFileOf = (config: Config): string => join(config.dataDir, 'up.log')
const logFileBytes = 5 * 1024 * 1024

interface Starting {
  child: ChildProcess
  exitCode(): number | undefined
  failure(): Promise<AppError>
}

async function startUp(config: Config, wish: Wish): Promise<Starting> {
  await ensureOwnDir('data', config.dataDir)
  const logFile = logFileOf(config)
  const before = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  )
  if (before > logFileBytes) await rename(logFile, `${logFile}.1`)
  const log = await open(logFile, 'a', 0o600)
  const from = before > logFileBytes ? 0 : before
  const mode = wish.start === 'ephemeral' ? '--ephemeral' : '--background'
  const where = ['--data-dir', config.dataDir, '--run-dir', config.runDir]
  try {
    const child = spawn(process.execPath, [entryFile, 'up', mode, ...(wish.flags ?? []), ...where], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    let code: number | undefined
    child.once('exit', (exit) => (code = exit ?? exitCodes.failed))
    child.once('error', () => (code = exitCodes.failed))
    child.unref()
    return {
      child,
      exitCode: () => code,
      async failure() {
        const said = (await readFile(logFile).catch(() => Buffer.alloc(0))).subarray(from).toString().trim()
        const words = /^runyard: ([\s\S]+)$/m.exec(said)?.[1] ?? said.split('\n').slice(-5).join('\n')
        return new AppError('unavailable', `the server does not start: ${words || `exit code ${code}`}`)
      },
    }
  } finally {
    await log.close()
  }
}
