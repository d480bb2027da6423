/** What expressions see of an input or an output. */
import { jsonIn, jsonType, sizeOf, type Payload } from '../events/payload.ts'

/** JSON as it is, text as a string; of anything else its type and size, as of what is kept in a file. */
export function valueOf(payload: Payload | null): unknown {
  if (payload === null) return null
  const about = { type: payload.type, bytes: sizeOf(payload) }
  if (!('bytes' in payload)) return about
  const type = payload.type.split(';')[0]!.trim().toLowerCase()
  const text = payload.bytes.toString()
  if (type === jsonType || type.endsWith('+json')) {
    const value = jsonIn(text)
    return value === undefined ? about : value
  }
  return type.startsWith('text/') && !text.includes('\0') ? text : about
}
