/**
 * Logs in a local directory. A log lies in memory for at most 100 ms, then in a live file, fsynced together with the
 * others that changed; sealed, it is one compressed file. A short job's log, which comes when the job has ended, goes into
 * a pack with others.
 */
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { createDirectorySync } from './directory-sync.ts'
import { createFlusher } from './flusher.ts'
import { createKeyedLock } from './keyed-lock.ts'
import { openLiveLog, type LiveLog, type Waiting } from './live-log.ts'
import { createLogFiles } from './log-files.ts'
import { checkAttemptKey, type Appended, type LogStore, type SealedLog, type ShortLog } from './log-store.ts'
import { createPace } from './pace.ts'
import { createPacks } from './packs.ts'
import { createPageCache } from './page-cache.ts'
import { locateIn, piecesFrom, readFrom, type RecordSource } from './record-source.ts'
import { outputBefore } from './checkpoints.ts'
import { openPackedLog, openSealedLog, type SealedSource } from './sealed-log.ts'
import { createWaiters } from './waiters.ts'

export interface LocalLogStoreOptions {
  /** What may wait in memory over all logs; behind it chunks go to their files at once. */
  waitingBytes?: number
  /** Memory for the state of logs that are not in use. */
  cacheBytes?: number
  flushEveryMs?: number
}

/** A log that grows all the time is read by its followers so often, all of them together. */
const followEveryMs = 20

type Log = LiveLog | SealedSource
const isLive = (log: Log): log is LiveLog => !log.sealed

