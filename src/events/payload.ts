/** What goes from one run to the next: an input or an output, of any type and size. */

/** A small one with its bytes; a large one as a file that an attempt left (`artifacts.id`). */
export type Payload = { type: string; bytes: Buffer } | { type: string; artifact: string; size: number }

export const jsonType = 'application/json'

export const jsonPayload = (value: unknown): Payload => ({ type: jsonType, bytes: Buffer.from(JSON.stringify(value)) })

export const sizeOf = (payload: Payload): number => ('bytes' in payload ? payload.bytes.length : payload.size)
