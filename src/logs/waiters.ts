/** Followers that wait for a log to change; each is one callback. */
export type Change = 'changed' | 'removed'

export interface Waiters {
  wait(key: string, signal?: AbortSignal): Promise<Change | 'aborted'>
  wake(key: string, change: Change): void
  any(key: string): boolean
}

export function createWaiters(): Waiters {
  const waiting = new Map<string, Set<(change: Change | 'aborted') => void>>()
  return {
    any: (key) => waiting.has(key),
    wait(key, signal) {
      if (signal?.aborted) return Promise.resolve('aborted')
      return new Promise((resolve) => {
        const others = waiting.get(key) ?? new Set()
        waiting.set(key, others)
        const settle = (change: Change | 'aborted'): void => {
          others.delete(settle)
          if (others.size === 0 && waiting.get(key) === others) waiting.delete(key)
          signal?.removeEventListener('abort', abort)
          resolve(change)
        }
        const abort = (): void => settle('aborted')
        others.add(settle)
        signal?.addEventListener('abort', abort, { once: true })
      })
    },
    wake(key, change) {
      for (const settle of [...(waiting.get(key) ?? [])]) settle(change)
    },
  }
}
