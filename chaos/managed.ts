/** A process that the rig starts, kills and starts again. When it ends without being told to, that is noted. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { processOf, signal, type ProcessId } from './host.ts'

export interface Ending {
  startedAt: number
  at: number
  code: number | null
  signal: string | null
  /** Killed or stopped by the rig. */
  wanted: boolean
  /** Its last words, when it was not. */
  words: string
}

export interface Managed {
  name: string
  /** Null while it does not run. */
  id(): ProcessId | null
  endings: Ending[]
  start(extra?: NodeJS.ProcessEnv): void
  /** SIGKILL; resolves when it is gone. False when it did not run. */
  kill(): Promise<boolean>
  /** SIGTERM; resolves with the exit code. Null when it had to be killed after the patience. */
  stop(patienceMs?: number): Promise<number | null>
  /** The end of what it printed. */
  words(): string
}

/** One that ends so often does not come up at all. */
const crashLimit = 10

export function managed(options: {
  name: string
  command: string[]
  env: NodeJS.ProcessEnv
  logFile: string
}): Managed {
  const { name, logFile } = options
  let child: ChildProcess | null = null
  let id: ProcessId | null = null
  let gone: Promise<void> = Promise.resolve()
  let wanted = false
  let revival: NodeJS.Timeout | undefined
  const endings: Ending[] = []

  const words = (): string => {
    try {
      return readFileSync(logFile, 'utf8').slice(-3000)
    } catch {
      return ''
    }
  }
  const start = (extra: NodeJS.ProcessEnv): void => {
    if (id !== null) throw new Error(`${name} runs already`)
    const log = openSync(logFile, 'a')
    const [file = '', ...args] = options.command
    // Its own session: a Ctrl-C for the rig is the rig's to handle.
    child = spawn(file, args, { env: { ...options.env, ...extra }, stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    wanted = false
    const startedAt = Date.now()
    id = child.pid === undefined ? null : processOf(child.pid)
    gone = new Promise((resolve) => {
      const over = (code: number | null, by: string | null): void => {
        endings.push({ startedAt, at: Date.now(), code, signal: by, wanted, words: wanted ? '' : words() })
        id = null
        resolve()
        // As a service manager would; that it was needed is for the checker to say.
        const again = !wanted && endings.filter((ending) => !ending.wanted).length < crashLimit
        if (again) revival = setTimeout(() => start(extra), 500)
      }
      child!.once('exit', over)
      child!.once('error', () => over(null, null))
    })
  }
  return {
    name,
    id: () => id,
    endings,
    start: (extra = {}) => start(extra),
    async kill() {
      clearTimeout(revival)
      if (id === null) return false
      wanted = true
      const killed = signal(id, 'SIGKILL')
      await gone
      return killed
    },
    async stop(patienceMs = 60_000) {
      clearTimeout(revival)
      if (id === null) return endings.at(-1)?.code ?? null
      wanted = true
      signal(id, 'SIGTERM')
      const timer = setTimeout(() => id !== null && signal(id, 'SIGKILL'), patienceMs)
      await gone
      clearTimeout(timer)
      return endings.at(-1)!.code
    },
    words,
  }
}
