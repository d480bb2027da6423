/** Records of two streams → lines, each stream's own. */
import type { LogRecord } from '../logs/records.ts'

export interface LogLine {
  stream: 'stdout' | 'stderr'
  /** UTF-8; what is none shows as U+FFFD. */
  text: string
  /** The same as bytes, without the newline. */
  bytes: Buffer
  /** When its last byte came. */
  time: Date
  /** More of this line follows: it is longer than `maxLineBytes`. */
  continues: boolean
}

/** A longer line comes in pieces, so that a job cannot fill its reader's memory. */
export const maxLineBytes = 1024 * 1024

export interface LineSplitter {
  add(record: LogRecord & { stream: 'stdout' | 'stderr' }): void
  take(): LogLine | undefined
  /** At the end of the output: what had no newline, one stream after the other. */
  last(): LogLine | undefined
}

interface Begun {
  pieces: Buffer[]
  length: number
  time: number
}

export function createLineSplitter(longest = maxLineBytes): LineSplitter {
  const begun = { stdout: nothing(), stderr: nothing() }
  let ready: LogLine[] = []
  let next = 0

  const finish = (stream: 'stdout' | 'stderr', continues: boolean): void => {
    const { pieces, time } = begun[stream]
    const bytes = Buffer.concat(pieces)
    begun[stream] = nothing()
    ready.push({ stream, text: bytes.toString('utf8'), bytes, time: new Date(time), continues })
  }
  const keep = (stream: 'stdout' | 'stderr', bytes: Buffer, time: number): void => {
    const line = begun[stream]
    line.pieces.push(bytes)
    line.length += bytes.length
    line.time = time
  }
  /** Pieces end between characters, unless these bytes are no text. */
  const cut = (stream: 'stdout' | 'stderr'): void => {
    const { pieces, time } = begun[stream]
    const bytes = Buffer.concat(pieces)
    let at = longest
    while (at > longest - 4 && (bytes[at]! & 0xc0) === 0x80) at--
    if (at === longest - 4) at = longest
    begun[stream] = nothing()
    keep(stream, bytes.subarray(0, at), time)
    finish(stream, true)
    keep(stream, bytes.subarray(at), time)
  }

  return {
    add({ stream, payload, time }) {
      if (next === ready.length) [ready, next] = [[], 0]
      for (let from = 0; from < payload.length;) {
        const newline = payload.indexOf(10, from)
        const to = newline === -1 ? payload.length : newline
        // What stays behind must not keep the whole batch it was read with.
        keep(stream, newline === -1 ? Buffer.from(payload.subarray(from, to)) : payload.subarray(from, to), time)
        while (begun[stream].length > longest) cut(stream)
        if (newline !== -1) finish(stream, false)
        from = to + 1
      }
    },
    take: () => ready[next++] ?? void (next = ready.length),
    last() {
      for (const stream of ['stdout', 'stderr'] as const) {
        if (begun[stream].length > 0) {
          finish(stream, false)
          return ready[next++]
        }
      }
      return undefined
    },
  }
}

const nothing = (): Begun => ({ pieces: [], length: 0, time: 0 })
