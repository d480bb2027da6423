/** What a template may call: Go's own functions, and ours beside them. Names only, nothing else can be reached. */
import type { Budget } from './budget.ts'
import * as collections from './collections.ts'
import * as compare from './compare.ts'
import { Problem } from './error.ts'
import * as escape from './escape.ts'
import { sprint, sprintf, sprintln } from './printf.ts'
import { isTrue, kindOf, sortedEntries, toPlain, typeName, type Value } from './value.ts'

export interface Callable {
  least: number
  most: number
  /** Go takes nothing else for the first argument, and says so before the call. */
  firstIsText?: boolean
  call(args: Value[], budget: Budget): Value
}

const nArguments = (least: number, most: number, call: Callable['call']): Callable => ({ least, most, call })
const any = Number.POSITIVE_INFINITY
const escaping = (way: (text: string) => string): Callable =>
  nArguments(0, any, (args, budget) =>
    way(
      sprint(
        args.map((value) => value ?? '<no value>'),
        budget.longest,
      ),
    ),
  )

/** prunner's: a value that says nothing gives way. A number always says something, 0 as well. */
function byDefault(fallback: Value, value: Value): Value {
  return isTrue(value) || kindOf(value) === 'float' || kindOf(value) === 'int' ? value : fallback
}

/** One word for a POSIX shell, whatever is in it. */
function shellquote(value: Value): string {
  if (value == null || Array.isArray(value) || value instanceof Map) {
    const what = value == null ? 'nil' : typeName(value)
    throw new Problem(
      `needs a text, a number or a truth value, not ${what}; use it inside {{ range }}, or after toJson`,
    )
  }
  const text = sprint([value])
  if (text.includes('\0')) throw new Problem('no word of a shell can hold a NUL character')
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** Keys in order, as Go writes JSON. */
function toJson(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`
  if (value instanceof Map) {
    return `{${sortedEntries(value)
      .map(([key, each]) => `${JSON.stringify(key)}:${toJson(each)}`)
      .join(',')}}`
  }
  return JSON.stringify(toPlain(value) ?? null)
}

const called = (name: string): never => {
  throw new Problem(`${name} takes a function, and job variables hold none`)
}

export const builtins: ReadonlyMap<string, Callable> = new Map<string, Callable>([
  // `and` and `or` end early: the evaluator does them itself.
  ['and', nArguments(1, any, (args) => args.at(-1))],
  ['or', nArguments(1, any, (args) => args.at(-1))],
  ['not', nArguments(1, 1, ([value]) => compare.not(value))],
  ['call', nArguments(1, any, () => called('call'))],
  ['len', nArguments(1, 1, ([value]) => collections.len(value))],
  ['index', nArguments(1, any, ([of, ...keys]) => collections.index(of, keys))],
  ['slice', nArguments(1, any, ([of, ...bounds]) => collections.slice(of, bounds))],
  ['eq', nArguments(1, any, (args) => compare.eq(args))],
  ['ne', nArguments(2, 2, (args) => !compare.eq(args))],
  ['lt', nArguments(2, 2, ([a, b]) => compare.lt(a, b))],
  ['le', nArguments(2, 2, ([a, b]) => compare.le(a, b))],
  ['gt', nArguments(2, 2, ([a, b]) => !compare.le(a, b))],
  ['ge', nArguments(2, 2, ([a, b]) => !compare.lt(a, b))],
  ['print', nArguments(0, any, (args, budget) => sprint(args, budget.longest))],
  ['println', nArguments(0, any, (args, budget) => sprintln(args, budget.longest))],
  [
    'printf',
    {
      least: 1,
      most: any,
      firstIsText: true,
      call: ([format, ...values], budget) => sprintf(format as string, values, budget.longest),
    },
  ],
  ['html', escaping(escape.html)],
  ['js', escaping(escape.js)],
  ['urlquery', escaping(escape.urlquery)],
  ['default', nArguments(2, 2, ([fallback, value]) => byDefault(fallback, value))],
  ['shellquote', nArguments(1, 1, ([value]) => shellquote(value))],
  ['toJson', nArguments(1, 1, ([value]) => toJson(value))],
])

/** How much there is to look at, for the budget. */
export const sizeOf = (value: Value): number =>
  typeof value === 'string' ? value.length : Array.isArray(value) ? value.length : value instanceof Map ? value.size : 1
