/**
 * All that a container printed, from its first byte, until it has ended. Its two streams come as one: a node keeps them
 * together. What broke off is read again from the beginning, less what was handed over.
 */
import { PassThrough, type Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DriveTools } from '../driver/driver.ts'
import { isGone, type ClusterClient } from './client.ts'
import { container } from './manifest.ts'

export interface LogOf {
  client: ClusterClient
  namespace: string
  pod: string
  output: DriveTools['output']
  /** Its container is over, so what is read from now on is all. */
  isOver(): boolean
  signal: AbortSignal
}

const againMs = 300

/** Resolves when all of it was handed over, or it cannot be read any more: then with why. */
export async function followLog({ client, namespace, pod, output, isOver, signal }: LogOf): Promise<string | null> {
  let handed = 0
  let broken = false
  for (let failed = 0; !signal.aborted;) {
    const last = isOver()
    broken = false
    try {
      handed = await readOnce(handed, !last)
      failed = 0
      if (last && !broken) return null
      // A log that ended because the container did is read to its end once more, when that is certain.
      if (!isOver()) await sleep(againMs, undefined, { signal }).catch(() => {})
    } catch (error) {
      if (isGone(error) || (isOver() && ++failed > 10)) return `its log cannot be read: ${(error as Error).message}`
      await sleep(againMs, undefined, { signal }).catch(() => {})
    }
  }
  return null

  async function readOnce(skip: number, follow: boolean): Promise<number> {
    let seen = 0
    const pipe = new PassThrough()
    // The client pipes and listens no further: a connection that breaks would end this process.
    pipe.once('pipe', (source: Readable) => source.once('error', (error) => pipe.destroy(error)))
    const control = await client.log.log(namespace, pod, container, pipe, { follow })
    const stop = (): void => {
      control.abort()
      pipe.destroy()
    }
    signal.addEventListener('abort', stop)
    try {
      for await (const chunk of pipe as AsyncIterable<Buffer>) {
        const from = Math.min(chunk.length, Math.max(0, skip - seen))
        seen += chunk.length
        if (from < chunk.length) await output('stdout', chunk.subarray(from))
      }
    } catch {
      // It broke off: what came is handed over, and the rest is read again.
      broken = true
    } finally {
      signal.removeEventListener('abort', stop)
    }
    return Math.max(skip, seen)
  }
}
