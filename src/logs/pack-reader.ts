/**
 * Reads packs beside the store that owns them. A pack is taken into memory whole, so what the store does to it meanwhile
 * (append, copy, remove) changes nothing; an end that is just being written is left out.
 */
import { constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { isCompressed, isRemoved, packPath, rangeOf, scanPack, type PackEntry } from './pack-file.ts'

const decompress = promisify(zstdDecompress)

export interface PackReader {
  /** The record file; null when this log is in no pack, or damaged there. */
  read(attemptKey: string): Promise<Buffer | null>
}

interface Taken {
  bytes: Buffer
  entries: Map<string, PackEntry>
}

/** Who asks in the order of keys is in one pack, or between two. */
const mostTaken = 2

export function createPackReader(root: string): PackReader {
  const taken = new Map<string, Promise<Taken>>()

  const packOf = (range: string): Promise<Taken> => {
    const known = taken.get(range)
    if (known !== undefined) return known
    for (const oldest of taken.keys()) if (taken.size >= mostTaken) taken.delete(oldest)
    const pack = takePack(packPath(root, range))
    taken.set(range, pack)
    pack.catch(() => taken.delete(range)) // told to who asked
    return pack
  }

  return {
    async read(attemptKey) {
      const { bytes, entries } = await packOf(rangeOf(attemptKey))
      const entry = entries.get(attemptKey)
      if (entry === undefined || isRemoved(entry) || entry.damaged) return null
      const payload = bytes.subarray(entry.at, entry.at + entry.stored)
      return isCompressed(entry) ? decompress(payload) : payload
    },
  }
}

async function takePack(path: string): Promise<Taken> {
  try {
    const bytes = await readFile(path, { flag: constants.O_RDONLY | constants.O_NOFOLLOW })
    return { bytes, entries: scanPack(bytes).entries }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return { bytes: Buffer.alloc(0), entries: new Map() }
  }
}
