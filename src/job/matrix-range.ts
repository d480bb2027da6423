/** `"1..20"`: all whole numbers from one to the other, also downwards; `"01..20"` keeps the zeros and is text. */
export type Scalar = string | number | boolean

export interface Range {
  from: number
  to: number
  /** Digits, with zeros in front; 0: plain numbers. */
  width: number
}

const pattern = /^(-?)(\d{1,9})\.\.(-?)(\d{1,9})$/

/** Undefined: it is a value like any other. */
export function parseRange(value: Scalar): Range | undefined {
  const [, minus, first, minusTo, last] = (typeof value === 'string' && pattern.exec(value)) || []
  if (first === undefined || last === undefined) return undefined
  const padded = [first, last].some((digits) => digits.length > 1 && digits.startsWith('0'))
  return {
    from: Number(first) * (minus ? -1 : 1),
    to: Number(last) * (minusTo ? -1 : 1),
    width: padded ? Math.max(first.length, last.length) : 0,
  }
}

/** A value that is no range is one value. */
export const rangeLength = (range: Range | undefined): number =>
  range === undefined ? 1 : Math.abs(range.to - range.from) + 1

export function rangeValues(range: Range): Scalar[] {
  const { from, to } = range
  const step = to < from ? -1 : 1
  return Array.from({ length: rangeLength(range) }, (_, i) => written(from + i * step, range))
}

/** Whether it is one of the range's values, as text or as number. */
export function rangeHolds(range: Range, value: Scalar | undefined): boolean {
  if (value === undefined || !/^-?\d+$/.test(String(value))) return false
  const number = Number(value)
  const least = Math.min(range.from, range.to)
  return number >= least && number <= Math.max(range.from, range.to) && String(written(number, range)) === String(value)
}

const written = (number: number, { width }: Range): Scalar =>
  width === 0 ? number : `${number < 0 ? '-' : ''}${String(Math.abs(number)).padStart(width, '0')}`
