/** One at a time for each key, in order of arrival. */
export interface KeyedLock {
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  busy(key: string): boolean
}

export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>()
  return {
    busy: (key) => tails.has(key),
    run(key, work) {
      const before = tails.get(key)
      const result = before === undefined ? work() : before.then(work, work)
      const tail = result
        .catch(() => {})
        .then(() => {
          if (tails.get(key) === tail) tails.delete(key)
        })
      tails.set(key, tail)
      return result
    },
  }
}
