/**
 * A pack: the logs of short jobs of one range of keys, one behind the other, because a file for each would cost more
 * than the job. Append-only; the later of two entries of a key counts.
 *
 *   "RYPACK1\n" | entries
 *   entry: "RYPE" | job key u64 | number u32 | kind u8 | stored u32 | length u32 | stdout u32 | stderr u32 |
 *          truncated u64 | payload crc32 u32 | crc32 u32 of the header | payload          (little endian)
 *
 * kind: 1 a record file as it is, 2 the same compressed with zstd, 3 removed (no payload).
 */
import { join } from 'node:path'
import { constants, crc32, zstdCompressSync } from 'node:zlib'
import type { SealedLog } from './log-store.ts'

export const packMagic = Buffer.from('RYPACK1\n')
export const entryHeaderBytes = 49
const entryMagic = Buffer.from('RYPE')
const kinds = { plain: 1, zstd: 2, removed: 3 } as const

/** Which pack a log belongs to: the keys of a thousand jobs. */
export const rangeOf = (attemptKey: string): string => attemptKey.slice(0, attemptKey.indexOf('-')).slice(0, -3) || '0'
export const packsIn = (root: string): string => join(root, 'packs')
export const packPath = (root: string, range: string): string => join(packsIn(root), `${range}.pack`)

/** Below this zstd saves less than a disk block and costs more than all the rest. */
const compressFrom = 2048
const params = { [constants.ZSTD_c_compressionLevel]: 1 }

export interface PackEntry {
  kind: number
  /** Of the payload in the pack. */
  at: number
  stored: number
  crc: number
  sums: SealedLog
  /** The disk lost a part of it. */
  damaged: boolean
}

export const isRemoved = (entry: PackEntry): boolean => entry.kind === kinds.removed
export const isCompressed = (entry: PackEntry): boolean => entry.kind === kinds.zstd

const nothing: SealedLog = { length: 0, stdout_bytes: 0, stderr_bytes: 0, truncated_bytes: 0 }

/** `at` is where the entry will stand in its pack. */
export function encodeEntry(
  attemptKey: string,
  log: { bytes: Buffer; sums: SealedLog },
  at: number,
): { parts: Buffer[]; size: number; entry: PackEntry } {
  let kind: number = kinds.plain
  let payload = log.bytes
  if (payload.length >= compressFrom) {
    const packed = zstdCompressSync(payload, { params })
    if (packed.length < payload.length) {
      kind = kinds.zstd
      payload = packed
    }
  }
  const entry: PackEntry = {
    kind,
    at: at + entryHeaderBytes,
    stored: payload.length,
    crc: crc32(payload),
    sums: log.sums,
    damaged: false,
  }
  return { parts: [header(attemptKey, entry), payload], size: entryHeaderBytes + payload.length, entry }
}

export const encodeRemoval = (attemptKey: string): Buffer =>
  header(attemptKey, { kind: kinds.removed, at: 0, stored: 0, crc: 0, sums: nothing, damaged: false })

function header(attemptKey: string, { kind, stored, crc, sums }: PackEntry): Buffer {
  const dash = attemptKey.indexOf('-')
  const bytes = Buffer.allocUnsafe(entryHeaderBytes)
  entryMagic.copy(bytes, 0)
  bytes.writeBigUInt64LE(BigInt(attemptKey.slice(0, dash)), 4)
  bytes.writeUInt32LE(Number(attemptKey.slice(dash + 1)), 12)
  bytes.writeUInt8(kind, 16)
  bytes.writeUInt32LE(stored, 17)
  bytes.writeUInt32LE(sums.length, 21)
  bytes.writeUInt32LE(sums.stdout_bytes, 25)
  bytes.writeUInt32LE(sums.stderr_bytes, 29)
  bytes.writeBigUInt64LE(BigInt(sums.truncated_bytes), 33)
  bytes.writeUInt32LE(crc, 41)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 45)), 45)
  return bytes
}

export interface PackScan {
  /** Where the next entry goes; what stands behind was torn by a crash. 0: not even the beginning is whole. */
  length: number
  entries: Map<string, PackEntry>
}

/**
 * What a pack really has. An entry that is damaged in the middle, with whole ones behind it, costs itself only; what is
 * damaged at the end was never answered for, and is cut off.
 */
export function scanPack(bytes: Buffer): PackScan {
  const entries = new Map<string, PackEntry>()
  if (!bytes.subarray(0, packMagic.length).equals(packMagic)) return { length: 0, entries }
  let at = packMagic.length
  let whole = at
  let suspects: [string, PackEntry][] = []
  while (at < bytes.length) {
    const read = readEntry(bytes, at)
    if (read === null) {
      const next = bytes.indexOf(entryMagic, at + 1)
      if (next === -1) break
      at = next
      continue
    }
    const { key, entry } = read
    at = entry.at + entry.stored
    if (entry.damaged) {
      suspects.push([key, entry])
      continue
    }
    for (const [name, damaged] of suspects) entries.set(name, damaged)
    suspects = []
    entries.set(key, entry)
    whole = at
  }
  return { length: whole, entries }
}

/** Null when no header of an entry with all of its payload stands here. */
function readEntry(bytes: Buffer, at: number): { key: string; entry: PackEntry } | null {
  if (at + entryHeaderBytes > bytes.length) return null
  if (!bytes.subarray(at, at + 4).equals(entryMagic)) return null
  if (bytes.readUInt32LE(at + 45) !== crc32(bytes.subarray(at, at + 45))) return null
  const stored = bytes.readUInt32LE(at + 17)
  const from = at + entryHeaderBytes
  if (from + stored > bytes.length) return null
  const crc = bytes.readUInt32LE(at + 41)
  const sums = {
    length: bytes.readUInt32LE(at + 21),
    stdout_bytes: bytes.readUInt32LE(at + 25),
    stderr_bytes: bytes.readUInt32LE(at + 29),
    truncated_bytes: Number(bytes.readBigUInt64LE(at + 33)),
  }
  const damaged = crc32(bytes.subarray(from, from + stored)) !== crc
  const key = `${bytes.readBigUInt64LE(at + 4)}-${bytes.readUInt32LE(at + 12)}`
  return { key, entry: { kind: bytes[at + 16]!, at: from, stored, crc, sums, damaged } }
}
