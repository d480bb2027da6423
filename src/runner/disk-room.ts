/** A runner whose disk is nearly full takes no new jobs: their logs would be cut. */
import { mkdirSync, statfsSync } from 'node:fs'
import { monotonicMs } from './clock.ts'

const fullShare = 0.9
/** A tenth of a large disk is plenty; below this, a full share counts. */
const plentyBytes = 2 * 2 ** 30
const leastBytes = 64 * 2 ** 20
const lookEveryMs = 1_000

/** Looks at the disk once in a second at most, however many claims ask. */
export function createDiskRoom(dir: string): () => boolean {
  let lookedAt = -Infinity
  let full = false
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  return () => {
    const now = monotonicMs()
    if (now - lookedAt < lookEveryMs) return full
    lookedAt = now
    const { blocks, bavail, bsize } = statfsSync(dir)
    return (full = isFull(blocks * bsize, bavail * bsize))
  }
}

export const isFull = (size: number, free: number): boolean =>
  free < leastBytes || (free < plentyBytes && free < size * (1 - fullShare))
