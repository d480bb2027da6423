/**
 * Ended logs in a blob store that all servers see: the sealed file of `sealed-file.ts`, one blob for each log, read by
 * ranges. What is there never changes, so indexes and blocks that were read are kept for a while.
 */
import { AppError } from '../lib/app-error.ts'
import { outputBefore } from './checkpoints.ts'
import { blobOf, type Blob, type BlobStore } from './blobs/blob-store.ts'
import { checkAttemptKey, type LogReader, type SealedLog, type ShortLog } from './log-store.ts'
import { locateIn, piecesFrom, readFrom } from './record-source.ts'
import { readSealedIndex, writeSealed, type SealedBytes } from './sealed-file.ts'
import { openSealedLog, type SealedSource } from './sealed-log.ts'

export interface SharedLogs extends LogReader {
  readonly blobs: BlobStore
  /** A sealed log's file. Durable when this resolves. */
  put(attemptKey: string, file: Blob): Promise<void>
  putShort(attemptKey: string, log: ShortLog): Promise<SealedLog>
  /** The sums of a log that is there, else null. */
  sealed(attemptKey: string): Promise<SealedLog | null>
  /** Idempotent. */
  remove(attemptKey: string): Promise<void>
}

/** Indexes of so many logs are kept, and so many bytes of blocks. */
const mostIndexes = 500
const mostBlockBytes = 32 * 1024 * 1024

/** A thousand jobs to a folder, as in a local directory. */
export const sharedLogName = (attemptKey: string): string => {
  checkAttemptKey(attemptKey)
  return `logs/${attemptKey.slice(0, attemptKey.indexOf('-')).slice(0, -3) || '0'}/${attemptKey}.sealed`
}

export function createSharedLogs(blobs: BlobStore): SharedLogs {
  /** Least recently used first, both. */
  const sources = new Map<string, Promise<SealedSource | null>>()
  const blocks = new Map<string, Promise<Buffer>>()
  const sizes = new Map<string, number>()
  let held = 0

  const dropBlock = (name: string): void => {
    blocks.delete(name)
    held -= sizes.get(name) ?? 0
    sizes.delete(name)
  }

  /** Followers of one log read the same blocks, one after the other and side by side. */
  const block = (name: string, read: () => Promise<Buffer>): Promise<Buffer> => {
    const known = blocks.get(name)
    if (known) {
      blocks.delete(name)
      blocks.set(name, known)
      return known
    }
    const reading = read()
    blocks.set(name, reading)
    reading.then(
      ({ length }) => {
        if (blocks.get(name) !== reading) return
        sizes.set(name, length)
        held += length
        for (const oldest of blocks.keys()) {
          if (held <= mostBlockBytes || oldest === name) return
          if (sizes.has(oldest)) dropBlock(oldest)
        }
      },
      () => {
        if (blocks.get(name) === reading) dropBlock(name)
      },
    )
    return reading
  }

  const load = async (attemptKey: string): Promise<SealedSource | null> => {
    const name = sharedLogName(attemptKey)
    const found = await blobs.stat(name)
    if (found === null) return null
    const bytes = bytesOf(blobs, name, found.size)
    const index = await readSealedIndex(bytes)
    if (index === null) throw new AppError('internal', `the log ${attemptKey} in ${blobs.shown} is damaged`)
    return openSealedLog(
      async () => ({ ...bytes, close: async () => {} }),
      index,
      (nr, read) => block(`${attemptKey} ${nr}`, read),
    )
  }

  const find = (attemptKey: string): Promise<SealedSource | null> => {
    const known = sources.get(attemptKey)
    sources.delete(attemptKey)
    const source = known ?? load(attemptKey)
    sources.set(attemptKey, source)
    // One that is not there may come at any moment.
    const drop = (): void => {
      if (sources.get(attemptKey) === source) sources.delete(attemptKey)
    }
    if (!known) source.then((found) => found === null && drop(), drop)
    if (sources.size > mostIndexes) sources.delete(sources.keys().next().value!)
    return source
  }

  const source = async (attemptKey: string): Promise<SealedSource> => {
    const found = await find(attemptKey)
    if (found) return found
    throw new AppError(
      'unavailable',
      `the log ${attemptKey} should be in the log store ${blobs.shown} and is not there`,
    )
  }

  const forget = (attemptKey: string): void => {
    sources.delete(attemptKey)
    for (const name of blocks.keys()) if (name.startsWith(`${attemptKey} `)) dropBlock(name)
  }

  return {
    blobs,
    async put(attemptKey, file) {
      await blobs.put(sharedLogName(attemptKey), file)
      forget(attemptKey)
    },
    async putShort(attemptKey, { bytes, sums }) {
      await blobs.put(sharedLogName(attemptKey), blobOf(await sealedBytesOf(bytes, sums.truncated_bytes)))
      forget(attemptKey)
      return sums
    },
    async sealed(attemptKey) {
      return (await find(attemptKey))?.sums ?? null
    },
    async remove(attemptKey) {
      await blobs.delete(sharedLogName(attemptKey))
      forget(attemptKey)
    },
    read: async (attemptKey, wanted) => readFrom(await source(attemptKey), wanted),
    size: async (attemptKey, stream) => outputBefore(await source(attemptKey), stream),
    locate: async (attemptKey, stream, offset) => locateIn(await source(attemptKey), stream, offset),
    pieces: async (attemptKey, cursor, limit) => piecesFrom(await source(attemptKey), cursor, limit),
    async changed() {
      return 'changed' // it ends with what is there
    },
  }
}

/** Less than this is not worth a request of its own. */
const shortRange = 64 * 1024

function bytesOf(blobs: BlobStore, name: string, size: number): SealedBytes {
  /** A short log is read as a whole, once: index and blocks come in one request. */
  let whole: Promise<Buffer> | undefined
  const range = async (position: number, length: number): Promise<Buffer> => {
    const found = await blobs.get(name, position, length)
    if (found === null) throw new AppError('unavailable', 'the log was removed')
    return found
  }
  const wholeBytes = (): Promise<Buffer> => {
    whole ??= range(0, size)
    whole.catch(() => (whole = undefined))
    return whole
  }
  return {
    stat: async () => ({ size }),
    async read(into, offset, length, position) {
      const most = Math.max(0, Math.min(length, size - position))
      const found =
        size <= shortRange ? (await wholeBytes()).subarray(position, position + most) : await range(position, most)
      return { bytesRead: found.copy(into, offset) }
    },
  }
}

/** Of a log that is in memory as a whole. */
async function sealedBytesOf(records: Buffer, truncatedBytes: number): Promise<Buffer> {
  const parts: Buffer[] = []
  const sink = {
    async write(bytes: Uint8Array, offset: number, length: number) {
      parts.push(Buffer.copyBytesFrom(bytes, offset, length))
      return { bytesWritten: length }
    },
  }
  await writeSealed(sink, records.length === 0 ? [] : [records], truncatedBytes)
  return Buffer.concat(parts)
}
