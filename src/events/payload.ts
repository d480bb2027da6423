/** What goes from one run to the next: an input or an output, of any type and size. */
import { specLimits } from '../job/spec.ts'
import { depthOf } from '../lib/json.ts'

/** A small one with its bytes; a large one as a file that an attempt left (`artifacts.id`). */
export type Payload = { type: string; bytes: Buffer } | { type: string; artifact: string; size: number }

export const jsonType = 'application/json'

export const jsonPayload = (value: unknown): Payload => ({ type: jsonType, bytes: Buffer.from(JSON.stringify(value)) })

export const sizeOf = (payload: Payload): number => ('bytes' in payload ? payload.bytes.length : payload.size)

/**
 * Undefined: it is no JSON, or deeper than anything else that we take. A script may put out 10,000 brackets: they can be
 * parsed, and whoever writes them down again runs out of stack.
 */
export function jsonIn(text: string): unknown {
  try {
    const value = JSON.parse(text) as unknown
    return depthOf(value, specLimits.payloadDepth) > specLimits.payloadDepth ? undefined : value
  } catch {
    return undefined
  }
}