export function createLocalLogStore(directory: string, options: LocalLogStoreOptions = {}): LogStore {
  const mostWaiting = options.waitingBytes ?? 32 * 1024 * 1024
  const mostCached = options.cacheBytes ?? 32 * 1024 * 1024
  const syncDirectory = createDirectorySync()
  const files = createLogFiles(directory, syncDirectory)
  const packs = createPacks(directory, { cacheBytes: options.cacheBytes ?? 8 * 1024 * 1024, syncDirectory })
  const lock = createKeyedLock()
  const waiters = createWaiters()
  const pace = createPace(followEveryMs, (key) => waiters.wake(key, 'changed'))
  const pages = createPageCache()
  /** Least recently used first. */
  const logs = new Map<string, Log>()
  let cached = 0
  const waiting: Waiting = { bytes: 0 }

  const load = async (key: string): Promise<Log> => {
    const entry = await packs.find(key)
    if (entry !== null) return openPackedLog(entry.sums, () => packs.read(key))
    const index = await files.sealedIndex(key)
    if (index === null) return openLiveLog(files.live(key), waiting)
    // A crash between sealing and removing.
    await files.removeLive(key)
    return openSealedLog(() => files.openSealed(key), index)
  }

  const remember = (key: string, log: Log): Log => {
    logs.delete(key)
    logs.set(key, log)
    return log
  }

  /** Call under the lock. */
  const opened = async (key: string): Promise<Log> => {
    const known = logs.get(key)
    if (known) return remember(key, known)
    const log = remember(key, await load(key))
    cached += log.memory()
    if (cached > mostCached) forget()
    return log
  }

  /** Lets go of the longest unused logs that are on disk as they are in memory. */
  const forget = (): void => {
    cached = 0
    for (const log of logs.values()) cached += log.memory()
    for (const [key, log] of logs) {
      if (cached <= mostCached * 0.8) return
      if (lock.busy(key) || (isLive(log) && log.dirty)) continue
      logs.delete(key)
      cached -= log.memory()
    }
  }

  /** The state in memory is void: what the file has decides. Call under the lock. */
  const reload = async (key: string, log: LiveLog, length?: number): Promise<Log> => {
    await log.cut(length)
    log.drop()
    logs.delete(key)
    pages.forget(key)
    return opened(key)
  }

  /** Reading does not wait for a seal in progress. */
  const source = async (key: string): Promise<Log> => {
    checkAttemptKey(key)
    return logs.get(key) ?? lock.run(key, () => opened(key))
  }

  /** A live file may be sealed away between opening the log and reading it. */
  const reading = async <T>(key: string, read: (from: RecordSource) => Promise<T>): Promise<T> => {
    try {
      return await read(await source(key))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return read(await source(key))
    }
  }

  const flusher = createFlusher({
    everyMs: options.flushEveryMs ?? 80,
    async flush(key) {
      const log = logs.get(key)
      if (log === undefined || !isLive(log)) return
      await lock.run(key, () => log.write())
      // Not under the lock: appends go on during an fsync.
      try {
        await log.sync()
      } catch (error) {
        // After a failed fsync nobody knows what the disk has of what came since the last good one, and the next
        // fsync would not say: the runner sends it again.
        const lost = await lock.run(key, async () => logs.get(key) === log && (await reload(key, log)) !== log)
        if (lost) throw error
      }
    },
    failed(key, error) {
      emitFact({ name: 'log.write_failed', level: 'error', attempt: key, message: (error as Error).message })
    },
  })

  /** Call under the lock. */
  const appendTo = async (key: string, offset: number, bytes: Uint8Array): Promise<Appended> => {
    const log = await opened(key)
    if (!isLive(log)) return { accepted: log.length, durable: log.length }
    const before = log.length
    const appended = await onDisk(directory, () =>
      log.append(offset, bytes, flusher.failing(key) || waiting.bytes > mostWaiting),
    )
    if (log.dirty) flusher.add(key)
    if (log.length > before && waiters.any(key) && pace.ask(key)) waiters.wake(key, 'changed')
    return appended
  }

  /** Call under the lock. */
  const sealAt = async (key: string, length: number | undefined): Promise<SealedLog> => {
    let log = await opened(key)
    // The runner's host lost power and with it the end of its spool: the runner's word counts.
    if (isLive(log) && length !== undefined && length < log.length) log = await reload(key, log, length)
    if (length !== undefined && log.length !== length) {
      throw new AppError('failed_precondition', `the log has ${log.length} of ${length} bytes`)
    }
    if (isLive(log)) {
      const live = log
      const index = await onDisk(directory, () => files.seal(key, live.blocks(), live.sums.truncatedBytes))
      log = openSealedLog(() => files.openSealed(key), index)
      remember(key, log)
      live.drop()
      flusher.delete(key)
      if (live.hasFile) await files.removeLive(key)
      waiters.wake(key, 'changed')
    }
    return sumsOf(log as SealedSource)
  }

  /** Nothing of this log is in a live or a sealed file. Call under the lock. */
  const untouched = (key: string): boolean => {
    const log = logs.get(key)
    if (log === undefined) return !files.known(key)
    return isLive(log) ? log.length === 0 && !log.hasFile : log.packed
  }

  /** A log that is partly there, or in a file: as if the rest came now. Call under the lock. */
  const completed = async (key: string, log: ShortLog): Promise<SealedLog | null> => {
    try {
      await appendTo(key, 0, log.bytes)
      return await sealAt(key, log.sums.length)
    } catch (error) {
      if (error instanceof AppError && error.code === 'failed_precondition') return null
      throw error
    }
  }

  /** Call under the lock. */
  const removeIt = async (key: string): Promise<void> => {
    const log = logs.get(key)
    if (log && isLive(log)) log.drop()
    logs.delete(key)
    flusher.delete(key)
    pages.forget(key)
    await packs.remove(key)
    await files.removeAll(key)
    waiters.wake(key, 'removed')
  }

  return {
    async append(key, offset, bytes) {
      checkAttemptKey(key)
      return lock.run(key, () => appendTo(key, offset, bytes))
    },

    async seal(key, length) {
      checkAttemptKey(key)
      return lock.run(key, () => sealAt(key, length))
    },

    async sealShort(items) {
      const keys = items.map((item) => item.attemptKey)
      keys.forEach(checkAttemptKey)
      return lock.runAll(keys, async () => {
        const whole = items.filter((item) => untouched(item.attemptKey))
        const packed = await onDisk(directory, () => packs.put(whole))
        const sums = new Map<string, SealedLog | null>()
        whole.forEach(({ attemptKey }, i) => {
          if (packed[i]) sums.set(attemptKey, packed[i].sums)
          // Somebody followed the log before there was any of it.
          if (packed[i] && logs.delete(attemptKey)) waiters.wake(attemptKey, 'changed')
        })
        for (const { attemptKey, log } of items) {
          if (!sums.has(attemptKey)) sums.set(attemptKey, await completed(attemptKey, log))
        }
        return keys.map((key) => sums.get(key)!)
      })
    },

    read: (key, wanted) => reading(key, (from) => readFrom(from, wanted)),
    locate: (key, stream, offset) => reading(key, async (from) => locateIn(from, stream, offset)),
    pieces: (key, cursor, limit) =>
      pages.get(key, cursor, limit, () => reading(key, (from) => piecesFrom(from, cursor, limit))),
    size: async (key, stream) => outputBefore(await source(key), stream),
    async sealed(key) {
      const log = await source(key)
      return isLive(log) ? null : sumsOf(log)
    },

    async changed(key, cursor, signal) {
      const log = await source(key)
      if (!isLive(log) || (log.length > cursor.position && pace.ask(key))) return 'changed'
      if (log.length > cursor.position) return waiters.wait(key, signal)
      if (cursor.position > 0 && log.length === 0 && !log.hasFile) return 'removed'
      return waiters.wait(key, signal)
    },

    async remove(key) {
      checkAttemptKey(key)
      await lock.run(key, () => removeIt(key))
    },

    async removeUnsealed(key) {
      checkAttemptKey(key)
      return lock.run(key, async () => {
        if ((await opened(key)).sealed) return false
        await removeIt(key)
        return true
      })
    },

    async *list() {
      yield* files.list()
      yield* packs.list()
    },
    async close() {
      await flusher.close()
      pace.close()
      pages.close()
      await packs.close()
    },
  }
}

const sumsOf = (log: SealedSource): SealedLog => ({ ...log.sums })

/** A full or broken disk is a matter of time: the runner keeps its spool and tries again. */
async function onDisk<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof AppError || !/^E[A-Z0-9]+$/.test(code ?? '')) throw error
    const why = code === 'ENOSPC' || code === 'EDQUOT' ? `no space left in ${directory}: make room there` : code
    throw new AppError('unavailable', `the log cannot be stored: ${why}`, { retryAfterSeconds: 5, cause: error })
  }
}
