/**
 * The last pages that followers have read. Those who follow one log go from page to page along the same places, a slow
 * one some moments behind: it finds what the first one read, the very same object, and with it what was made of it.
 */
import type { LogCursor, LogPieces } from './log-store.ts'

export interface PageCache {
  get(attemptKey: string, cursor: LogCursor, limit: number, read: () => Promise<LogPieces>): Promise<LogPieces>
  /** What was read of this log is no longer so. */
  forget(attemptKey: string): void
  close(): void
}

interface Page {
  attemptKey: string
  found: Promise<LogPieces>
  bytes: number
  at: number
}

const mostBytes = 4 * 1024 * 1024
const longestMs = 2_000

export function createPageCache(): PageCache {
  /** Oldest first. */
  const pages = new Map<string, Page>()
  let held = 0
  let timer: NodeJS.Timeout | undefined

  const drop = (name: string, page: Page): void => {
    if (pages.get(name) !== page) return
    pages.delete(name)
    held -= page.bytes
  }
  const dropOld = (): void => {
    timer = undefined
    const before = performance.now() - longestMs
    for (const [name, page] of pages) {
      if (page.at > before && held <= mostBytes) break
      drop(name, page)
    }
    if (pages.size > 0) timer = setTimeout(dropOld, longestMs).unref()
  }

  return {
    get(attemptKey, cursor, limit, read) {
      const { stream, position, stdout, stderr, from } = cursor
      const name = `${attemptKey} ${stream} ${position} ${stdout} ${stderr} ${from} ${limit}`
      const known = pages.get(name)
      if (known) return known.found
      const page: Page = { attemptKey, found: read(), bytes: 0, at: performance.now() }
      pages.set(name, page)
      timer ??= setTimeout(dropOld, longestMs).unref()
      page.found.then(
        ({ pieces }) => {
          // The end of what is there: the next look may find more.
          if (pieces.length === 0) return drop(name, page)
          if (pages.get(name) !== page) return
          page.bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)
          held += page.bytes
          if (held > mostBytes) for (const [oldest, old] of pages) if (held > mostBytes) drop(oldest, old)
        },
        () => drop(name, page),
      )
      return page.found
    },
    forget(attemptKey) {
      for (const [name, page] of pages) if (page.attemptKey === attemptKey) drop(name, page)
    },
    close() {
      clearTimeout(timer)
      pages.clear()
    },
  }
}
