/** Small files in the data directory by which one `runyard` finds another. */
import { readFileSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface InstanceFacts {
  pid: number
  /** Where its sockets are; two sessions of one user may compute different ones. */
  run_dir: string
  version: string
}

export interface RunnerFacts {
  pid: number
  /** Of the process, in clock ticks since boot: a pid alone may have become somebody else's. */
  start_time: string
  version: string
  /** `beside` the server that started it, `alone` for a server of this data directory, `elsewhere` for other machines. */
  works?: 'beside' | 'alone' | 'elsewhere'
  /** Of the settings that it was started with beside a server (`settings-mark.ts`). */
  settings?: string
}

export interface FirstLogin {
  username: string
  password: string
}

interface Files {
  'instance.json': InstanceFacts
  'runner.json': RunnerFacts
  /** The server's own: host:port of gRPC, once there is an authority. */
  'server.json': { grpc?: string }
  /** The first administrator's password, made by a server that nobody saw, until `up` shows it. */
  'secrets/first-login.json': FirstLogin
}

export async function readFacts<Name extends keyof Files>(
  dataDir: string,
  name: Name,
): Promise<Files[Name] | undefined> {
  try {
    return JSON.parse(await readFile(join(dataDir, name), 'utf8')) as Files[Name]
  } catch {
    return undefined
  }
}

export async function writeFacts<Name extends keyof Files>(
  dataDir: string,
  name: Name,
  facts: Files[Name],
): Promise<void> {
  const file = join(dataDir, name)
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(facts)}\n`, { mode: 0o600 })
  await rename(`${file}.${process.pid}`, file)
}

export const removeFacts = (dataDir: string, name: keyof Files): Promise<void> =>
  rm(join(dataDir, name), { force: true })

/** Field 22 of /proc/PID/stat; undefined when there is no such process. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may itself hold brackets and spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** To a runner that is not our child. False: it is gone, and its pid may be somebody else's. */
export function signalTo({ pid, start_time: startTime }: RunnerFacts, name: NodeJS.Signals): boolean {
  if (startTimeOf(pid) !== startTime) return false
  try {
    return process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    return false
  }
}
