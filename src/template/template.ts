/**
 * Go's text/template, from its public description, with the option missingkey=error: what a pipeline's script items are
 * written in ([docs/templates.md](../../docs/templates.md)). Values are data: none is ever read as a template.
 */
import { Budget } from './budget.ts'
import { wellFormed } from './bytes.ts'
import { errorAt, Problem, TemplateError } from './error.ts'
import { Evaluator } from './evaluate.ts'
import { builtins, type Callable } from './functions.ts'
import type { Templates } from './nodes.ts'
import { parse } from './parse.ts'
import { PlacedProblem } from './tokens.ts'
import { fromPlain, toPlain } from './value.ts'

export { TemplateError } from './error.ts'

/** Gets plain values: numbers, strings, arrays, objects without a prototype. An `Error` is one at its place. */
export type TemplateFunction = (...args: unknown[]) => unknown

export interface RenderOptions {
  /** Beside the language's own; own properties only. */
  functions?: Record<string, TemplateFunction>
  /** 100,000 when missing. */
  maxSteps?: number
  /** 1 MiB when missing; of the result, and of any text on the way to it. */
  maxBytes?: number
}

/** Whether it can be read at all: what is wrong with it, or null. `functions` are those beside the language's own. */
export function checkTemplate(name: string, text: string, functions: readonly string[]): TemplateError | null {
  try {
    parsed(name, text, new Set([...builtins.keys(), ...functions]))
    return null
  } catch (error) {
    if (error instanceof TemplateError) return error
    throw error
  }
}

/** Throws a `TemplateError`. */
export function render(
  name: string,
  text: string,
  data: Record<string, unknown>,
  { functions = {}, maxSteps = 100_000, maxBytes = 1024 * 1024 }: RenderOptions = {},
): string {
  const known = new Map(builtins)
  for (const [key, each] of Object.entries(functions)) known.set(key, callable(each))
  const templates = parsed(name, text, new Set(known.keys()))
  const evaluator = new Evaluator(templates, known, new Budget(maxSteps, maxBytes))
  try {
    return wellFormed(evaluator.run(name, fromPlain(data)))
  } catch (error) {
    if (error instanceof Problem) throw errorAt(name, text, evaluator.at, error.message)
    throw error
  }
}

function parsed(name: string, text: string, functions: ReadonlySet<string>): Templates {
  try {
    return parse(name, text, functions)
  } catch (error) {
    if (error instanceof PlacedProblem) throw errorAt(name, text, error.at, error.message)
    throw error
  }
}

const callable = (each: TemplateFunction): Callable => ({
  least: 0,
  most: Number.POSITIVE_INFINITY,
  call: (args) => fromPlain(each(...args.map(toPlain))),
})
