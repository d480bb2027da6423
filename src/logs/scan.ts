/** Finds what a record file really holds after a crash. */
import type { FileHandle } from 'node:fs/promises'
import { DamagedRecord, decodeMark, eachRecord, headerBytes, maxPayload, type RecordPlace } from './records.ts'

export interface Scan {
  /** Bytes of whole, undamaged records; what stands behind is to be truncated. */
  length: number
  stdoutBytes: number
  stderrBytes: number
  truncatedBytes: number
}

const step = 1024 * 1024

/** Reads from the beginning to the first bytes that are no record, or to the end. `visit` gets each record's file offset. */
export async function scan(
  file: FileHandle,
  visit: (record: RecordPlace, bytes: Buffer, offset: number) => void = () => {},
): Promise<Scan> {
  const found: Scan = { length: 0, stdoutBytes: 0, stderrBytes: 0, truncatedBytes: 0 }
  const buffer = Buffer.allocUnsafe(step + headerBytes + maxPayload)
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, found.length)
    const bytes = buffer.subarray(0, bytesRead)
    let consumed = 0
    let damaged = false
    try {
      eachRecord(bytes, (record) => {
        visit(record, bytes, found.length + consumed)
        count(found, record, bytes)
        consumed = record.to
      })
    } catch (error) {
      if (!(error instanceof DamagedRecord)) throw error
      damaged = true
    }
    found.length += consumed
    if (damaged || consumed === 0 || bytesRead < buffer.length) return found
  }
}

/** Adds one record to the sums of its log. */
export function count(sums: Omit<Scan, 'length'>, record: RecordPlace, bytes: Buffer): void {
  const size = record.to - record.from
  if (record.stream === 'stdout') sums.stdoutBytes += size
  else if (record.stream === 'stderr') sums.stderrBytes += size
  else sums.truncatedBytes = decodeMark(bytes.subarray(record.from, record.to)).bytes
}
