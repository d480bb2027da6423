/** Texts in Go's quotes, and what is printable in Go's eyes. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
export const isPrintable = (char: string): boolean => printable.test(char)

const short: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

export function quote(text: string, mark: '"' | "'", asciiOnly: boolean): string {
  let result = mark as string
  for (const char of text) {
    const point = char.codePointAt(0)!
    if (char === mark) result += `\\${mark}`
    else if (short[char] !== undefined) result += short[char]
    // A byte that is no character (bytes.ts).
    else if (point >= 0xdc80 && point <= 0xdcff) result += `\\x${(point - 0xdc00).toString(16)}`
    else if (isPrintable(char) && !(asciiOnly && point > 0x7e)) result += char
    else if (point < 0x20 || point === 0x7f) result += `\\x${hex(point, 2)}`
    else result += point > 0xffff ? `\\U${hex(point, 8)}` : `\\u${hex(point, 4)}`
  }
  return result + mark
}

const hex = (point: number, digits: number): string => point.toString(16).padStart(digits, '0')

/** Whether it can stand between back-quotes as it is. */
export const canBackquote = (text: string): boolean => !/[`\x00-\x08\x0a-\x1f\x7f\ufeff\udc80-\udcff]/u.test(text)
