/** Reading output out of a record file, the same for a live one and a sealed one. */
import { outputBefore, start, type Checkpoint } from './checkpoints.ts'
import type { LogCursor, LogPiece, LogPieces, LogRead, LogStream } from './log-store.ts'
import { eachRecord, type RecordPlace } from './records.ts'

export interface RecordSource {
  readonly sealed: boolean
  /** Of the record file. */
  readonly length: number
  readonly stdout: number
  readonly stderr: number
  /** A place at or before a byte of the stream. */
  near(stream: LogStream, offset: number): Checkpoint
  /** Whole records from `position` on, about `limit` bytes, at least one unless it is the end. */
  records(position: number, limit: number): Promise<Buffer>
}

export const longestRead = 1024 * 1024

/** From the nearest known place to the byte that was asked for may be some MiB: fewer, longer reads. */
const shortestRead = 256 * 1024

/** Steps of one answer. Output that is thinly spread among the other stream's comes in short answers, not late. */
const mostSteps = 32

export const locateIn = (source: RecordSource, stream: LogStream, offset: number): LogCursor => ({
  stream,
  from: Math.max(0, offset),
  ...source.near(stream, offset),
})

export async function readFrom(
  source: RecordSource,
  options: { stream: LogStream; offset: number; limit: number },
): Promise<LogRead> {
  const { sealed } = source
  const size = outputBefore(source, options.stream)
  const parts: Buffer[] = []
  let cursor = locateIn(source, options.stream, options.offset)
  let wanted = Math.min(options.limit, longestRead, size - cursor.from)
  for (let steps = 0; wanted > 0 && steps < mostSteps;) {
    const next = await step(source, cursor, Math.max(wanted, shortestRead))
    if (parts.length > 0) steps += 1
    for (const piece of next.pieces) {
      if (piece.stream === 'mark' || wanted <= 0) continue
      parts.push(piece.bytes.subarray(0, wanted))
      wanted -= piece.bytes.length
    }
    if (next.cursor.position === cursor.position) break
    cursor = next.cursor
  }
  return { bytes: Buffer.concat(parts), size, sealed }
}

export async function piecesFrom(source: RecordSource, from: LogCursor, limit: number): Promise<LogPieces> {
  let cursor = from
  for (let steps = 0; steps < mostSteps; steps++) {
    const next = await step(source, cursor, limit)
    cursor = next.cursor
    const ended = source.sealed && cursor.position >= source.length
    if (next.pieces.length > 0 || ended || cursor.position >= source.length) return { ...next, ended }
  }
  return { pieces: [], cursor, ended: false }
}

/** One read from the source. */
async function step(
  source: RecordSource,
  cursor: LogCursor,
  limit: number,
): Promise<{ pieces: LogPiece[]; cursor: LogCursor }> {
  const { stream, from } = cursor
  // Jumps over a stretch that has only the other stream.
  const near = from === 0 ? start : source.near(stream, from)
  const place = near.position > cursor.position ? { ...near } : { ...cursor }
  const bytes = place.position < source.length ? await source.records(place.position, limit) : Buffer.alloc(0)
  const pieces: LogPiece[] = []
  const consumed = eachRecord(
    bytes,
    (record) => {
      const piece = pieceOf(record, bytes, stream, place, from)
      if (piece) pieces.push(piece)
      if (record.stream !== 'mark') place[record.stream] += record.to - record.from
    },
    { verify: false },
  )
  const { stdout, stderr } = place
  const position = place.position + consumed
  return { pieces, cursor: { stream, position, stdout, stderr, from: Math.max(from, outputBefore(place, stream)) } }
}

function pieceOf(
  record: RecordPlace,
  bytes: Buffer,
  stream: LogStream,
  place: { stdout: number; stderr: number },
  from: number,
): LogPiece | null {
  const before = outputBefore(place, stream)
  const payload = bytes.subarray(record.from, record.to)
  if (record.stream === 'mark') {
    return before >= from ? { stream: 'mark', offset: before, time: record.time, bytes: payload } : null
  }
  if (stream !== 'all' && record.stream !== stream) return null
  const skip = Math.max(0, from - before)
  if (skip >= payload.length) return null
  return { stream: record.stream, offset: before + skip, time: record.time, bytes: payload.subarray(skip) }
}
