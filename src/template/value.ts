/**
 * A template's values, with Go's types where they can be told apart: JSON gives `float64`, a literal `1` is an `int`.
 * Maps are `Map`s, so that no key of the data can reach what JavaScript keeps under the same name.
 */
import { compareStrings, toBytes } from './bytes.ts'
import { Problem } from './error.ts'

/** Go's `uint8`: what `index` finds in a string. */
export class Byte {
  readonly value: bigint
  constructor(value: number) {
    this.value = BigInt(value)
  }
}
export type Dict = Map<string, Value>
/** `undefined` is no value at all, `null` a nil in an interface: Go prints one as <no value>, the other as <nil>. */
export type Value = undefined | null | boolean | bigint | number | string | Byte | Value[] | Dict

export type Kind = 'nil' | 'bool' | 'int' | 'uint' | 'float' | 'string' | 'list' | 'map'

export function kindOf(value: Value): Kind {
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'float'
    case 'string':
      return 'string'
  }
  if (value == null) return 'nil'
  if (value instanceof Byte) return 'uint'
  return Array.isArray(value) ? 'list' : 'map'
}

const typeNames: Record<Kind, string> = {
  nil: 'interface {}',
  bool: 'bool',
  int: 'int',
  uint: 'uint8',
  float: 'float64',
  string: 'string',
  list: '[]interface {}',
  map: 'map[string]interface {}',
}
export const typeName = (value: Value): string => typeNames[kindOf(value)]

export function isTrue(value: Value): boolean {
  if (value == null) return false
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Map) return value.size > 0
  if (value instanceof Byte) return value.value !== 0n
  // NaN is not zero.
  return typeof value === 'number' ? value !== 0 : Boolean(value)
}

export const byteLength = (text: string): number => toBytes(text).length

export const sortedEntries = (map: Dict): [string, Value][] => [...map].sort(([a], [b]) => compareStrings(a, b))

/** Deeper than a job's variables can be; our stack ends at about 10,000. */
const mostDepth = 500

/** From decoded JSON, and from what a function of ours gave back. Own keys only. */
export function fromPlain(value: unknown, depth = 0): Value {
  if (depth > mostDepth) throw new Problem(`a value is nested deeper than ${mostDepth} levels`)
  if (value == null || typeof value === 'boolean' || typeof value === 'bigint') return value
  if (typeof value === 'number') return value
  if (typeof value === 'string') return value.toWellFormed()
  if (value instanceof Byte) return value
  if (Array.isArray(value)) return value.map((each) => fromPlain(each, depth + 1) ?? null)
  if (typeof value !== 'object') throw new Problem(`a ${typeof value} cannot be a value`)
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return new Map(
    entries.map(([key, each]): [string, Value] => [String(key).toWellFormed(), fromPlain(each, depth + 1) ?? null]),
  )
}

/** For functions that are no part of the language: ints are numbers, maps are objects without a prototype. */
export function toPlain(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Byte) return Number(value.value)
  if (Array.isArray(value)) return value.map(toPlain)
  if (!(value instanceof Map)) return value
  const object: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [key, each] of value) object[key] = toPlain(each)
  return object
}
