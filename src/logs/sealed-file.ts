/**
 * A sealed log: the record file in zstd blocks with an index behind them, so that any window of it is one short read.
 *
 *   "RYLOGZ1\n" | blocks | index: compressed u32, raw u32, stdout u32, stderr u32 each | footer
 *   footer: length u64 | stdout u64 | stderr u64 | truncated u64 | blocks u32 | index crc32 u32 | "RYLOGEND" | crc32 u32
 *
 * Written under another name, fsynced, then renamed. The footer is the proof that it is whole.
 */
import { promisify } from 'node:util'
import { constants, crc32, zstdCompress, zstdDecompress } from 'node:zlib'
import { passedOn } from '../lib/young-buffers.ts'
import type { Checkpoint } from './checkpoints.ts'
import type { SealedLog } from './log-store.ts'
import { eachRecord } from './records.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

const magic = Buffer.from('RYLOGZ1\n')
const endMagic = Buffer.from('RYLOGEND')
const footerBytes = 52
const entryBytes = 16

/** Raw bytes of a block: the cost of reading any window of it, some 0.3 ms. */
export const blockBytes = 256 * 1024

/** Level 1: half the time of level 3, and logs become as good as equally small. A window of one block. */
const params = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_checksumFlag]: 1,
  [constants.ZSTD_c_windowLog]: 18,
}

/** Blocks that are compressed at once, in libuv's threads. */
export const blocksInUse = 3

/** What zlib accepts. */
const leastChunk = 64

/** Room for most blocks in one go. */
const packedBytes = 64 * 1024

/** What a sealed log is read from: a file, or a blob that is read by ranges. */
export interface SealedBytes {
  stat(): Promise<{ size: number }>
  read(into: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
}

/** What a sealed log is written to, from its beginning to its end. */
export interface SealedSink {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>
}

export interface SealedIndex {
  sums: SealedLog
  blocks: number
  /** Where block i begins, with the output before it; `i === blocks` is the end. */
  checkpoint(i: number): Checkpoint
  /** Where block i lies in the sealed file. */
  place(i: number): { at: number; length: number }
}

/**
 * Writes a whole sealed log. `chunks` are whole records, each of about `blockBytes` or the last
 * one; no more than `blocksInUse` of them are in use at a time.
 */
export async function writeSealed(
  file: SealedSink,
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  truncatedBytes: number,
): Promise<SealedIndex> {
  const entries: number[][] = []
  let waiting: Buffer[] = [magic]
  let at = 0
  const write = async (): Promise<void> => {
    const bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting)
    waiting = []
    await writeAll(file, bytes, at)
    at += bytes.length
  }
  const packing: { packed: Promise<Buffer>; raw: number; stdout: number; stderr: number }[] = []
  const take = async (): Promise<void> => {
    const { packed, raw, stdout, stderr } = packing.shift()!
    const bytes = await packed
    entries.push([bytes.length, raw, stdout, stderr])
    waiting.push(bytes)
    if (waiting.length > 4) await write()
  }
  for await (const raw of chunks) {
    passedOn(2 * packedBytes)
    const packed = compress(raw, { params, chunkSize: packedBytes })
    packed.catch(() => {}) // reported by `take`; an earlier failure must not leave it unhandled
    packing.push({ packed, raw: raw.length, ...outputIn(raw) })
    if (packing.length >= blocksInUse) await take()
  }
  while (packing.length > 0) await take()
  const table = Buffer.alloc(entries.length * entryBytes)
  entries.flat().forEach((value, i) => table.writeUInt32LE(value, i * 4))
  const index = indexOf(table, truncatedBytes)
  const footer = Buffer.alloc(footerBytes)
  const { length, stdout_bytes, stderr_bytes, truncated_bytes } = index.sums
  ;[length, stdout_bytes, stderr_bytes, truncated_bytes].forEach((sum, i) =>
    footer.writeBigUInt64LE(BigInt(sum), i * 8),
  )
  footer.writeUInt32LE(entries.length, 32)
  footer.writeUInt32LE(crc32(table), 36)
  endMagic.copy(footer, 40)
  footer.writeUInt32LE(crc32(footer.subarray(0, 48)), 48)
  waiting.push(table, footer)
  await write()
  return index
}

