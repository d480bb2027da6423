/** Writes a followed log to stdout and stderr, byte for byte, each to its own. */
import type { FollowEvent } from '../api/client.ts'
import { writeAll, writeLine } from './raw-output.ts'
import { notice } from './render.ts'

export interface PourOptions {
  json: boolean
  verbose: boolean
  /** Stop at this byte of the followed stream: what there was when we came. */
  until?: { attempt: number | undefined; offset: number } | undefined
}

/** Returns the state at the log's end; undefined when `until` came first. */
export async function pourLog(events: AsyncIterable<FollowEvent>, options: PourOptions): Promise<string | undefined> {
  const discarded = new Map<number, number>()
  try {
    for await (const event of events) {
      if (event.type === 'end') return event.state
      const { stream, attempt, offset, bytes } = event
      if (stream === 'mark') {
        // The log repeats it with the growing total.
        const mark = readMark(bytes)
        if (options.json) await writeLine(1, { type: 'mark', attempt, offset, time: instant(event.time), ...mark })
        else if (mark.bytes !== undefined) discarded.set(attempt, mark.bytes)
        continue
      }
      const end = options.until === undefined ? Infinity : options.until.offset - offset
      const wanted = bytes.length > end ? bytes.subarray(0, Math.max(0, end)) : bytes
      if (options.json) await writeLine(1, logLine(event, wanted))
      else if (wanted.length > 0) await writeAll(stream === 'stdout' ? 1 : 2, wanted)
      if (end <= bytes.length) return undefined
    }
    return undefined
  } finally {
    for (const bytes of discarded.values())
      notice(`output limit reached; ${bytes} bytes were discarded`, options.verbose)
  }
}

const instant = (time: number): string => new Date(time).toISOString()

function readMark(bytes: Buffer): { kind?: string; bytes?: number } {
  try {
    return JSON.parse(bytes.toString()) as { kind?: string; bytes?: number }
  } catch {
    return {}
  }
}

/** Text where the bytes are text, else base64. */
function logLine({ stream, attempt, offset, time }: FollowEvent & { type: 'log' }, bytes: Buffer): object {
  const text = bytes.toString()
  const data = Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }
  return { type: 'log', stream, attempt, offset, time: instant(time), ...data }
}
