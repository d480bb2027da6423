/** A launcher or driver process whose runner has gone for good: told to end its jobs and itself. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectLauncher } from '../executors/index.ts'

const killMs = 15_000
const lookEveryMs = 50

/** Its pid; undefined when there was none. */
export async function stopLauncher(socketPath: string): Promise<number | undefined> {
  if (!existsSync(socketPath)) return undefined
  const launcher = await connectLauncher({ socketPath, spawnIfMissing: false }).catch(() => undefined)
  if (launcher === undefined) return undefined
  const { pid } = await launcher.call({ op: 'hello' })
  process.kill(pid, 'SIGTERM')
  await launcher.close()
  const giveUpAt = performance.now() + killMs
  while (existsSync(socketPath) && performance.now() < giveUpAt) await sleep(lookEveryMs)
  return pid
}
