/** Places in a record file where a chunk may end. A finer grain than this would cost memory for nothing. */
const grain = 16 * 1024

export interface Boundaries {
  /** Ends of records, rising. */
  add(at: number): void
  /** The last remembered one at or before `at`. */
  before(at: number): number
}

export function createBoundaries(): Boundaries {
  const ends: number[] = []
  return {
    add(at) {
      if (at - (ends.at(-1) ?? 0) >= grain) ends.push(at)
    },
    before(at) {
      let low = 0
      let high = ends.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (ends[middle]! <= at) low = middle + 1
        else high = middle
      }
      return ends[low - 1] ?? 0
    },
  }
}