function outputIn(records: Buffer): { stdout: number; stderr: number } {
  const sums = { stdout: 0, stderr: 0, mark: 0 }
  eachRecord(records, ({ stream, from, to }) => void (sums[stream] += to - from), { verify: false })
  return { stdout: sums.stdout, stderr: sums.stderr }
}

/** Null when the file is not a whole sealed log. */
export async function readSealedIndex(file: SealedBytes): Promise<SealedIndex | null> {
  const { size } = await file.stat()
  if (size < magic.length + footerBytes) return null
  // Most logs are small: index and footer in one read.
  const near = await readAt(file, Math.max(0, size - 4096), Math.min(size, 4096))
  const footer = near.subarray(near.length - footerBytes)
  if (near.length < footerBytes || !footer.subarray(40, 48).equals(endMagic)) return null
  if (footer.readUInt32LE(48) !== crc32(footer.subarray(0, 48))) return null
  const tableBytes = footer.readUInt32LE(32) * entryBytes
  if (magic.length + tableBytes + footerBytes > size) return null
  const inside = near.length - footerBytes - tableBytes
  const table =
    inside >= 0
      ? Buffer.from(near.subarray(inside, inside + tableBytes))
      : await readAt(file, size - footerBytes - tableBytes, tableBytes)
  if (table.length !== tableBytes || crc32(table) !== footer.readUInt32LE(36)) return null
  const index = indexOf(table, Number(footer.readBigUInt64LE(24)))
  const end = index.place(index.blocks).at
  return end + tableBytes + footerBytes === size && index.sums.length === Number(footer.readBigUInt64LE(0))
    ? index
    : null
}

export async function readBlock(file: SealedBytes, index: SealedIndex, block: number): Promise<Buffer> {
  const { at, length } = index.place(block)
  const raw = index.checkpoint(block + 1).position - index.checkpoint(block).position
  passedOn(raw + length)
  return decompress(await readAt(file, at, length), { chunkSize: Math.max(leastChunk, raw) })
}

/** The block that holds a position of the record file. */
export function blockAt(index: SealedIndex, position: number): number {
  let low = 0
  let high = index.blocks - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (index.checkpoint(middle).position <= position) low = middle
    else high = middle - 1
  }
  return low
}

function indexOf(table: Buffer, truncatedBytes: number): SealedIndex {
  const blocks = table.length / entryBytes
  // Sums before each block; doubles hold 2^53 bytes.
  const at = new Float64Array(blocks + 1)
  const position = new Float64Array(blocks + 1)
  const stdout = new Float64Array(blocks + 1)
  const stderr = new Float64Array(blocks + 1)
  at[0] = magic.length
  for (let i = 0; i < blocks; i++) {
    const entry = i * entryBytes
    at[i + 1] = at[i]! + table.readUInt32LE(entry)
    position[i + 1] = position[i]! + table.readUInt32LE(entry + 4)
    stdout[i + 1] = stdout[i]! + table.readUInt32LE(entry + 8)
    stderr[i + 1] = stderr[i]! + table.readUInt32LE(entry + 12)
  }
  return {
    blocks,
    sums: {
      length: position[blocks]!,
      stdout_bytes: stdout[blocks]!,
      stderr_bytes: stderr[blocks]!,
      truncated_bytes: truncatedBytes,
    },
    checkpoint: (i) => ({ position: position[i]!, stdout: stdout[i]!, stderr: stderr[i]! }),
    place: (i) => ({ at: at[i]!, length: (at[i + 1] ?? at[i]!) - at[i]! }),
  }
}

export async function readAt(file: SealedBytes, at: number, length: number): Promise<Buffer> {
  return readInto(file, at, Buffer.allocUnsafe(length), length)
}

/** Fewer bytes than asked for only at the end of the file, or of the buffer. */
export async function readInto(file: SealedBytes, at: number, bytes: Buffer, length: number): Promise<Buffer> {
  const most = Math.min(length, bytes.length)
  let done = 0
  while (done < most) {
    const { bytesRead } = await file.read(bytes, done, most - done, at + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

/** A full disk may take a part; the rest then fails with ENOSPC. */
export async function writeAll(file: SealedSink, bytes: Uint8Array, at: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}
