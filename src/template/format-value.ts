/** One value under one verb. `null`: the verb is not made for such a value. */
import { toBytes } from './bytes.ts'
import { pad, type Flags } from './flags.ts'
import { floatText, type FloatForm } from './float-text.ts'
import { canBackquote, isPrintable, quote } from './quote.ts'

export function formatBool(value: boolean, verb: string, flags: Flags): string | null {
  return verb === 't' || verb === 'v' ? pad(String(value), flags) : null
}

const bases: Record<string, number> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }
const replacement = '\ufffd'
const charOf = (value: bigint): string =>
  value < 0n || value > 0x10ffffn || (value >= 0xd800n && value <= 0xdfffn)
    ? replacement
    : String.fromCodePoint(Number(value))

export function formatInt(value: bigint, verb: string, flags: Flags, isUnsigned: boolean): string | null {
  if (verb === 'c') return pad(charOf(value), flags)
  if (verb === 'q') return pad(quote(charOf(value), "'", flags.plus), flags)
  if (verb === 'U') return unicode(value, flags)
  if (verb === 'v' && flags.sharpV && isUnsigned) return integer(value, 'x', 16, { ...flags, sharp: true })
  const base = bases[verb]
  return base === undefined ? null : integer(value, verb, base, flags)
}

function integer(value: bigint, verb: string, base: number, flags: Flags): string {
  const negative = value < 0n
  let digits = (negative ? -value : value).toString(base)
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  if (flags.precision !== null) {
    if (flags.precision === 0 && value === 0n) return pad('', flags, false)
    digits = digits.padStart(flags.precision, '0')
  } else if (flags.zero && flags.width !== null && !flags.minus) {
    digits = digits.padStart(flags.width - sign.length, '0')
  }
  if (flags.sharp) {
    if (base === 2) digits = `0b${digits}`
    if (base === 8 && !digits.startsWith('0')) digits = `0${digits}`
    if (base === 16) digits = `0x${digits}`
  }
  if (verb === 'O') digits = `0o${digits}`
  if (verb === 'X') digits = digits.toUpperCase()
  return pad(sign + digits, flags, false)
}

function unicode(value: bigint, flags: Flags): string {
  const point = BigInt.asUintN(64, value)
  const digits = point
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(4, flags.precision ?? 0), '0')
  const shown = flags.sharp && point <= 0x10ffffn && isPrintable(charOf(point)) ? ` '${charOf(point)}'` : ''
  return pad(`U+${digits}${shown}`, flags, false)
}

const forms: Record<string, [form: FloatForm, precision: number]> = {
  v: ['g', -1],
  g: ['g', -1],
  G: ['G', -1],
  e: ['e', 6],
  E: ['E', 6],
  f: ['f', 6],
  F: ['f', 6],
  b: ['b', -1],
  x: ['x', -1],
  X: ['X', -1],
}

export function formatFloat(value: number, verb: string, flags: Flags): string | null {
  const known = forms[verb]
  if (!known) return null
  const form = known[0]
  const precision = flags.precision ?? known[1]
  const negative = value < 0 || Object.is(value, -0)
  let text = floatText(Math.abs(value), form, precision)
  if (flags.sharp && form !== 'b') text = withPoint(text, verb, precision)
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  if (sign !== '' && flags.zero && flags.width !== null) return sign + text.padStart(flags.width - 1, '0')
  return pad(sign + text, flags)
}

/** The flag #: always a point, and %g keeps its zeros. */
function withPoint(text: string, verb: string, precision: number): string {
  const tail = /[xX]/.test(verb) ? /[pP].*$/.exec(text)?.[0] : /[eE].*$/.exec(text)?.[0]
  const head = tail === undefined ? text : text.slice(0, -tail.length)
  // Go counts the x of 0x as a digit.
  const counted = head.replace('.', '').replace(/^0+/, '').length
  let missing = ['v', 'g', 'G', 'x'].includes(verb) ? (precision < 0 ? 6 : precision) - counted : 0
  if (head === '0') missing--
  return `${head}${head.includes('.') ? '' : '.'}${'0'.repeat(Math.max(missing, 0))}${tail ?? ''}`
}

export function formatString(value: string, verb: string, flags: Flags): string | null {
  switch (verb) {
    case 'v':
      return flags.sharpV ? pad(quote(cut(value, flags), '"', false), flags) : pad(cut(value, flags), flags)
    case 's':
      return pad(cut(value, flags), flags)
    case 'q': {
      const text = cut(value, flags)
      if (flags.sharp && canBackquote(text)) return pad(`\`${text}\``, flags)
      return pad(quote(text, '"', flags.plus), flags)
    }
    case 'x':
    case 'X':
      return hex(value, verb, flags)
    default:
      return null
  }
}

const cut = (text: string, { precision }: Flags): string =>
  precision === null ? text : Array.from(text).slice(0, precision).join('')

function hex(value: string, verb: 'x' | 'X', flags: Flags): string {
  const bytes = toBytes(value).subarray(0, flags.precision ?? undefined)
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
  const before = flags.sharp && pairs.length > 0 ? '0x' : ''
  const text = flags.space ? pairs.map((pair) => before + pair).join(' ') : before + pairs.join('')
  return pad(verb === 'x' ? text : text.toUpperCase(), flags)
}
