/**
 * Ships record files to the server by offset. What the executor has recorded leaves at once (no timer between a job's
 * byte and its reader); while a request is under way the next one fills, so load makes batches by itself. The server's
 * answer says where it stands, and a lower number than expected means: go back there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { linkBackoff, untilAnswered, type Backoff } from './backoff.ts'
import { lastWhole } from '../logs/records.ts'
import type { AttemptRef, ControlPlane, LogChunk } from './control-plane.ts'
import {
  afterAnswer,
  isSilent,
  newCursor,
  pick,
  requestBytes,
  sent,
  settle,
  wants,
  type Cursor,
  type Part,
  type RecordFile,
} from './log-cursor.ts'

const requestsAtOnce = 4
/** So often it is asked of a silent log whether the server still has it. */
const askEveryMs = 15_000

export interface Shipment {
  /** There is more in the file. */
  grown(): void
  /** Something of it is on its way or has arrived. */
  begun(): boolean
  /** Resolves when the server has everything that is in the file now. */
  shipped(): Promise<void>
  /** Ask where the server stands and ship from there. */
  recheck(): void
  /** Length of what can be shipped: the file's, or less when the disk no longer gives the rest back. */
  length(): number
  detach(): void
}

export interface LogShipper {
  attach(ref: AttemptRef, file: RecordFile, onStale: () => void): Shipment
}

type OnTrouble = (error: unknown, ref?: AttemptRef) => void

export function createLogShipper(
  server: Pick<ControlPlane, 'appendLog'>,
  signal: AbortSignal,
  onTrouble: OnTrouble = () => {},
  backoff: Backoff = linkBackoff,
  silentMs = askEveryMs,
): LogShipper {
  const attached = new Set<Cursor>()
  const dirty = new Set<Cursor>()
  /** One for each request, used again: a log of gigabytes makes no garbage. */
  const buffers: Buffer[] = []
  let requests = 0
  let scheduled = false

  const schedule = () => {
    if (scheduled || dirty.size === 0) return
    scheduled = true
    // Not at once: what several attempts bring in one turn of the loop shares a request.
    setImmediate(fill)
  }

  const fill = () => {
    scheduled = false
    while (requests < requestsAtOnce && !signal.aborted) {
      const parts = pick(dirty)
      if (parts.length === 0) break
      requests++
      const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(requestBytes)
      void ship(parts, buffer).then((answered) => {
        if (answered) buffers.push(buffer)
        requests--
        schedule()
      })
    }
  }

  /** False when a try went wrong: its bytes may still wait in a socket, and must not change before they have left. */
  const ship = async (parts: Part[], buffer: Buffer): Promise<boolean> => {
    const chunks = await readChunks(parts, buffer, onTrouble)
    // The next part of each may be read while this one travels.
    for (const { cursor } of parts) if (wants(cursor)) dirty.add(cursor)
    schedule()
    const answered = await send(parts, chunks)
    for (const { cursor } of parts) {
      cursor.underWay--
      afterAnswer(cursor)
      if (wants(cursor)) dirty.add(cursor)
    }
    return answered
  }

  /** Whether it was answered at the first try. */
  const send = async (parts: Part[], chunks: LogChunk[]): Promise<boolean> => {
    let tries = 1
    try {
      const results = await untilAnswered(
        () => server.appendLog(chunks),
        signal,
        backoff,
        (error) => {
          tries += 1
          onTrouble(error)
        },
      )
      parts.forEach((part, i) => settle(part.cursor, part.offset + chunks[i]!.bytes.length, results[i]!))
      return tries === 1
    } catch (error) {
      if (signal.aborted) return false
      if (parts.length === 1) {
        const { cursor } = parts[0]!
        onTrouble(error, cursor.ref)
        settle(cursor, 0, { accepted: 0, stale: true })
        return false
      }
      // One of them was refused; which one shows when they go alone.
      for (const [i, part] of parts.entries()) await send([part], [chunks[i]!])
      return false
    }
  }

  const askOfSilent = () => {
    const now = performance.now()
    for (const cursor of attached) {
      if (cursor.detached) attached.delete(cursor)
      if (!isSilent(cursor, now, silentMs)) continue
      cursor.ask = 'wanted'
      dirty.add(cursor)
    }
    schedule()
  }
  const asking = setInterval(askOfSilent, silentMs / 2).unref()
  signal.addEventListener('abort', () => clearInterval(asking))

  return {
    attach(ref, file, onStale) {
      const cursor = newCursor(ref, file, onStale)
      attached.add(cursor)
      const grown = () => {
        if (wants(cursor)) dirty.add(cursor)
        schedule()
      }
      return {
        grown,
        begun: () => cursor.begun,
        shipped: () =>
          new Promise((resolve) => {
            cursor.waiting.push({ length: file.length(), resolve })
            afterAnswer(cursor)
            grown()
          }),
        recheck() {
          cursor.ask = 'wanted'
          grown()
        },
        length: () => Math.min(file.length(), cursor.readableTo),
        detach() {
          cursor.detached = true
          attached.delete(cursor)
          dirty.delete(cursor)
          afterAnswer(cursor)
        },
      }
    },
  }
}

/** Side by side into one buffer; a part that ends inside a record is cut where the last whole one ends. */
function readChunks(parts: Part[], buffer: Buffer, onTrouble: OnTrouble): Promise<LogChunk[]> {
  let at = 0
  return Promise.all(
    parts.map(async (part) => {
      const into = buffer.subarray(at, (at += part.length))
      const filled = await readPart(part, into, onTrouble)
      const whole = lastWhole(into.subarray(0, filled))
      sent(part, whole)
      return { ref: part.cursor.ref, offset: part.offset, bytes: into.subarray(0, whole) }
    }),
  )
}

async function readPart({ cursor, offset, length }: Part, into: Buffer, onTrouble: OnTrouble): Promise<number> {
  let filled = 0
  while (filled < length) {
    try {
      const got = await cursor.file.read(offset + filled, into.subarray(filled))
      if (got === 0) throw new Error(`the log ends at ${offset + filled} bytes, expected ${offset + length}`)
      filled += got
    } catch (error) {
      if (!cursor.detached) onTrouble(error, cursor.ref)
      if (isShortage(error) && !cursor.detached) {
        await sleep(shortagePauseMs, undefined, { ref: false })
        continue
      }
      cursor.readableTo = Math.min(cursor.readableTo, offset)
      return 0
    }
  }
  return length
}

const shortagePauseMs = 250
const shortages = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

/** This process or this host lacks something for the moment; the bytes are there. Taken for their end, a log was lost. */
const isShortage = (error: unknown): boolean => shortages.has((error as NodeJS.ErrnoException).code ?? '')
