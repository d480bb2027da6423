/**
 * Ends logs: sealed here, and with a shared store durable there before anybody is told so; the runner deletes its spool
 * after that. Where the shared store has a log and the database says so, the copy here is not needed any more.
 */
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { LogStore, SealedLog, ShortLog } from '../logs/log-store.ts'
import type { SharedLogs } from '../logs/shared-logs.ts'
import { shortLog } from '../logs/short-log.ts'
import type { StoredCopies } from '../logs/stored-copies.ts'

export interface LogKeeper {
  /** As the database writes it down with the end of an attempt. */
  readonly here: { server: string; shared: boolean }
  /** As in `LogStore`, and shared. */
  seal(attemptKey: string, length?: number): Promise<SealedLog>
  /** A short log straight into the shared store. */
  shareShort(attemptKey: string, log: ShortLog): Promise<SealedLog>
  /** The database says where it is. */
  settled(attemptKey: string): void
}

export interface KeeperParts {
  /** Of this server in the database. */
  server: string
  logs: LogStore
  shared: SharedLogs | null
  /** Files of `logs`, to be copied; what it reads of them it remembers, so each time anew. */
  copies(): StoredCopies
}

const mostRemembered = 1_000

export function createLogKeeper({ server, logs, shared, copies }: KeeperParts): LogKeeper {
  /** A runner that gave up waiting asks again: it waits for the upload that is on its way, or was done. */
  const uploads = new Map<string, Promise<void>>()

  const upload = async (attemptKey: string, to: SharedLogs): Promise<void> => {
    const copy = await copies().open(attemptKey)
    try {
      if (copy === null || copy.kind === 'records')
        throw new AppError('internal', `the log ${attemptKey} is not sealed`)
      if (copy.kind === 'sealed') return await to.put(attemptKey, copy)
      const chunks: Buffer[] = []
      for await (const chunk of copy.chunks()) chunks.push(chunk)
      await to.putShort(attemptKey, shortLog(Buffer.concat(chunks), copy.size))
    } finally {
      await copy?.close()
    }
  }

  const uploaded = (attemptKey: string, to: SharedLogs): Promise<void> => {
    const known = uploads.get(attemptKey)
    if (known) return known
    const running = upload(attemptKey, to)
    uploads.set(attemptKey, running)
    // One whose report turned out to be stale stays behind.
    if (uploads.size > mostRemembered) uploads.delete(uploads.keys().next().value!)
    running.catch(() => uploads.delete(attemptKey))
    return running
  }

  return {
    here: { server, shared: shared !== null },
    async seal(attemptKey, length) {
      const sums = await logs.seal(attemptKey, length)
      if (shared) await uploaded(attemptKey, shared)
      return sums
    },
    shareShort(attemptKey, log) {
      if (shared === null) throw new AppError('internal', 'there is no shared log store')
      return shared.putShort(attemptKey, log)
    },
    settled(attemptKey) {
      if (shared === null) return
      uploads.delete(attemptKey)
      logs.remove(attemptKey).catch((error: unknown) => {
        emitFact({ name: 'log.copy_stays', level: 'warn', attempt: attemptKey, message: (error as Error).message })
      })
    },
  }
}
