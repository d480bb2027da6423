/** `eq`, `ne`, `lt` and their like: Go compares what is of one type only, so that 1 (an int) and 1.0 are strangers. */
import { compareStrings } from './bytes.ts'
import { Problem } from './error.ts'
import { Byte, isTrue, kindOf, typeName, type Value } from './value.ts'

const incompatible = 'incompatible types for comparison'

const whole = (value: Value): bigint | null =>
  typeof value === 'bigint' ? value : value instanceof Byte ? value.value : null

function same(a: Value, b: Value): boolean {
  const left = whole(a)
  const right = whole(b)
  if (left !== null && right !== null) return left === right
  const kinds = [kindOf(a), kindOf(b)]
  // Nil may be compared with everything, and equals nothing else.
  if (kinds.includes('nil')) return kinds[0] === kinds[1]
  if (kinds[0] !== kinds[1]) throw new Problem(incompatible)
  if (kinds[0] === 'list' || kinds[0] === 'map') throw new Problem(`non-comparable type ${typeName(a)}`)
  return a === b
}

/** Whether the first is equal to any of the others. */
export function eq(values: readonly Value[]): boolean {
  const [first, ...others] = values
  if (others.length === 0) throw new Problem('missing argument for comparison')
  return others.some((other) => same(first, other))
}

export function lt(a: Value, b: Value): boolean {
  for (const value of [a, b]) {
    if (['nil', 'list', 'map'].includes(kindOf(value))) throw new Problem('invalid type for comparison')
  }
  const left = whole(a)
  const right = whole(b)
  if (left !== null && right !== null) return left < right
  if (typeof a === 'number' && typeof b === 'number') return a < b
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b) < 0
  throw new Problem(kindOf(a) === kindOf(b) ? 'invalid type for comparison' : incompatible)
}

export const le = (a: Value, b: Value): boolean => lt(a, b) || eq([a, b])
export const not = (value: Value): boolean => !isTrue(value)
