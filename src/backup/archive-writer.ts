/** Writes the entries of a backup one after another, compressed, and keeps the sum of each part. */
import { createHash, type Hash } from 'node:crypto'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import { endName, partOf, type Counts, type End, type Parts } from './format.ts'
import { encodeHeader, padding } from './tar.ts'

export interface ArchiveWriter {
  add(name: string, bytes: Uint8Array): Promise<void>
  /** The chunks must have `size` bytes in all. */
  addStream(name: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<void>
  /** Writes the end record and waits until `to` has taken everything. */
  finish(counts: Counts): Promise<void>
  /** Bytes of all entries so far, before compression. */
  written(): number
  abort(reason: Error): Promise<void>
}

interface Sum {
  hash: Hash
  entries: number
  bytes: number
}

/** The name and the size of an entry are a part of its part's sum. */
export const entryLine = (name: string, size: number): string => `${name}\n${size}\n`

export function createArchiveWriter(to: Writable, createdAt: Date): ArchiveWriter {
  const zstd = createZstdCompress({
    chunkSize: 256 * 1024,
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
  })
  const piped = pipeline(zstd, to)
  piped.catch(() => {}) // told by the next write
  const sums = new Map<string, Sum>()
  const mtime = Math.floor(createdAt.getTime() / 1000)
  let written = 0

  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!zstd.destroyed && !zstd.write(bytes)) await drained(zstd)
    if (zstd.destroyed) await piped
  }

  const addStream = async (
    name: string,
    size: number,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<void> => {
    const part = partOf(name)
    const sum = sums.get(part) ?? { hash: createHash('sha256'), entries: 0, bytes: 0 }
    sums.set(part, sum)
    sum.entries += 1
    sum.bytes += size
    sum.hash.update(entryLine(name, size))
    await write(encodeHeader({ name, size }, mtime))
    let left = size
    for await (const chunk of chunks) {
      left -= chunk.length
      if (left < 0) break
      sum.hash.update(chunk)
      await write(chunk)
    }
    if (left !== 0) throw new Error(`${name} was to have ${size} bytes`)
    if (padding(size) > 0) await write(Buffer.alloc(padding(size)))
    written += size
  }

  const sumsSoFar = (): Parts =>
    Object.fromEntries(
      [...sums].map(([part, { hash, entries, bytes }]) => [part, { entries, bytes, sha256: hash.digest('hex') }]),
    )

  return {
    add: (name, bytes) => addStream(name, bytes.length, [bytes]),
    addStream,
    async finish(counts) {
      const end: End = { counts, parts: sumsSoFar() }
      const bytes = Buffer.from(JSON.stringify(end))
      await write(encodeHeader({ name: endName, size: bytes.length }, mtime))
      await write(bytes)
      // Ended while a chunk is still being compressed, Node's zstd appends a second, empty frame, and readers stop at
      // the first: its checksum would not be the file's last bytes.
      await new Promise<void>((resolve) => zstd.write(Buffer.alloc(padding(bytes.length) + 2 * 512), () => resolve()))
      zstd.end()
      await piped
    },
    written: () => written,
    async abort(reason) {
      zstd.destroy(reason)
      await piped.catch(() => {})
    },
  }
}

/** Or gone: when the other end fails nothing is ever drained. */
const drained = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      stream.off('drain', over).off('close', over)
      resolve()
    }
    stream.on('drain', over).on('close', over)
  })
