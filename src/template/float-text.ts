/** A float64 as Go's `strconv` writes it. The sign is the caller's business: `size` is never negative. */
import { binary, fixed, shiftRounded, shortest, significant, type Decimal } from './digits.ts'

export type FloatForm = 'e' | 'E' | 'f' | 'g' | 'G' | 'b' | 'x' | 'X'

/** `precision` -1: as few digits as name the value. */
export function floatText(size: number, form: FloatForm, precision: number): string {
  switch (form) {
    case 'e':
    case 'E':
      return withExponent(precision < 0 ? shortest(size) : significant(size, precision + 1), precision, form)
    case 'f':
      return plain(precision < 0 ? shortest(size) : fixed(size, precision), precision)
    case 'g':
    case 'G':
      return general(size, form, precision)
    case 'b': {
      const { mantissa, exponent } = binary(size)
      return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`
    }
    default:
      return hexadecimal(size, form, precision)
  }
}

function general(size: number, form: 'g' | 'G', precision: number): string {
  const few = precision < 0
  const wanted = few ? 6 : Math.max(precision, 1)
  const decimal = few ? shortest(size) : significant(size, wanted)
  const { digits, point } = decimal
  // A number whose digits reach its point is written out.
  const limit = few ? 6 : wanted > digits.length && digits.length >= point ? digits.length : wanted
  const exponent = point - 1
  if (exponent < -4 || exponent >= limit) {
    return withExponent(decimal, Math.max(digits.length - 1, 0), form === 'g' ? 'e' : 'E')
  }
  return plain(decimal, Math.max(digits.length - point, 0))
}

function withExponent({ digits, point }: Decimal, places: number, letter: 'e' | 'E'): string {
  const behind = digits.slice(1).padEnd(Math.max(places, 0), '0')
  const exponent = digits === '' ? 0 : point - 1
  const size = String(Math.abs(exponent)).padStart(2, '0')
  return `${digits[0] ?? '0'}${behind === '' ? '' : `.${behind}`}${letter}${exponent < 0 ? '-' : '+'}${size}`
}

function plain({ digits, point }: Decimal, places: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  const zeros = digits === '' ? 0 : Math.max(-point, 0)
  const behind = places < 0 || digits !== '' ? '0'.repeat(zeros) + digits.slice(Math.max(point, 0)) : ''
  const padded = places < 0 ? behind : behind.slice(0, places).padEnd(places, '0')
  return padded === '' ? whole : `${whole}.${padded}`
}

function hexadecimal(size: number, form: 'x' | 'X', precision: number): string {
  let { mantissa, exponent } = binary(size)
  if (size !== 0) {
    // One digit before the point: 1.
    while (mantissa < 1n << 52n) {
      mantissa <<= 1n
      exponent--
    }
    if (precision >= 0 && precision < 13) {
      mantissa = shiftRounded(mantissa, BigInt(4 * (13 - precision))) << BigInt(4 * (13 - precision))
      if (mantissa === 1n << 53n) {
        mantissa >>= 1n
        exponent++
      }
    }
  }
  const power = size === 0 ? 0 : exponent + 52
  const digits = mantissa.toString(16).padStart(14, '0')
  const all = digits.slice(1)
  const behind = precision < 0 ? all.replace(/0+$/, '') : all.slice(0, precision).padEnd(precision, '0')
  const sign = power < 0 ? '-' : '+'
  const whole = size === 0 ? '0' : digits[0]!
  const text = `0x${whole}${behind === '' ? '' : `.${behind}`}p${sign}${String(Math.abs(power)).padStart(2, '0')}`
  return form === 'x' ? text : text.toUpperCase()
}
