/** What was seen already, in bounded memory: the oldest is forgotten first. */
export interface Seen {
  /** True the first time. */
  add(key: string): boolean
  has(key: string): boolean
}

export function createSeen(most: number): Seen {
  const keys = new Set<string>()
  return {
    has: (key) => keys.has(key),
    add(key) {
      if (keys.has(key)) return false
      keys.add(key)
      if (keys.size > most) {
        const [oldest] = keys
        keys.delete(oldest!)
      }
      return true
    },
  }
}
