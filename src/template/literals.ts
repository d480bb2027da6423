/** Go's literals: what a number, a character or a string in a template stands for. */
import { fromBytes } from './bytes.ts'
import { Problem } from './error.ts'

const digits = String.raw`[0-9](?:_?[0-9])*`
const ints = [
  { pattern: /^0[xX](?:_?[0-9a-fA-F])+$/, radix: '0x', cut: 2 },
  { pattern: /^0[bB](?:_?[01])+$/, radix: '0b', cut: 2 },
  { pattern: /^0[oO](?:_?[0-7])+$/, radix: '0o', cut: 2 },
  { pattern: /^0(?:_?[0-7])+$/, radix: '0o', cut: 1 },
  { pattern: new RegExp(`^(?:0|[1-9](?:_?[0-9])*)$`), radix: '', cut: 0 },
]
const float = new RegExp(`^(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:[eE][+-]?${digits})?$`)
const hexFloat = /^0[xX]((?:_?[0-9a-fA-F])*)\.?((?:[0-9a-fA-F](?:_?[0-9a-fA-F])*)?)[pP]([+-]?[0-9]+)$/

/** An `int` or a `float64`. */
export function numberLiteral(text: string): bigint | number {
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  const bare = text.slice(sign.length)
  for (const { pattern, radix, cut } of ints) {
    if (!pattern.test(bare)) continue
    const size = BigInt(radix + bare.slice(cut).replaceAll('_', ''))
    const value = sign === '-' ? -size : size
    if (value > 2n ** 63n - 1n || value < -(2n ** 63n)) throw new Problem(`integer overflow: ${text}`)
    return value
  }
  const size = float.test(bare) ? Number(bare.replaceAll('_', '')) : hexNumber(bare)
  if (size === null || !Number.isFinite(size)) throw new Problem(`bad number syntax: ${text}`)
  if (!/[.eEpP]/.test(bare)) throw new Problem(`bad number syntax: ${text}`)
  return sign === '-' ? -size : size
}

function hexNumber(text: string): number | null {
  const [, whole = '', part = '', power] = hexFloat.exec(text) ?? []
  const mantissa = (whole + part).replaceAll('_', '')
  if (power === undefined || mantissa === '' || mantissa.length > 13) return null
  return Number(`0x${mantissa}`) * 2 ** (Number(power) - 4 * part.replaceAll('_', '').length)
}

/** `'x'` is an int. */
export function charLiteral(text: string): bigint {
  const parts = [...unescaped(text.slice(1, -1), "'")]
  const [only] = parts
  if (parts.length !== 1 || only === undefined) throw new Problem(`malformed character constant: ${text}`)
  return BigInt(typeof only === 'number' ? only : only.codePointAt(0)!)
}

export function stringLiteral(text: string): string {
  const body = text.slice(1, -1)
  if (!body.includes('\\')) return body
  const parts = [...unescaped(body, '"')].map((part) =>
    typeof part === 'number' ? Buffer.of(part) : Buffer.from(part),
  )
  return fromBytes(Buffer.concat(parts))
}

export const rawLiteral = (text: string): string => text.slice(1, -1).replaceAll('\r', '')

const simple: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' }
const escape = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\'"]))|[^\\]/suy

/** Characters, and single bytes as numbers. */
function* unescaped(body: string, quote: string): Generator<string | number> {
  escape.lastIndex = 0
  while (escape.lastIndex < body.length) {
    const found = escape.exec(body)
    if (!found) throw new Problem('invalid escape in a quoted text')
    const [all, hex, octal, u4, u8, char] = found
    const byte = hex !== undefined ? parseInt(hex, 16) : octal !== undefined ? parseInt(octal, 8) : undefined
    const unicode = u4 ?? u8
    if (byte !== undefined) {
      if (byte > 255) throw new Problem('invalid escape in a quoted text')
      yield byte
    } else if (unicode !== undefined) {
      const point = parseInt(unicode, 16)
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw new Problem('invalid escape in a quoted text')
      yield String.fromCodePoint(point)
    } else if (char !== undefined) {
      const meant = char === quote ? quote : simple[char]
      if (meant === undefined) throw new Problem('invalid escape in a quoted text')
      yield meant
    } else yield all
  }
}
