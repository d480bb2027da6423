/**
 * Brings the logs of this server in line with what the database says of them, e.g. after the server died: seals those of
 * attempts that are over, lets go of copies that count no more (the shared store or another server has the log), and
 * writes itself down for those of the time when there was one server. It never removes what the database does not know:
 * with the wrong DATABASE_URL every log would look like an orphan. What was deleted while this server was away, it was
 * left word of (`log_removals`).
 */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import type { LogStore, StoredLog } from '../logs/log-store.ts'
import type { SharedLogs } from '../logs/shared-logs.ts'
import { adoptLogs, doRemovals, keptLogs, type KeptLog } from '../queue/log-places.ts'
import { attemptKey } from '../queue/types.ts'
import type { LogKeeper } from './log-keeper.ts'

const batch = 500

export interface SweepParts {
  db: Db
  logs: LogStore
  shared: SharedLogs | null
  keeper: LogKeeper
}

export function logSweeper({ db, logs, shared, keeper }: SweepParts, everyMs = 3600_000): Service {
  const { server } = keeper.here

  /** Only when it is certain that the store has it: after a restore, or with another store, it may be only here. */
  const leaveToStore = async (attemptKey: string): Promise<void> => {
    if (shared === null) return
    if ((await shared.sealed(attemptKey)) === null) await keeper.seal(attemptKey)
    await logs.remove(attemptKey)
  }

  /** Whether it was sealed. */
  const settle = async (log: KeptLog, sealed: boolean): Promise<boolean> => {
    if (log.over && log.shared) await leaveToStore(log.name)
    else if (log.elsewhere) {
      // A whole copy may be the only one as long as the attempt goes on: the other server may have just begun.
      if (!sealed) await logs.removeUnsealed(log.name)
      else if (log.over) await logs.remove(log.name)
    } else if (log.over && !sealed && (log.here || log.nowhere)) {
      await logs.seal(log.name)
      return true
    }
    return false
  }

  return {
    name: 'logs.sweep',
    every: everyMs,
    async runOnce() {
      let late = 0
      let waiting: StoredLog[] = []
      const lookAtThose = async (): Promise<void> => {
        const sealed = new Set(waiting.filter((log) => log.sealed).map((log) => log.attemptKey))
        const kept = await keptLogs(
          db,
          waiting.map((log) => log.attemptKey),
          server,
        )
        for (const log of kept) if (await settle(log, sealed.has(log.name))) late += 1
        const nobodys = kept.filter((log) => log.over && log.nowhere && !log.shared)
        await adoptLogs(
          db,
          nobodys.map((log) => log.name),
          server,
        )
        waiting = []
      }
      for await (const log of logs.list()) {
        waiting.push(log)
        if (waiting.length >= batch) await lookAtThose()
      }
      await lookAtThose()
      if (late > 0) emitFact({ name: 'logs.sealed_late', count: late })
    },
  }
}

/** Removes the logs of jobs that another server deleted. */
export function logRemover(db: Db, logs: LogStore, server: string): Service {
  return {
    name: 'logs.remove',
    every: 60_000,
    async runOnce() {
      const removed = await doRemovals(db, server, (attempt) => logs.remove(attemptKey(attempt)))
      if (removed > 0) emitFact({ name: 'logs.removed', level: 'debug', count: removed })
    },
  }
}
