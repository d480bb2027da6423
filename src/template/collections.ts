/** `index`, `slice`, `len`. */
import { fromBytes, toBytes } from './bytes.ts'
import { Problem } from './error.ts'
import { Byte, byteLength, typeName, type Value } from './value.ts'

export function len(value: Value): bigint {
  if (typeof value === 'string') return BigInt(byteLength(value))
  if (Array.isArray(value)) return BigInt(value.length)
  if (value instanceof Map) return BigInt(value.size)
  throw new Problem(value == null ? 'len of nil pointer' : `len of type ${typeName(value)}`)
}

function position(index: Value, most: number): number {
  if (index == null) throw new Problem('cannot index slice/array with nil')
  const at = typeof index === 'bigint' ? index : index instanceof Byte ? index.value : null
  if (at === null) throw new Problem(`cannot index slice/array with type ${typeName(index)}`)
  if (at < 0n || at > BigInt(most)) throw new Problem(`index out of range: ${at}`)
  return Number(at)
}

/** `index x 1 "a"` is x[1]["a"]. What a map does not have is nil; what a list does not have is an error. */
export function index(of: Value, keys: readonly Value[]): Value {
  if (of == null) throw new Problem('index of untyped nil')
  return keys.reduce<Value>((value, key) => {
    if (value == null) throw new Problem('index of nil pointer')
    if (value instanceof Map) {
      if (key == null) throw new Problem('value is nil; should be of type string')
      if (typeof key !== 'string') throw new Problem(`value has type ${typeName(key)}; should be string`)
      return value.get(key) ?? null
    }
    if (Array.isArray(value)) return value[position(key, value.length - 1)]!
    if (typeof value !== 'string') throw new Problem(`can't index item of type ${typeName(value)}`)
    const bytes = toBytes(value)
    return new Byte(bytes[position(key, bytes.length - 1)]!)
  }, of)
}

/** `slice x 1 2` is x[1:2]. */
export function slice(of: Value, bounds: readonly Value[]): Value {
  if (of == null) throw new Problem('slice of untyped nil')
  if (bounds.length > 3) throw new Problem(`too many slice indexes: ${bounds.length}`)
  if (typeof of !== 'string' && !Array.isArray(of)) throw new Problem(`can't slice item of type ${typeName(of)}`)
  if (typeof of === 'string' && bounds.length === 3) throw new Problem('cannot 3-index slice a string')
  const whole = typeof of === 'string' ? toBytes(of) : of
  const at = bounds.map((bound) => position(bound, whole.length))
  const [from = 0, to = whole.length, capacity = whole.length] = at
  if (from > to) throw new Problem(`invalid slice index: ${from} > ${to}`)
  if (to > capacity) throw new Problem(`invalid slice index: ${to} > ${capacity}`)
  return typeof of === 'string' ? fromBytes((whole as Buffer).subarray(from, to)) : of.slice(from, to)
}
