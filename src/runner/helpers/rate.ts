/** A token bucket: so many at once, and so many a second after that. */
export interface Rate {
  /** 0: go on. Else milliseconds until it may. */
  take(now: number): number
}

export function createRate({ perSecond, burst }: { perSecond: number; burst: number }): Rate {
  let left: number = burst
  let at = -Infinity
  return {
    take(now) {
      left = Math.min(burst, left + (Math.max(0, now - at) / 1000) * perSecond)
      at = now
      if (left >= 1) {
        left -= 1
        return 0
      }
      return Math.max(1, Math.round(((1 - left) / perSecond) * 1000))
    },
  }
}
