/** One at a time for each key, in order of arrival. */
export interface KeyedLock {
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** One piece of work that holds all these keys. */
  runAll<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>
  busy(key: string): boolean
}

export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>()
  return {
    busy: (key) => tails.has(key),
    runAll(keys, work) {
      const before = keys.flatMap((key) => tails.get(key) ?? [])
      const result = before.length === 0 ? work() : Promise.all(before).then(work)
      const tail = result
        .catch(() => {})
        .then(() => {
          for (const key of keys) if (tails.get(key) === tail) tails.delete(key)
        })
      for (const key of keys) tails.set(key, tail)
      return result
    },
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
