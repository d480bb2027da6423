/** A runner whose disk is nearly full takes no new jobs: their logs would be cut. */
import { mkdirSync, statfsSync } from 'node:fs'
import { isFull } from '../lib/disk-room.ts'
import { monotonicMs } from './clock.ts'

export { isFull }

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
