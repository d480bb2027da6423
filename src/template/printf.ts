/** Go's `fmt.Sprintf`, `Sprint` and `Sprintln`, with Go's own words for what does not fit: `%!d(string=x)`. */
import { Problem } from './error.ts'
import { noFlags, pad, type Flags } from './flags.ts'
import { formatBool, formatFloat, formatInt, formatString } from './format-value.ts'
import { Byte, sortedEntries, typeName, type Value } from './value.ts'

/** Go takes no `*` that is more, and reads no further digit of a number that is. */
const widest = 1_000_000

/** Longer than `longest` characters is a `Problem`. */
export function sprint(values: readonly Value[], longest = Number.POSITIVE_INFINITY): string {
  let result = ''
  for (const [i, value] of values.entries()) {
    if (i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string') result += ' '
    result += formatted(value, 'v', noFlags())
    if (result.length > longest) throw new Problem(`makes a text of more than ${longest} bytes`)
  }
  return result
}

export const sprintln = (values: readonly Value[], longest: number): string =>
  `${sprint(
    values.flatMap((value, i) => (i === 0 ? [value] : [' ', value])),
    longest,
  )}\n`

/** Longer than `longest` characters is a `Problem`. */
export function sprintf(format: string, values: readonly Value[], longest: number): string {
  return new Formatter(format, values, longest).text()
}

class Formatter {
  readonly #format: string
  readonly #values: readonly Value[]
  readonly #longest: number
  readonly #room: { left: number }
  #at = 0
  #argument = 0
  #reordered = false
  #goodNumber = true
  #afterIndex = false

  constructor(format: string, values: readonly Value[], longest: number) {
    this.#format = format
    this.#values = values
    this.#longest = longest
    this.#room = { left: longest }
  }

  text(): string {
    let result = ''
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf('%', this.#at)
      result += this.#format.slice(this.#at, percent === -1 ? undefined : percent)
      if (percent === -1) break
      this.#at = percent + 1
      result += this.#one()
      if (result.length > this.#longest) throw new Problem(`makes a text of more than ${this.#longest} bytes`)
    }
    if (this.#reordered || this.#argument >= this.#values.length) return result
    const extra = this.#values.slice(this.#argument).map((value) => described(value, noFlags()))
    return `${result}%!(EXTRA ${extra.join(', ')})`
  }

  #one(): string {
    const flags = noFlags(this.#room)
    this.#afterIndex = false
    this.#goodNumber = true
    let notes = ''
    this.#readFlags(flags)
    this.#index()
    if (this.#format[this.#at] === '*') {
      this.#at++
      const width = this.#star()
      if (width === null) notes += '%!(BADWIDTH)'
      else {
        flags.width = Math.abs(width)
        if (width < 0) Object.assign(flags, { minus: true, zero: false })
      }
      this.#afterIndex = false
    } else {
      flags.width = this.#number()
      if (this.#afterIndex && flags.width !== null) this.#goodNumber = false
    }
    if (this.#format[this.#at] === '.' && this.#at + 1 < this.#format.length) {
      this.#at++
      if (this.#afterIndex) this.#goodNumber = false
      this.#afterIndex = false
      this.#index()
      if (this.#format[this.#at] === '*') {
        this.#at++
        const precision = this.#star()
        if (precision === null || precision < 0) notes += '%!(BADPREC)'
        else flags.precision = precision
        this.#afterIndex = false
      } else flags.precision = this.#number() ?? 0
    }
    if (!this.#afterIndex) this.#index()
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at) ?? 0)
    if (this.#at >= this.#format.length) return `${notes}%!(NOVERB)`
    this.#at += verb.length
    return notes + this.#verb(verb, flags)
  }

  #verb(verb: string, flags: Flags): string {
    if (verb === '%') return '%'
    if (!this.#goodNumber) return `%!${verb}(BADINDEX)`
    if (this.#argument >= this.#values.length) return `%!${verb}(MISSING)`
    if (verb === 'v') {
      flags.sharpV = flags.sharp
      flags.plusV = flags.plus
      flags.sharp = false
      flags.plus = false
    }
    return formatted(this.#values[this.#argument++], verb, flags)
  }

  #readFlags(flags: Flags): void {
    for (; this.#at < this.#format.length; this.#at++) {
      const char = this.#format[this.#at]
      if (char === '#') flags.sharp = true
      else if (char === '0') flags.zero = !flags.minus
      else if (char === '+') flags.plus = true
      else if (char === '-') Object.assign(flags, { minus: true, zero: false })
      else if (char === ' ') flags.space = true
      else return
    }
  }

  /** `[2]`: which argument is next. */
  #index(): void {
    if (this.#format[this.#at] !== '[') return
    this.#reordered = true
    const close = this.#format.indexOf(']', this.#at)
    const inside = close === -1 ? '' : this.#format.slice(this.#at + 1, close)
    this.#at = close === -1 ? this.#at + 1 : close + 1
    const number = /^[0-9]{1,7}$/.test(inside) ? Number(inside) : 0
    this.#afterIndex = /^[0-9]{1,7}$/.test(inside)
    if (number >= 1 && number <= this.#values.length) this.#argument = number - 1
    else this.#goodNumber = false
  }

  #number(): number | null {
    const found = /[0-9]+/y
    found.lastIndex = this.#at
    const digits = found.exec(this.#format)?.[0]
    if (digits === undefined) return null
    this.#at += digits.length
    const number = Number(digits)
    if (Math.floor(number / 10) <= widest) return number
    // Go reads no further.
    this.#at = this.#format.length
    return null
  }

  /** Width or precision as an argument, or null when it is none. */
  #star(): number | null {
    if (this.#argument >= this.#values.length) return null
    const value = this.#values[this.#argument++]
    const number = typeof value === 'bigint' ? Number(value) : value instanceof Byte ? Number(value.value) : null
    return number !== null && Math.abs(number) <= widest ? number : null
  }
}

function formatted(value: Value, verb: string, flags: Flags): string {
  if (value == null) return verb === 'v' || verb === 'T' ? pad('<nil>', flags) : misfit(value, verb, flags)
  if (verb === 'T') return formatString(typeName(value), 's', flags)!
  return inside(value, verb, flags)
}

function inside(value: Value, verb: string, flags: Flags): string {
  if (value == null) return flags.sharpV ? 'interface {}(nil)' : '<nil>'
  // Go prints an address; there is none, and it would differ each time.
  if (verb === 'p') return misfit(value, verb, flags)
  if (Array.isArray(value)) {
    const all = value.map((each) => inside(each, verb, flags))
    return flags.sharpV ? `${typeName(value)}{${all.join(', ')}}` : `[${all.join(' ')}]`
  }
  if (value instanceof Map) {
    const all = sortedEntries(value).map(([key, each]) => `${inside(key, verb, flags)}:${inside(each, verb, flags)}`)
    return flags.sharpV ? `${typeName(value)}{${all.join(', ')}}` : `map[${all.join(' ')}]`
  }
  return simple(value, verb, flags) ?? misfit(value, verb, flags)
}

function simple(value: boolean | bigint | number | string | Byte, verb: string, flags: Flags): string | null {
  if (typeof value === 'boolean') return formatBool(value, verb, flags)
  if (typeof value === 'bigint') return formatInt(value, verb, flags, false)
  if (typeof value === 'number') return formatFloat(value, verb, flags)
  return value instanceof Byte ? formatInt(value.value, verb, flags, true) : formatString(value, verb, flags)
}

const misfit = (value: Value, verb: string, flags: Flags): string => `%!${verb}(${described(value, flags)})`

const described = (value: Value, flags: Flags): string =>
  value == null ? '<nil>' : `${typeName(value)}=${formatted(value, 'v', flags)}`
