/** Ends a runner that outlived its server, and the launcher with the jobs: nobody else would. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { togetherMs } from '../process-life.ts'
import { readFacts, signalTo, type RunnerFacts } from './files.ts'
import { readInstanceId, watchLock } from './lock.ts'

export interface LeftBehind {
  runner?: number
  launcher?: number
  /** A runner that works for servers on other machines is not ours to stop. */
  elsewhere?: number
}

const lastWordsMs = 10_000
const killAfterMs = 15_000

/** `hadServer`: one was stopped just now; a runner that somebody started on its own waits for the next. */
export async function stopLeftBehind(config: Config, hadServer: boolean): Promise<LeftBehind> {
  const { dataDir } = config
  const runDir = (await readFacts(dataDir, 'instance.json'))?.run_dir ?? config.runDir
  const id = await readInstanceId(dataDir)
  const holder = id === undefined ? undefined : await watchLock(id, 'runner')
  const facts = await readFacts(dataDir, 'runner.json')
  if (holder !== undefined && facts !== undefined) {
    if (facts.works === 'elsewhere') {
      holder.letGo()
      return hadServer ? {} : { elsewhere: facts.pid }
    }
    if (hadServer && facts.works === 'alone') {
      holder.letGo()
      return {}
    }
    if (await ended(facts, holder.gone, config.drainSeconds * 1000)) return { runner: facts.pid }
    return {}
  }
  holder?.letGo()
  const sockets = ['driver.sock', 'launcher.sock'].map((name) => join(runDir, name)).filter((path) => existsSync(path))
  if (holder !== undefined || hadServer || sockets.length === 0) return {}
  const { stopLauncher } = await import('../../runner/main.ts')
  const stopped = await Promise.all(sockets.map(stopLauncher))
  const launcher = stopped.at(-1)
  return launcher === undefined ? {} : { launcher }
}

/** Its jobs get their time, then it is told to hurry, then killed. False: the process of that name is another. */
async function ended(facts: RunnerFacts, gone: Promise<void>, drainMs: number): Promise<boolean> {
  if (!signalTo(facts, 'SIGTERM')) return false
  const timers = [
    setTimeout(() => signalTo(facts, 'SIGTERM'), Math.max(drainMs + lastWordsMs, 2 * togetherMs)),
    setTimeout(() => signalTo(facts, 'SIGKILL'), drainMs + lastWordsMs + killAfterMs),
  ]
  await gone
  for (const timer of timers) clearTimeout(timer)
  return true
}
