/**
 * The record file: the one format of the runner's spool and of a live log in the store, so that shipping is copying.
 *
 *   stream u8 | time ms u48 | length u32 | crc32 u32 | payload ≤ 64 KiB        (little endian, 15 bytes of header)
 *
 * The checksum covers header and payload, and no stream is 0: a tail of zeros, as a power cut leaves it, never passes.
 */
import { crc32 } from 'node:zlib'

export const headerBytes = 15
export const maxPayload = 64 * 1024

export type RecordStream = 'stdout' | 'stderr' | 'mark'
const codes = { stdout: 1, stderr: 2, mark: 3 } as const
const names = [undefined, 'stdout', 'stderr', 'mark'] as const

export interface LogRecord {
  stream: RecordStream
  /** Milliseconds since 1970, the runner's clock. */
  time: number
  payload: Buffer
}

/** What a mark says. Marks are no output: they stand in no stream's offsets and in no raw read. */
export interface LogMark {
  /** The output cap was reached; `bytes` were discarded until now. The last one of a log has the total. */
  kind: 'truncated'
  bytes: number
}

export class DamagedRecord extends Error {
  /** Where the damaged record begins in the bytes that were given. */
  readonly at: number
  constructor(at: number, why: string) {
    super(`damaged log record at byte ${at}: ${why}`)
    this.name = 'DamagedRecord'
    this.at = at
  }
}

export function encodeRecord(stream: RecordStream, time: number, payload: Uint8Array): Buffer {
  if (payload.length > maxPayload) throw new RangeError(`a record holds at most ${maxPayload} bytes`)
  const record = Buffer.allocUnsafe(headerBytes + payload.length)
  record.writeUInt8(codes[stream], 0)
  record.writeUIntLE(time, 1, 6)
  record.writeUInt32LE(payload.length, 7)
  record.set(payload, headerBytes)
  record.writeUInt32LE(checksum(record, 0, payload.length), 11)
  return record
}

/** Output of any length as records; nothing for no bytes. */
export function encodeOutput(stream: 'stdout' | 'stderr', time: number, bytes: Uint8Array): Buffer[] {
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length; at += maxPayload) {
    records.push(encodeRecord(stream, time, bytes.subarray(at, at + maxPayload)))
  }
  return records
}

export const encodeMark = (time: number, mark: LogMark): Buffer =>
  encodeRecord('mark', time, Buffer.from(JSON.stringify(mark)))

export const decodeMark = (payload: Uint8Array): LogMark => JSON.parse(Buffer.from(payload).toString()) as LogMark

/** A record in a buffer without a copy of its payload. */
export interface RecordPlace {
  stream: RecordStream
  time: number
  /** Payload in the buffer. */
  from: number
  to: number
}

/**
 * Walks whole records from `at`; returns where the first incomplete one begins. Throws DamagedRecord when bytes are
 * there and are no record. `verify: false` leaves the checksum out, for bytes that were checked when they came in.
 */
export function eachRecord(
  bytes: Buffer,
  visit: (record: RecordPlace) => void | false,
  options: { at?: number; verify?: boolean } = {},
): number {
  let at = options.at ?? 0
  while (at + headerBytes <= bytes.length) {
    const stream = names[bytes[at]!]
    if (stream === undefined) throw new DamagedRecord(at, 'no such stream')
    const length = bytes.readUInt32LE(at + 7)
    if (length > maxPayload) throw new DamagedRecord(at, `${length} bytes of payload`)
    const from = at + headerBytes
    if (from + length > bytes.length) break
    if (options.verify !== false && bytes.readUInt32LE(at + 11) !== checksum(bytes, at, length)) {
      throw new DamagedRecord(at, 'wrong checksum')
    }
    if (visit({ stream, time: bytes.readUIntLE(at + 1, 6), from, to: from + length }) === false) break
    at = from + length
  }
  return at
}

/** Whole records from the beginning, and how many bytes they took. */
export function decodeRecords(bytes: Buffer): { records: LogRecord[]; consumed: number } {
  const records: LogRecord[] = []
  const consumed = eachRecord(bytes, ({ stream, time, from, to }) => {
    records.push({ stream, time, payload: bytes.subarray(from, to) })
  })
  return { records, consumed }
}

/** Where the last whole record ends; looks at nothing but lengths. */
export function lastWhole(bytes: Buffer): number {
  let at = 0
  while (at + headerBytes <= bytes.length) {
    const next = at + headerBytes + bytes.readUInt32LE(at + 7)
    if (next > bytes.length) break
    at = next
  }
  return at
}

function checksum(bytes: Buffer, at: number, length: number): number {
  const header = crcOf(bytes, at, at + 11, 0)
  const from = at + headerBytes
  return length <= shortPayload
    ? crcOf(bytes, from, from + length, header)
    : crc32(bytes.subarray(from, from + length), header)
}

/** A call out of JavaScript, with a view of the bytes made for it, takes as long as so many bytes take here. */
const shortPayload = 128

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  return c
})

function crcOf(bytes: Buffer, from: number, to: number, before: number): number {
  let c = ~before
  for (let i = from; i < to; i++) c = table[(c ^ bytes[i]!) & 255]! ^ (c >>> 8)
  return ~c >>> 0
}
