/** What stands between % and the verb, and how it pads. */
import { Problem } from './error.ts'

export interface Flags {
  /** Characters that padding may still add; shared by all values of one call. */
  room: { left: number }
  minus: boolean
  plus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  /** `%+v` and `%#v`: there the flags mean something else. */
  plusV: boolean
  sharpV: boolean
  width: number | null
  precision: number | null
}

export const noFlags = (room = { left: Number.POSITIVE_INFINITY }): Flags => ({
  room,
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  plusV: false,
  sharpV: false,
  width: null,
  precision: null,
})

const characters = (text: string): number => {
  let count = 0
  for (const _ of text) count++
  return count
}

/** Width counts characters. Zeros stand to the left only. */
export function pad(text: string, flags: Flags, withZeros = flags.zero): string {
  if (flags.width === null) return text
  const missing = flags.width - characters(text)
  if (missing <= 0) return text
  flags.room.left -= missing
  if (flags.room.left < 0) throw new Problem('printf pads a text beyond what a template may give')
  if (flags.minus) return text + ' '.repeat(missing)
  return (withZeros ? '0' : ' ').repeat(missing) + text
}
