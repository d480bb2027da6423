/**
 * Which logs are with this server, and who follows one that may go elsewhere. Fed by the database's notices; a lost one is
 * made good by a look, at the logs that are here and at those that are followed.
 */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import type { LogStore } from '../logs/log-store.ts'
import { keptLogs } from '../queue/log-places.ts'
import type { AttemptName } from '../queue/prune.ts'

export interface LogWatch {
  /** Logs whose bytes this server takes. */
  took(attemptKeys: readonly string[]): void
  has(attemptKey: string): boolean
  /** It has ended, or went elsewhere. */
  done(attemptKey: string): void
  /** Another server has one now: nothing more of it may be taken without asking the database. */
  whenTaken(tell: (attempt: AttemptName) => void): void
  /** A payload of `logsChannel`. */
  heard(payload: string): void
  follow(attemptKey: string): WatchedLog
  /** Notices may have been missed. */
  missed(): void
  looker(): Service
  stop(): void
}

export interface WatchedLog {
  /** Aborted when the log may be elsewhere than it was. */
  moved: AbortSignal
  /** Where it is, in any words; asked for again and again from now on. */
  seen(place: string, again: () => Promise<string>): void
  end(): void
}

export interface WatchParts {
  db: Db
  server: string
  logs: LogStore
  /** Logs of these attempts get no more bytes. */
  onOver(attemptKeys: string[]): void
  /** There are logs to remove. */
  onRemovals(): void
  lookEveryMs?: number
}

/** One log, whoever follows it. */
interface Followed {
  moved: Set<AbortController>
  place?: string
  timer?: NodeJS.Timeout
}

export function createLogWatch(parts: WatchParts): LogWatch {
  const { db, server, logs, lookEveryMs = 5_000 } = parts
  const mine = new Set<string>()
  const followed = new Map<string, Followed>()
  const tellTaken: ((attempt: AttemptName) => void)[] = []

  const wake = (attemptKey: string): void => {
    for (const moved of [...(followed.get(attemptKey)?.moved ?? [])]) moved.abort()
  }

  /** What is here of it is of no use: its runner ships it again, from the beginning. A sealed log is whole, and stays. */
  const lost = (attemptKey: string): void => {
    if (!mine.delete(attemptKey)) return
    const [jobKey = '', number] = attemptKey.split('-')
    for (const tell of tellTaken) tell({ jobKey, number: Number(number) })
    emitFact({ name: 'log.taken_over', attempt: attemptKey })
    logs.removeUnsealed(attemptKey).catch((error: unknown) => {
      emitFact({ name: 'log.copy_stays', level: 'warn', attempt: attemptKey, message: (error as Error).message })
    })
  }

  const look = async (): Promise<void> => {
    const asked = [...mine]
    if (asked.length === 0) return
    const kept = new Map((await keptLogs(db, asked, server)).map((log) => [log.name, log]))
    for (const attemptKey of asked) {
      const log = kept.get(attemptKey)
      if (log === undefined || log.over) mine.delete(attemptKey)
      else if (!log.here) {
        lost(attemptKey)
        wake(attemptKey)
      }
    }
  }

  return {
    took(attemptKeys) {
      for (const attemptKey of attemptKeys) mine.add(attemptKey)
    },
    has: (attemptKey) => mine.has(attemptKey),
    done: (attemptKey) => void mine.delete(attemptKey),
    whenTaken: (tell) => void tellTaken.push(tell),
    heard(payload) {
      const [what, ...rest] = payload.split(' ')
      if (what === 'removed' && rest[0] === server) parts.onRemovals()
      if (what === 'over') {
        const names = (rest[0] ?? '').split(',')
        parts.onOver(names.filter((name) => mine.delete(name)))
        for (const name of names) wake(name)
      }
      if (what !== 'taken') return
      for (const name of (rest[1] ?? '').split(',')) {
        if (rest[0] === server) mine.add(name)
        else lost(name)
        wake(name)
      }
    },
    follow(attemptKey) {
      const moved = new AbortController()
      const one: Followed = followed.get(attemptKey) ?? { moved: new Set() }
      followed.set(attemptKey, one)
      one.moved.add(moved)
      const compare = (place: string): void => {
        if (place === one.place) return
        one.place = place
        wake(attemptKey)
      }
      return {
        moved: moved.signal,
        seen(place, again) {
          one.place = place
          // The database may be away; the next look may find it back.
          one.timer ??= setInterval(() => void again().then(compare, () => {}), lookEveryMs).unref()
        },
        end() {
          one.moved.delete(moved)
          if (one.moved.size > 0 || followed.get(attemptKey) !== one) return
          clearInterval(one.timer)
          followed.delete(attemptKey)
        },
      }
    },
    missed() {
      for (const attemptKey of followed.keys()) wake(attemptKey)
      look().catch(() => {}) // the looker tries again
      parts.onRemovals()
    },
    looker: () => ({ name: 'logs.look', every: 2 * lookEveryMs, runOnce: look }),
    stop() {
      for (const { timer } of followed.values()) clearInterval(timer)
    },
  }
}
