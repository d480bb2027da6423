/**
 * Which jobs changed, told to those who watch. Fed by the database's notices, which name ids only; the notices of a
 * moment are taken together. A notice may be lost, so watchers hear `resync` whenever that is possible.
 */
export interface JobChanges {
  /** Of one notice: public ids. */
  changed(ids: readonly string[]): void
  /** Notices may have been missed: everybody looks again. */
  missed(): void
  watch(watcher: JobWatcher): () => void
  /** Resolves at the next change of this job, or of any when notices were missed, at the latest after `ms`. */
  next(id: string, ms: number, signal: AbortSignal): Promise<void>
  stop(): void
}

export interface JobWatcher {
  changed(ids: readonly string[]): void
  resync(): void
}

/** Beyond this in one moment a fresh look at the list is cheaper than the changes. */
const mostAtOnce = 2_000

export function createJobChanges(options: { gatherMs?: number } = {}): JobChanges {
  const gatherMs = options.gatherMs ?? 50
  const watchers = new Set<JobWatcher>()
  const waiting = new Map<string, Set<() => void>>()
  let gathered = new Set<string>()
  let overflow = false
  let timer: NodeJS.Timeout | undefined

  const wake = (id: string): void => {
    for (const resolve of waiting.get(id) ?? []) resolve()
  }
  const flush = (): void => {
    timer = undefined
    const ids = [...gathered]
    const tooMany = overflow
    gathered = new Set()
    overflow = false
    for (const watcher of watchers) {
      if (tooMany) watcher.resync()
      else watcher.changed(ids)
    }
  }
  const schedule = (): void => {
    timer ??= setTimeout(flush, gatherMs)
  }

  return {
    changed(ids) {
      for (const id of ids) {
        wake(id)
        if (watchers.size > 0) gathered.add(id)
      }
      if (watchers.size === 0) return
      if (gathered.size > mostAtOnce) {
        overflow = true
        gathered.clear()
      }
      schedule()
    },
    missed() {
      for (const id of waiting.keys()) wake(id)
      overflow = true
      schedule()
    },
    watch(watcher) {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    next(id, ms, signal) {
      return new Promise((resolve) => {
        const of = waiting.get(id) ?? new Set()
        waiting.set(id, of)
        const done = (): void => {
          clearTimeout(limit)
          signal.removeEventListener('abort', done)
          of.delete(done)
          if (of.size === 0) waiting.delete(id)
          resolve()
        }
        const limit = setTimeout(done, ms)
        signal.addEventListener('abort', done, { once: true })
        of.add(done)
        if (signal.aborted) done()
      })
    },
    stop() {
      clearTimeout(timer)
      watchers.clear()
      for (const id of waiting.keys()) wake(id)
    },
  }
}
