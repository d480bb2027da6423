/** A float64 as decimal digits: exactly, rounded half to even as Go does, or as few as name it. */

export interface Decimal {
  /** Without leading zeros; zero is ''. */
  digits: string
  /** Where the point stands: 0.digits × 10^point. */
  point: number
}

const view = new DataView(new ArrayBuffer(8))

/** `value` = mantissa × 2^exponent, for a value that is not negative. */
export function binary(value: number): { mantissa: bigint; exponent: number } {
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & ((1n << 52n) - 1n)
  if (exponent === 0) return { mantissa: fraction, exponent: -1074 }
  return { mantissa: fraction | (1n << 52n), exponent: exponent - 1075 }
}

/** The fewest digits that are read back as this value. */
export function shortest(value: number): Decimal {
  if (value === 0) return { digits: '', point: 0 }
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 }
}

/** Rounded to `places` behind the point. */
export function fixed(value: number, places: number): Decimal {
  const { mantissa, exponent } = binary(value)
  const scaled = mantissa * 10n ** BigInt(Math.max(places, 0))
  const whole = exponent >= 0 ? scaled << BigInt(exponent) : shiftRounded(scaled, BigInt(-exponent))
  return trimmed(whole.toString(), places)
}

/** Rounded to `count` digits, at least 1. */
export function significant(value: number, count: number): Decimal {
  if (value === 0) return { digits: '', point: 0 }
  // No float64 has more digits than this: the rest would be zeros.
  const wanted = Math.min(count, 1100)
  const exact = fixed(value, Math.max(0, -binary(value).exponent))
  if (exact.digits.length <= wanted) return exact
  const kept = exact.digits.slice(0, wanted)
  const rest = exact.digits.slice(wanted)
  const half = `5${'0'.repeat(rest.length - 1)}`
  const up = rest > half || (rest === half && Number(kept.at(-1)) % 2 === 1)
  const rounded = up ? (BigInt(kept) + 1n).toString() : kept
  const carried = rounded.length - kept.length
  return { digits: withoutZeros(rounded), point: exact.point + carried }
}

export function shiftRounded(value: bigint, by: bigint): bigint {
  const floor = value >> by
  const rest = value - (floor << by)
  const half = by === 0n ? 0n : 1n << (by - 1n)
  const up = by > 0n && (rest > half || (rest === half && (floor & 1n) === 1n))
  return up ? floor + 1n : floor
}

function trimmed(digits: string, places: number): Decimal {
  if (digits === '0') return { digits: '', point: 0 }
  return { digits: withoutZeros(digits), point: digits.length - places }
}

function withoutZeros(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.slice(0, end)
}
