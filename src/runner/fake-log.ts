/** The log of an attempt of the fake control plane. */
import { eachRecord, type RecordStream } from '../logs/records.ts'
import type { LogChunk } from './control-plane.ts'
import type { FakeAttempt } from './fake-control-plane.ts'

/** As the log store does it: whole records from the offset on, nothing behind a gap. */
export function append(attempt: FakeAttempt | undefined, { ref, offset, bytes }: LogChunk) {
  if (!attempt) return { ref, accepted: 0, durable: 0, stale: true }
  const have = attempt.size
  if (offset <= have && offset + bytes.length > have) {
    const fresh = Buffer.from(bytes).subarray(have - offset)
    const whole = eachRecord(fresh, () => {})
    attempt.pieces.push(fresh.subarray(0, whole))
    attempt.size += whole
  }
  return { ref, accepted: attempt.size, durable: attempt.size, stale: false }
}

/** What the server would show of one stream. */
export function outputOf(attempt: FakeAttempt, stream: RecordStream = 'stdout'): Buffer {
  const bytes = Buffer.concat(attempt.pieces)
  const parts: Buffer[] = []
  eachRecord(bytes, (record) => {
    if (record.stream === stream) parts.push(bytes.subarray(record.from, record.to))
  })
  return Buffer.concat(parts)
}
