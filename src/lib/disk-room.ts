/** When a disk counts as full (docs/decisions/009): what is begun now could not be kept to its end. */
import { statfs } from 'node:fs/promises'

const fullShare = 0.9
/** A tenth of a large disk is plenty; below this, a full share counts. */
const plentyBytes = 2 * 2 ** 30
const leastBytes = 64 * 2 ** 20

export async function diskIsFull(dir: string): Promise<boolean> {
  const { blocks, bavail, bsize } = await statfs(dir)
  return isFull(blocks * bsize, bavail * bsize)
}

export const isFull = (size: number, free: number): boolean =>
  free < leastBytes || (free < plentyBytes && free < size * (1 - fullShare))
