/** A beat for each log that is followed while it grows: what comes between two beats is told once. */
export interface Pace {
  /** True: now. False: at the next beat. */
  ask(key: string): boolean
  close(): void
}

export function createPace(everyMs: number, beat: (key: string) => void): Pace {
  const asked = new Map<string, boolean>()
  const timers = new Map<string, NodeJS.Timeout>()
  const rest = (key: string): void => {
    const again = (): void => {
      if (asked.get(key) === true) {
        rest(key)
        beat(key)
      } else {
        asked.delete(key)
        timers.delete(key)
      }
    }
    asked.set(key, false)
    timers.set(key, setTimeout(again, everyMs))
  }
  return {
    ask(key) {
      if (asked.has(key)) {
        asked.set(key, true)
        return false
      }
      rest(key)
      return true
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
      asked.clear()
    },
  }
}
