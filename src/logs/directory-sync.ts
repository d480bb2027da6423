/** fsync of directories, shared: who asks while one is under way waits for one that began after the question. */
import { open } from 'node:fs/promises'

export function createDirectorySync(): (path: string) => Promise<void> {
  const running = new Map<string, Promise<void>>()
  const waiting = new Map<string, Promise<void>>()
  const sync = async (path: string): Promise<void> => {
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }
  const run = (path: string): Promise<void> => {
    waiting.delete(path)
    const now = sync(path).finally(() => {
      if (running.get(path) === now) running.delete(path)
    })
    running.set(path, now)
    return now
  }
  return (path) => {
    const current = running.get(path)
    if (current === undefined) return run(path)
    let next = waiting.get(path)
    if (next === undefined) {
      next = current.then(
        () => run(path),
        () => run(path),
      )
      waiting.set(path, next)
    }
    return next
  }
}
