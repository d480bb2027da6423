/** The secrets of one attempt, hidden in what it says by another way than its log. */
import { compileSecrets, createRedactor } from '../logs/redactor.ts'

export interface Mask {
  text(text: string): string
  /** Every text in a JSON document, names of fields too, but for those of the document itself, which are ours. */
  json(value: unknown): unknown
  stream(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Buffer>
}

export function createMask(secrets: Iterable<string>): Mask {
  const matcher = compileSecrets(secrets)
  const whole = (bytes: Buffer): Buffer => {
    const redactor = createRedactor(matcher)
    return Buffer.concat([redactor.push(bytes), redactor.flush()])
  }
  const text = (clear: string): string => (matcher.empty ? clear : whole(Buffer.from(clear)).toString())
  const json = (value: unknown, nameOf = text): unknown => {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map((item) => json(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [nameOf(name), json(item)]))
  }
  return {
    text,
    json: (value) => (matcher.empty ? value : json(value, (name) => name)),
    async *stream(bytes) {
      const redactor = createRedactor(matcher)
      for await (const piece of bytes) {
        const masked = redactor.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
        if (masked.length > 0) yield masked
      }
      const rest = redactor.flush()
      if (rest.length > 0) yield rest
    },
  }
}
