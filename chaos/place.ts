/** What all stands are made of: a directory with the witnesses' tools, and ways to find, ask and end what runs in it. */
import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../e2e/system.ts'
import { commandOf, environmentOf, pids, processOf, processesUnder, signal, type ProcessId } from './host.ts'

/** Another checkout is tried with RUNYARD_CHAOS_ROOT=DIR. */
export const repository = process.env['RUNYARD_CHAOS_ROOT'] ?? fileURLToPath(new URL('..', import.meta.url))
export const password = 'correct horse battery'

export interface Witness {
  dir: string
  command: string[]
  binds: { path: string; mode: 'ro' | 'rw' }[]
}

/** A directory for a stand, with what the jobs of every stand need in it. */
export function makePlace(): {
  dir: string
  /** Makes a directory in it. */
  at(name: string, mode: number): string
  logs: string
  witness: Witness
  /** What servers and runners are told wherever they are. */
  env: NodeJS.ProcessEnv
} {
  const dir = mkdtempSync(join(tmpdir(), 'ry-chaos-'))
  // Jobs and PostgreSQL run as other users and must pass.
  chmodSync(dir, 0o711)
  const at = (name: string, mode: number): string => {
    mkdirSync(join(dir, name))
    chmodSync(join(dir, name), mode)
    return join(dir, name)
  }
  const [witnessDir, bin] = [at('witness', 0o777), at('bin', 0o755)]
  const node = join(bin, 'node')
  placeNode(node)
  copyFileSync(fileURLToPath(new URL('./witness.mjs', import.meta.url)), join(bin, 'witness.mjs'))
  return {
    dir,
    at,
    logs: at('logs', 0o700),
    witness: {
      dir: witnessDir,
      command: [node, '--no-warnings', join(bin, 'witness.mjs'), witnessDir],
      binds: [
        { path: bin, mode: 'ro' },
        { path: witnessDir, mode: 'rw' },
      ],
    },
    env: {
      PATH: process.env['PATH'],
      HOME: at('home', 0o700),
      TMPDIR: at('tmp', 0o711),
      NODE_COMPILE_CACHE: at('cache', 0o700),
      RUNYARD_ADMIN_PASSWORD: password,
      RUNYARD_ALLOW_ISOLATION_NONE: 'true',
      RUNYARD_ALLOWED_READ_ONLY_BINDS: bin,
      RUNYARD_ALLOWED_READ_WRITE_BINDS: witnessDir,
    },
  }
}

export const jobsOf = (witness: Witness): ProcessId[] =>
  processesUnder(witness.dir).filter(({ pid }) => !environmentOf(pid).includes('RUNYARD_DATA_DIR='))

export async function killAllUnder(dir: string): Promise<void> {
  await until(
    'the end of all processes',
    async () => {
      const left = processesUnder(dir)
      for (const id of left) signal(id, 'SIGKILL')
      return left.length === 0
    },
    20_000,
  )
}

/** Jobs need a Node that every user may run; where this one lies, perhaps not everybody may go. */
function placeNode(path: string): void {
  try {
    linkSync(process.execPath, path)
  } catch {
    copyFileSync(process.execPath, path)
  }
}

export async function signIn(url: string, account = { username: 'admin', password }): Promise<string> {
  const { username, password: word } = account
  const body = new URLSearchParams({ grant_type: 'password', username, password: word })
  return until(
    'a sign-in',
    async () => {
      const response = await fetch(`${url}/api/v1/auth/token`, { method: 'POST', body })
      return response.ok && ((await response.json()) as { access_token: string }).access_token
    },
    30_000,
  )
}

/** The process that has the runner's launcher socket in its command; the oldest, should it have a co-process. */
export function launcherOf(runDir: string): ProcessId | null {
  const found = pids()
    .filter((pid) => {
      const command = commandOf(pid)
      return command.includes(`${runDir}/`) && command.includes('launcher')
    })
    .flatMap((pid) => processOf(pid) ?? [])
  return found.toSorted((a, b) => Number(a.startTime) - Number(b.startTime))[0] ?? null
}

export function postmasterOf(dataDir: string): ProcessId | null {
  for (const name of readdirSync(dataDir).filter((each) => /^pg\d+$/.test(each))) {
    try {
      const pid = Number(readFileSync(join(dataDir, name, 'postmaster.pid'), 'utf8').split('\n')[0])
      // The file of a dead one may name a stranger by now.
      if (commandOf(pid).includes(join(dataDir, name))) return processOf(pid)
    } catch {
      // Not running.
    }
  }
  return null
}
