/**
 * Work by key, some at once: of one key never two at a time, and one that is asked for while its work goes on is done
 * once more after that. What fails is told and forgotten.
 */
export interface KeyedWork {
  add(key: string): void
  /** Resolves when there is nothing left. */
  idle(): Promise<void>
}

export function createKeyedWork(options: {
  work(key: string): Promise<void>
  concurrency: number
  onError(key: string, error: unknown): void
}): KeyedWork {
  const queued = new Set<string>()
  const active = new Set<string>()
  let waiters: (() => void)[] = []

  const next = (): void => {
    for (const key of queued) {
      if (active.size >= options.concurrency) return
      if (active.has(key)) continue
      queued.delete(key)
      active.add(key)
      void options
        .work(key)
        .catch((error: unknown) => options.onError(key, error))
        .finally(() => {
          active.delete(key)
          next()
        })
    }
    if (queued.size + active.size > 0) return
    for (const resolve of waiters) resolve()
    waiters = []
  }

  return {
    add(key) {
      queued.add(key)
      next()
    },
    idle: () =>
      queued.size + active.size === 0 ? Promise.resolve() : new Promise((resolve) => void waiters.push(resolve)),
  }
}
