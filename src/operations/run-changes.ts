/** Which runs changed, told to those who watch; as `job-changes.ts`, by key. A notice may be lost: then `resync`. */
import { parseRunNotice, type GoneRun } from '../queue/run-notices.ts'

export interface RunWatcher {
  /** Each as it comes; `changed` is told of it later, with others. */
  heard?(key: string): void
  /** Keys. */
  changed(keys: readonly string[]): void
  gone(run: GoneRun): void
  /** Notices may have been missed. */
  resync(): void
}

export interface RunChanges {
  heard(payload: string): void
  missed(): void
  watch(watcher: RunWatcher): () => void
}

export function createRunChanges(options: { gatherMs?: number } = {}): RunChanges & { stop(): void } {
  const gatherMs = options.gatherMs ?? 50
  const watchers = new Set<RunWatcher>()
  let gathered = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    timer = undefined
    const keys = [...gathered]
    gathered = new Set()
    for (const watcher of watchers) watcher.changed(keys)
  }
  return {
    heard(payload) {
      if (watchers.size === 0) return
      const notice = parseRunNotice(payload)
      if ('gone' in notice) for (const watcher of watchers) watcher.gone(notice.gone)
      else {
        for (const watcher of watchers) watcher.heard?.(notice.changed)
        gathered.add(notice.changed)
        timer ??= setTimeout(flush, gatherMs)
      }
    },
    missed() {
      for (const watcher of watchers) watcher.resync()
    },
    watch(watcher) {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    stop() {
      clearTimeout(timer)
      watchers.clear()
    },
  }
}
