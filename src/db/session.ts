/**
 * One connection that stays: for what a pooled one would lose (LISTEN, session locks). Opened again whenever it breaks,
 * and asked every few seconds whether it still lives, since a half-open one stays silent for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { emitFact } from '../lib/facts.ts'
import { clientConfig, type DbConfig } from './pool.ts'

export interface SessionOptions {
  /** Shown in facts and as application_name. */
  purpose: string
  /** After every connect. Must not return before `lost` when it has work to do for the life of the session. */
  use(client: pg.Client, lost: AbortSignal): Promise<void>
  /** Pause before the next connect, given how often in a row it failed. */
  pauseMs?: (failures: number) => number
  probeMs?: number
  /** How long an answer to the probe may take. */
  probeTimeoutMs?: number
}

export interface Session {
  stop(): Promise<void>
}

const defaultPause = (failures: number): number => Math.min(100 * 2 ** Math.min(failures, 6), 5000)

async function probe(client: pg.Client, timeoutMs: number, lost: AbortSignal): Promise<void> {
  const timer = new AbortController()
  try {
    await Promise.race([
      client.query('select 1'),
      sleep(timeoutMs, undefined, { signal: AbortSignal.any([timer.signal, lost]) }).then(() => {
        throw new Error(`no answer in ${timeoutMs} ms`)
      }),
    ])
  } finally {
    timer.abort()
  }
}

export function openSession(target: string | DbConfig, options: SessionOptions): Session {
  const { purpose, use, pauseMs = defaultPause, probeMs = 10_000, probeTimeoutMs = 5000 } = options
  const ending = new AbortController()
  let failures = 0

  const once = async (): Promise<void> => {
    const client = new pg.Client({ ...clientConfig(target), application_name: `runyard ${process.pid} ${purpose}` })
    const lost = new AbortController()
    let reason = 'it was closed'
    const lose = (why: string): void => {
      if (!lost.signal.aborted) reason = why
      lost.abort()
    }
    client.on('error', (error) => lose(error.message))
    client.on('end', () => lose('it was closed'))
    let connected = false
    const end = (): void => {
      lose('stopping')
      if (!connected) client.connection.stream.destroy()
    }
    ending.signal.addEventListener('abort', end)
    try {
      await client.connect()
      connected = true
      const watch = (async () => {
        while (!lost.signal.aborted) {
          await sleep(probeMs, undefined, { signal: lost.signal }).catch(() => {})
          if (!lost.signal.aborted)
            await probe(client, probeTimeoutMs, lost.signal).catch((error: Error) => lose(error.message))
        }
      })()
      failures = 0
      try {
        await use(client, lost.signal)
      } catch (error) {
        failures++
        lose((error as Error).message)
      }
      await watch
    } catch (error) {
      failures++
      lose((error as Error).message)
    } finally {
      ending.signal.removeEventListener('abort', end)
      // A peer that does not answer must not hold us up.
      await Promise.race([client.end().catch(() => {}), sleep(1000, undefined, { ref: false })])
      client.connection.stream.destroy()
    }
    if (!ending.signal.aborted) emitFact({ name: 'db.session_lost', level: 'warn', purpose, reason })
  }

  const loop = (async () => {
    while (!ending.signal.aborted) {
      await once()
      if (ending.signal.aborted) break
      await sleep(pauseMs(failures), undefined, { signal: ending.signal }).catch(() => {})
    }
  })()
  return {
    async stop() {
      ending.abort()
      await loop
    },
  }
}
