/**
 * Go's strings are bytes, and `slice` may cut a character in two. A byte that is no UTF-8 is kept as the lone surrogate
 * U+DC80 to U+DCFF, so that two halves joined again are the character; `wellFormed` makes what is left U+FFFD.
 */
const escaped = /[\udc80-\udcff]/
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function toBytes(text: string): Buffer {
  if (!escaped.test(text) || text.isWellFormed()) return Buffer.from(text)
  const parts: Buffer[] = []
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0xd800 && code <= 0xdbff) i++
    else if (code >= 0xdc80 && code <= 0xdcff) {
      parts.push(Buffer.from(text.slice(from, i)), Buffer.of(code - 0xdc00))
      from = i + 1
    }
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(from))])
}

export function fromBytes(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    return fromBroken(bytes)
  }
}

function fromBroken(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length;) {
    const first = bytes[i]!
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
    const piece = bytes.subarray(i, i + length)
    try {
      if (length === 0 || piece.length < length) throw new RangeError()
      text += decoder.decode(piece)
      i += length
    } catch {
      text += String.fromCharCode(0xdc00 + first)
      i++
    }
  }
  return text
}

/** Halves that lie side by side become their character again. */
export const joined = (text: string): string => (text.isWellFormed() ? text : fromBytes(toBytes(text)))
export const wellFormed = (text: string): string => joined(text).toWellFormed()

/** As Go orders strings, by their bytes: UTF-16 would put U+E000 behind an emoji. */
export function compareStrings(a: string, b: string): number {
  if (/[\ud800-\uffff]/.test(a) || /[\ud800-\uffff]/.test(b)) return Buffer.compare(toBytes(a), toBytes(b))
  return a < b ? -1 : a > b ? 1 : 0
}
