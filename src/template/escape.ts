/** `html`, `js`, `urlquery`: texts made safe for another language. */
import { toBytes } from './bytes.ts'
import { isPrintable } from './quote.ts'

const entities: Record<string, string> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
}
export const html = (text: string): string => text.replaceAll(/[\0"'&<>]/g, (char) => entities[char]!)

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0')
const inScript: Record<string, string> = { '\\': '\\\\', "'": "\\'", '"': '\\"' }

export function js(text: string): string {
  let result = ''
  for (const char of text) {
    const point = char.codePointAt(0)!
    const isSafe = point < 0x80 ? point >= 0x20 && !'<>&='.includes(char) : isPrintable(char)
    result += inScript[char] ?? (isSafe ? char : `\\u${hex(point)}`)
  }
  return result
}

export function urlquery(text: string): string {
  let result = ''
  for (const byte of toBytes(text)) {
    const char = String.fromCharCode(byte)
    if (/[A-Za-z0-9_.~-]/.test(char)) result += char
    else result += char === ' ' ? '+' : `%${hex(byte).slice(2)}`
  }
  return result
}
