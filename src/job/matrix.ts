/**
 * A fan: one combination for each way to take one value of every axis. `include` and `exclude` mean what they mean in
 * the matrices of widely known CI systems.
 */
import type { FieldProblem } from '../lib/app-error.ts'
import { parseRange, rangeHolds, rangeLength, rangeValues, type Scalar } from './matrix-range.ts'
import { specLimits } from './spec.ts'

export type { Scalar } from './matrix-range.ts'
export type Combination = Record<string, Scalar>

export interface Matrix {
  /** The first axis changes slowest. */
  matrix?: Record<string, Scalar[]> | undefined
  include?: Combination[] | undefined
  exclude?: Combination[] | undefined
}

export type Expanded = { combinations: Combination[] } | { problems: FieldProblem[] }

/** Of an axis or of a value that `include` adds: it becomes the name of a variable. */
export const axisPattern = /^[a-zA-Z_][a-zA-Z0-9_]{0,49}$/

/** 10,000 combinations against 1,000 entries of `include` and `exclude`, 0.1 s; beyond that a request is no fan. */
const mostComparisons = 10_000_000

/** Axes in the order in which they were written, then what `include` adds. Yields, to be done in slices. */
export function* expandMatrix({ matrix = {}, include = [], exclude = [] }: Matrix): Generator<void, Expanded> {
  const axes = Object.entries(matrix)
  const size = axes.length === 0 ? 0 : axes.reduce((product, [, values]) => product * lengthOf(values), 1)
  const problems = [...nameProblems(matrix, include, exclude), ...sizeProblems(axes, size, include, exclude)]
  if (problems.length === 0) problems.push(...valueProblems(axes, exclude))
  if (problems.length > 0) return { problems }

  let originals: Combination[] = size === 0 ? [] : [{}]
  for (const [axis, values] of axes) {
    const all = values.flatMap((value) => valuesOf(value))
    originals = originals.flatMap((before) => all.map((value) => ({ ...before, [axis]: value })))
    yield
  }
  const kept: Combination[] = []
  for (const original of originals) {
    if (!exclude.some((entry) => agrees(original, entry))) kept.push(original)
    yield
  }
  const added: Combination[] = []
  const more: Combination[] = kept.map(() => ({}))
  for (const entry of include) {
    let fits = false
    for (const [i, original] of kept.entries()) {
      if (!leaves(original, entry)) continue
      fits = true
      Object.assign(more[i]!, entry)
    }
    if (!fits) added.push(entry)
    yield
  }
  const combinations = [...kept.map((original, i) => ({ ...original, ...more[i] })), ...added]
  if (combinations.length > specLimits.submitBatch)
    return { problems: [{ field: 'include', message: tooMany(combinations.length) }] }
  return { combinations }
}

const tooMany = (n: number): string =>
  `makes ${n.toLocaleString('en')} combinations; a batch has at most ${specLimits.submitBatch.toLocaleString('en')} jobs`

const lengthOf = (values: readonly Scalar[]): number =>
  values.reduce<number>((sum, value) => sum + rangeLength(parseRange(value)), 0)

function valuesOf(value: Scalar): Scalar[] {
  const range = parseRange(value)
  return range === undefined ? [value] : rangeValues(range)
}

/** All that the entry names; `1` and `"1"` are the same, because one file is YAML and the other a command line. */
const agrees = (combination: Combination, entry: Combination): boolean =>
  Object.entries(entry).every(([axis, wanted]) => {
    const range = parseRange(wanted)
    return range === undefined ? same(combination[axis], wanted) : rangeHolds(range, combination[axis])
  })

/** An entry of `include` goes with a combination when it changes no value of an axis. */
const leaves = (original: Combination, entry: Combination): boolean =>
  Object.entries(entry).every(([axis, value]) => !Object.hasOwn(original, axis) || same(original[axis], value))

const same = (a: Scalar | undefined, b: Scalar): boolean => String(a) === String(b)

function nameProblems(
  matrix: Record<string, unknown>,
  include: readonly Combination[],
  exclude: readonly Combination[],
): FieldProblem[] {
  const axes = Object.keys(matrix)
  const problems: FieldProblem[] = []
  const byVariable = new Map<string, string>()
  const look = (name: string, field: string): void => {
    if (!axisPattern.test(name)) {
      problems.push({ field, message: 'is no name of an axis: it has letters, digits and _ only, at most 50' })
      return
    }
    const other = byVariable.get(name.toUpperCase())
    if (other === undefined) byVariable.set(name.toUpperCase(), name)
    else if (other !== name) {
      problems.push({
        field,
        message: `differs from ${other} only in case: both would be MATRIX_${name.toUpperCase()}`,
      })
    }
  }
  for (const axis of axes) look(axis, `matrix.${axis}`)
  for (const [i, entry] of include.entries()) {
    for (const name of Object.keys(entry)) look(name, `include[${i}].${name}`)
  }
  for (const [i, entry] of exclude.entries()) {
    const names = Object.keys(entry)
    if (names.length === 0) problems.push({ field: `exclude[${i}]`, message: 'names nothing, and would leave all out' })
    for (const name of names.filter((each) => !axes.includes(each))) {
      problems.push({ field: `exclude[${i}].${name}`, message: `is no axis; they are: ${axes.join(', ') || 'none'}` })
    }
  }
  return problems
}

function valueProblems(axes: [string, readonly Scalar[]][], exclude: readonly Combination[]): FieldProblem[] {
  const problems: FieldProblem[] = []
  for (const [axis, values] of axes) {
    const seen = new Set<string>()
    for (const value of values.flatMap(valuesOf)) {
      const text = String(value)
      if (seen.has(text)) problems.push({ field: `matrix.${axis}`, message: `has ${text} twice` })
      seen.add(text)
    }
  }
  for (const [i, entry] of exclude.entries()) {
    for (const axis of strangersIn(entry, Object.fromEntries(axes))) {
      const message = `leaves nothing out: no value of ${axis} is ${String(entry[axis])}`
      problems.push({ field: `exclude[${i}].${axis}`, message })
    }
  }
  return problems
}

/** Axes of which the entry names a value that they do not have. */
export const strangersIn = (entry: Combination, matrix: Record<string, readonly Scalar[]>): string[] =>
  Object.entries(entry).flatMap(([axis, value]) => {
    const there = matrix[axis]?.flatMap(valuesOf).some((each) => agrees({ [axis]: each }, { [axis]: value }))
    return there === false ? [axis] : []
  })

function sizeProblems(
  axes: [string, readonly Scalar[]][],
  size: number,
  include: readonly unknown[],
  exclude: readonly unknown[],
): FieldProblem[] {
  const empty = axes.filter(([, values]) => values.length === 0)
  if (empty.length > 0) return empty.map(([axis]) => ({ field: `matrix.${axis}`, message: 'must not be empty' }))
  if (size > specLimits.submitBatch) return [{ field: 'matrix', message: tooMany(size) }]
  if (size * (include.length + exclude.length) > mostComparisons) {
    const field = include.length > exclude.length ? 'include' : 'exclude'
    return [{ field, message: `has too many entries for ${size} combinations; name fewer of them` }]
  }
  return []
}
