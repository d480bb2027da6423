/**
 * Knows within seconds that the database is away, also when it hangs instead of refusing, so that a request gets its
 * 503 within 5 s and does not wait for a statement's timeout. Asks over a connection of its own: a pool that is busy
 * is not a database that is away.
 */
import type { DbConfig } from '../db/pool.ts'
import { openSession } from '../db/session.ts'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'

export interface DatabaseWatch {
  isAway(): boolean
  /** Rejects at once when the database is away, and when it goes away while the work is in progress. */
  whileThere<T>(work: () => Promise<T>): Promise<T>
  stop(): Promise<void>
}

const away = (): AppError =>
  new AppError('unavailable', 'the database is away for the moment', { retryAfterSeconds: 2 })

export function watchDatabase(target: string | DbConfig): DatabaseWatch {
  let isAway = false
  let stopping = false
  const waiting = new Set<(error: AppError) => void>()

  const session = openSession(target, {
    purpose: 'watch',
    probeMs: 1000,
    probeTimeoutMs: 2000,
    pauseMs: (failures) => Math.min(1000, 100 * 2 ** Math.min(failures, 4)),
    async use(_client, lost) {
      if (isAway) emitFact({ name: 'db.back' })
      isAway = false
      if (!lost.aborted) await new Promise((resolve) => lost.addEventListener('abort', resolve, { once: true }))
      isAway = true
      if (!stopping) emitFact({ name: 'db.away', level: 'warn' })
      for (const refuse of waiting) refuse(away())
      waiting.clear()
    },
  })

  return {
    isAway: () => isAway,
    async whileThere(work) {
      if (isAway) throw away()
      let refuse: (error: AppError) => void = () => {}
      const gone = new Promise<never>((_resolve, reject) => (refuse = reject))
      waiting.add(refuse)
      try {
        return await Promise.race([work(), gone])
      } finally {
        waiting.delete(refuse)
      }
    },
    stop() {
      stopping = true
      return session.stop()
    },
  }
}
