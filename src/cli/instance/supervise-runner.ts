/**
 * Keeps one runner process beside the server: starts it, starts it again when it died, and takes over one that
 * outlived an `up` that was killed, with the jobs that it runs.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { emitFact } from '../../lib/facts.ts'
import { besideTheServer } from '../beside-the-server.ts'
import { entryFile } from '../package-root.ts'
import { togetherMs } from '../process-life.ts'
import { version } from '../version.ts'
import { readFacts, signalTo } from './files.ts'
import { watchLock } from './lock.ts'

export interface SuperviseOptions {
  instanceId: string
  dataDir: string
  /** Words behind `runyard runner`. */
  args: string[]
  env: NodeJS.ProcessEnv
  /** Of the settings that it is to have. */
  settings: string
  /** How long a stopping runner may take before it is told a second time. */
  drainMs: number
  /** It ended several times right after its start. */
  onHopeless?(): void
}

export interface SupervisedRunner {
  /** `fast` may be asked for after a slow stop has begun. */
  stop(fast?: boolean): Promise<void>
}

const steadyMs = 20_000
const longestPauseMs = 15_000
const killAfterMs = 15_000
/** Told to hurry, a runner is told until it is gone: one that is busy may hear two signals as one. */
const insistEveryMs = 2 * togetherMs

export function superviseRunner(options: SuperviseOptions): SupervisedRunner {
  let stopping = false
  let wake = (): void => {}
  let over = false
  let insisting: NodeJS.Timeout | undefined
  let current: { signal(name: NodeJS.Signals): void; gone: Promise<void> } | undefined

  const oneLife = async (): Promise<void> => {
    const holder = await watchLock(options.instanceId, 'runner')
    if (holder === undefined) {
      const child = startRunner(options)
      current = { signal: (name) => child.kill(name), gone: goneOf(child) }
    } else {
      const facts = await readFacts(options.dataDir, 'runner.json')
      emitFact({ name: 'runner.found_alive', pid: facts?.pid, version: facts?.version })
      current = { signal: (name) => facts && signalTo(facts, name), gone: holder.gone }
      // After an upgrade the old program finishes what it has, then the new one takes over.
      if (facts !== undefined && facts.version !== version) current.signal('SIGTERM')
      else if (facts?.settings !== undefined && facts.settings !== options.settings) {
        const what = 'it was started with other settings: it finishes what it has, then another takes over'
        emitFact({ name: 'runner.replaced', level: 'warn', pid: facts.pid, what })
        current.signal('SIGTERM')
      }
    }
    if (stopping) current.signal('SIGTERM')
    await current.gone
    current = undefined
  }

  const loop = (async () => {
    let failures = 0
    while (!stopping) {
      const begun = performance.now()
      await oneLife()
      if (stopping) return
      failures = performance.now() - begun > steadyMs ? 0 : failures + 1
      if (failures === 3) options.onHopeless?.()
      const pause = Math.min(longestPauseMs, 250 * 2 ** failures)
      emitFact({ name: 'runner.ended', level: 'warn', again_in_ms: pause })
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  })().finally(() => {
    over = true
    clearInterval(insisting)
  })

  return {
    async stop(fast = false) {
      const again = stopping
      stopping = true
      wake()
      if (!again) current?.signal('SIGTERM')
      if (fast && !over) insisting ??= setInterval(() => current?.signal('SIGTERM'), insistEveryMs)
      if (again) return loop
      const timers = [
        setTimeout(() => current?.signal('SIGTERM'), options.drainMs + 5_000),
        setTimeout(() => current?.signal('SIGKILL'), options.drainMs + 5_000 + killAfterMs),
      ]
      await loop
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

function startRunner({ args, env, settings }: SuperviseOptions): ChildProcess {
  // A session of its own: Ctrl-C in the terminal is for us to hear, and the runner outlives us when we are killed.
  const stdio: ['ignore', 'inherit', 'inherit'] = ['ignore', 'inherit', 'inherit']
  // Also where this machine is enrolled with servers elsewhere, or the environment names one for the command line.
  const words = ['runner', ...args, '--server', besideTheServer, '--settings-mark', settings]
  return spawn(process.execPath, [entryFile, ...words], { env, stdio, detached: true })
}

const goneOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', (error) => {
      emitFact({ name: 'runner.start_failed', level: 'error', error: error.message })
      resolve()
    })
  })
