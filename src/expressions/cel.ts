/**
 * Conditions: CEL, evaluated by an interpreter that knows no JavaScript. It sees what it is given and nothing else, has no
 * loop but those over lists and maps that are there, and its patterns are RE2. Pure.
 */
import { CelScalar, celEnv, celFunc, isCelError, parse, plan, type CelInput } from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import type { Expr } from '@bufbuild/cel-spec/cel/expr/syntax_pb.js'
import { ExpressionProblem, type Names } from './names.ts'

/** 200 open brackets take the parser 130 ms, and 900 its stack. */
const mostNested = 50

const { INT, DOUBLE } = CelScalar
type Numeric = typeof INT | typeof DOUBLE
/** JSON does not tell 2 from 2.0, so an average that is whole today may be multiplied as yesterday's was. */
const mixed = (
  [
    ['_+_', (a: number, b: number) => a + b],
    ['_-_', (a: number, b: number) => a - b],
    ['_*_', (a: number, b: number) => a * b],
    ['_/_', (a: number, b: number) => a / b],
  ] as const
).flatMap(([name, of]) => {
  const overload = (a: Numeric, b: Numeric) =>
    celFunc(name, [a, b], DOUBLE, (x: number | bigint, y: number | bigint) => of(Number(x), Number(y)))
  return [overload(INT, DOUBLE), overload(DOUBLE, INT)]
})
const env = celEnv({ funcs: [...mixed, ...strings] })

/** Throws `ExpressionProblem`. */
export function parseCondition(text: string): Expr {
  let depth = 0
  for (const char of text) {
    if ('([{'.includes(char)) depth++
    else if (')]}'.includes(char)) depth--
    if (depth > mostNested) throw new ExpressionProblem(`is nested more than ${mostNested} deep`)
  }
  try {
    return parse(text).expr
  } catch (error) {
    if (error instanceof RangeError) throw new ExpressionProblem('is nested too deeply')
    throw new ExpressionProblem(`is no CEL expression: ${(error as Error).message.replace(/^<input>:/, '')}`)
  }
}

/** Throws `ExpressionProblem`, also when the value is neither true nor false. */
export function evaluate(text: string, names: Names): boolean {
  const expr = parseCondition(text)
  let value: unknown
  try {
    value = plan(env, expr)(Object.assign(Object.create(null), celValues(names)))
  } catch (error) {
    throw new ExpressionProblem(error instanceof RangeError ? 'goes too deep' : (error as Error).message)
  }
  if (isCelError(value)) throw new ExpressionProblem(value.message)
  if (typeof value !== 'boolean') throw new ExpressionProblem('is not a condition: its value is neither true nor false')
  return value
}

const celValues = (names: Names): Record<string, CelInput> =>
  Object.fromEntries(Object.entries(names).map(([name, value]) => [name, celValue(value)]))

/** Objects as maps: CEL must not see a prototype, and whole numbers are its `int`. */
function celValue(value: unknown): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(celValue)
  if (typeof value === 'object' && value !== null) return new Map(Object.entries(celValues(value as Names)))
  return value as string | boolean | null
}

/** The names it speaks of, with the field that it asks of each: `vars.x` is [vars, x], `vars[y]` is [vars]. */
export function mentionsOfCondition(text: string): string[][] {
  const found: string[][] = []
  const bound: string[] = []
  const look = (expr: Expr | undefined): void => {
    const kind = expr?.exprKind
    switch (kind?.case) {
      case 'identExpr':
        if (!bound.includes(kind.value.name)) found.push([kind.value.name])
        return
      case 'selectExpr': {
        const root = kind.value.operand?.exprKind
        if (root?.case !== 'identExpr') return look(kind.value.operand)
        if (!bound.includes(root.value.name)) found.push([root.value.name, kind.value.field])
        return
      }
      case 'callExpr': {
        const { function: name, target, args } = kind.value
        const [of, key] = args
        if (name === '_[_]' && of?.exprKind.case === 'identExpr' && key?.exprKind.case === 'constExpr') {
          const constant = key.exprKind.value.constantKind
          const field = constant.case === 'stringValue' ? [constant.value] : []
          if (!bound.includes(of.exprKind.value.name)) found.push([of.exprKind.value.name, ...field])
          return
        }
        look(target)
        return args.forEach(look)
      }
      case 'listExpr':
        return kind.value.elements.forEach(look)
      case 'structExpr':
        return kind.value.entries.forEach((entry) => {
          if (entry.keyKind.case === 'mapKey') look(entry.keyKind.value)
          look(entry.value)
        })
      case 'comprehensionExpr': {
        const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = kind.value
        look(iterRange)
        look(accuInit)
        bound.push(iterVar, iterVar2, accuVar)
        for (const inner of [loopCondition, loopStep, result]) look(inner)
        bound.splice(-3)
        return
      }
    }
  }
  look(parseCondition(text))
  return found
}
