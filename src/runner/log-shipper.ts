/**
 * Ships record files to the server by offset. What has arrived in the spool leaves at once (no timer between a job's
 * byte and its reader); while a request is under way the next one fills, so load makes batches by itself. The server's
 * answer says where it stands, and a lower number than expected means: go back there.
 */
import { linkBackoff, untilAnswered, type Backoff } from './backoff.ts'
import type { AttemptRef, ControlPlane, LogChunk } from './control-plane.ts'
import { afterAnswer, newCursor, pick, type Cursor, type Part, type RecordFile, settle, wants } from './log-cursor.ts'

const requestsAtOnce = 4

export interface Shipment {
  /** There is more in the file. */
  grown(): void
  /** Resolves when the server has everything that is in the file now. */
  shipped(): Promise<void>
  /** The server says that it lacks something: ask where it stands and ship again from there. */
  recheck(): void
  /** Length of what can be shipped: the file's, or less when the disk no longer gives the rest back. */
  length(): number
  detach(): void
}

export interface LogShipper {
  attach(ref: AttemptRef, file: RecordFile, onStale: () => void): Shipment
}

export function createLogShipper(
  server: Pick<ControlPlane, 'appendLog'>,
  signal: AbortSignal,
  onTrouble: (error: unknown, ref?: AttemptRef) => void = () => {},
  backoff: Backoff = linkBackoff,
): LogShipper {
  const dirty = new Set<Cursor>()
  let requests = 0
  let scheduled = false

  const schedule = () => {
    if (scheduled || dirty.size === 0) return
    scheduled = true
    // Not at once: what several attempts bring in one turn of the loop shares a request.
    setImmediate(() => {
      scheduled = false
      while (requests < requestsAtOnce && !signal.aborted) {
        const parts = pick(dirty)
        if (parts.length === 0) break
        requests++
        void ship(parts).finally(() => {
          requests--
          schedule()
        })
      }
    })
  }

  const ship = async (parts: Part[]) => {
    const chunks = await Promise.all(parts.map((part) => readChunk(part, onTrouble)))
    await send(parts, chunks)
    for (const cursor of new Set(parts.map((part) => part.cursor))) {
      cursor.underWay--
      afterAnswer(cursor)
      if (wants(cursor)) dirty.add(cursor)
    }
  }

  const send = async (parts: Part[], chunks: LogChunk[]): Promise<void> => {
    try {
      const results = await untilAnswered(
        () => server.appendLog(chunks),
        signal,
        backoff,
        (error) => onTrouble(error),
      )
      parts.forEach((part, i) => settle(part.cursor, part.offset + chunks[i]!.bytes.length, results[i]!))
    } catch (error) {
      if (signal.aborted) return
      const cursors = [...new Set(parts.map((part) => part.cursor))]
      if (cursors.length === 1) {
        onTrouble(error, cursors[0]!.ref)
        settle(cursors[0]!, 0, { accepted: 0, stale: true })
        return
      }
      // One of them was refused; which one shows when they go alone.
      for (const cursor of cursors) {
        const own = parts.map((part, i) => ({ part, chunk: chunks[i]! })).filter(({ part }) => part.cursor === cursor)
        await send(
          own.map(({ part }) => part),
          own.map(({ chunk }) => chunk),
        )
      }
    }
  }

  return {
    attach(ref, file, onStale) {
      const cursor = newCursor(ref, file, onStale)
      const grown = () => {
        if (wants(cursor)) dirty.add(cursor)
        schedule()
      }
      return {
        grown,
        shipped: () =>
          new Promise((resolve) => {
            cursor.waiting.push({ length: file.length, resolve })
            afterAnswer(cursor)
            grown()
          }),
        recheck() {
          cursor.ask = 'wanted'
          grown()
        },
        length: () => Math.min(file.length, cursor.readableTo),
        detach() {
          cursor.detached = true
          dirty.delete(cursor)
          afterAnswer(cursor)
        },
      }
    },
  }
}

async function readChunk(part: Part, onTrouble: (error: unknown, ref: AttemptRef) => void): Promise<LogChunk> {
  const { cursor, offset, length } = part
  const bytes = new Uint8Array(length)
  let filled = 0
  try {
    while (filled < length) {
      const got = await cursor.file.read(offset + filled, bytes.subarray(filled))
      if (got === 0) throw new Error(`the spool ends at ${offset + filled} bytes, expected ${offset + length}`)
      filled += got
    }
  } catch (error) {
    onTrouble(error, cursor.ref)
    cursor.readableTo = Math.min(cursor.readableTo, offset)
    filled = 0
  }
  return { ref: cursor.ref, offset, bytes: bytes.subarray(0, filled) }
}
