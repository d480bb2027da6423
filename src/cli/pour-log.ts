/** Writes a followed log to stdout and stderr, byte for byte, each to its own. */
import type { FollowEvent } from '../api/client.ts'
import { writeAll } from './raw-output.ts'

export interface PourOptions {
  json: boolean
  /** Stop at this byte of the followed stream: what there was when we came. */
  until?: { attempt: number | undefined; offset: number }
}

/** Returns the state at the log's end; undefined when `until` came first. */
export async function pourLog(events: AsyncIterable<FollowEvent>, options: PourOptions): Promise<string | undefined> {
  for await (const event of events) {
    if (event.type === 'end') return event.state
    const { stream, offset, bytes } = event
    const end = options.until === undefined ? Infinity : options.until.offset - offset
    const wanted = bytes.length > end ? bytes.subarray(0, Math.max(0, end)) : bytes
    if (options.json) printLine(event, wanted)
    else if (wanted.length > 0) await writeAll(stream === 'stdout' ? 1 : 2, wanted)
    if (end <= bytes.length) return undefined
  }
  return undefined
}

/** One JSON object a line; text where the bytes are text, else base64. */
function printLine({ stream, attempt, offset, time }: FollowEvent & { type: 'log' }, bytes: Buffer): void {
  const text = bytes.toString()
  const data = Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }
  const line = { type: 'log', stream, attempt, offset, time: new Date(time).toISOString(), ...data }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
