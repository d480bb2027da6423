/** From a batch document to its jobs, raw: defaults joined, placeholders filled; every problem with its place. */
import type { FieldProblem } from '../lib/app-error.ts'
import { comesFromDefaults, joinDefaults, type Fields } from './batch-defaults.ts'
import { fill, hasPlaceholder, type Values } from './fill.ts'
import type { BatchDocument } from './batch-document.ts'
import { expandMatrix, type Combination } from './matrix.ts'
import { nameOf, specLimits } from './spec.ts'

/** A field of the member as its author knows it; `shared`: of all members, hence one mistake. */
export interface Place {
  field: string
  /** Behind the message. */
  suffix: string
  shared: boolean
}

export interface Member {
  raw: Record<string, unknown>
  matrix: Combination | undefined
  /** Of filling in. */
  problems: FieldProblem[]
  placeOf(field: string): Place
}

/** `problems`: of how they are to be made; `members` are those that can be looked at all the same. */
export interface Members {
  members: Generator<Member, void>
  total: number
  problems: FieldProblem[]
}

/** Without one of them the others do not fit together, and need not. */
const shape = new Set(['jobs', 'job', 'matrix', 'include', 'exclude', 'template'])
const isPartOfShape = ({ field }: FieldProblem): boolean => shape.has(field.split(/[.[]/)[0]!)

/** The jobs of `jobs` first, then those of the matrix. */
export function* membersOf(document: BatchDocument): Generator<void, Members> {
  const { jobs = [], job } = document
  const fans = document.matrix !== undefined || document.include !== undefined
  const problems: FieldProblem[] = []
  const partial = document.wrong?.some(isPartOfShape) === true
  if (fans && job === undefined)
    problems.push({ field: 'job', message: 'is required with matrix: what each of its jobs is' })
  if (!fans && job !== undefined)
    problems.push({ field: 'job', message: 'goes with matrix; a single job goes into jobs' })
  if (!fans && document.exclude !== undefined) problems.push({ field: 'exclude', message: 'goes with matrix' })
  if (!fans && job === undefined && jobs.length === 0) {
    problems.push({ field: 'jobs', message: 'give jobs, or matrix and job: a batch has at least one job' })
  }
  if (partial) problems.length = 0
  const expanded = fans ? yield* expandMatrix(document) : { combinations: [] }
  if ('problems' in expanded) problems.push(...expanded.problems)
  const combinations = 'problems' in expanded || job === undefined ? [] : expanded.combinations
  const total = jobs.length + combinations.length
  if (problems.length === 0 && total === 0 && !partial) {
    problems.push({ field: 'matrix', message: 'leaves no combination: a batch has at least one job' })
  }
  if (total > specLimits.submitBatch) {
    problems.push({
      field: 'jobs',
      message: `with the matrix are ${total}; a batch has at most ${specLimits.submitBatch}`,
    })
  }
  return { members: each(document, total > specLimits.submitBatch ? [] : combinations), total, problems }
}

/** A plain list of jobs is taken as it is: programs write it, and `docker ps --format '{{.ID}}'` is a fair command. */
export const isFilled = ({ matrix, include, params }: BatchDocument): boolean =>
  matrix !== undefined || include !== undefined || params !== undefined

function* each(document: BatchDocument, combinations: readonly Combination[]): Generator<Member, void> {
  const { defaults, jobs = [], job = {}, params = {} } = document
  const filled = isFilled(document)
  for (const [index, own] of jobs.entries()) {
    if (!isObject(own)) {
      const here = (): Place => ({ field: `jobs[${index}]`, suffix: '', shared: false })
      yield { raw: {}, matrix: undefined, problems: [{ field: '', message: 'must be an object' }], placeOf: here }
      continue
    }
    const joined = joinDefaults(defaults, own)
    const { value, problems } = filled ? fill(joined, { matrix: {}, params, index }) : { value: joined, problems: [] }
    const placeOf = (field: string): Place =>
      comesFromDefaults(defaults, own, field)
        ? { field: `defaults.${field}`, suffix: '', shared: true }
        : { field: below(`jobs[${index}]`, field), suffix: '', shared: false }
    yield { raw: value as Record<string, unknown>, matrix: undefined, problems, placeOf }
  }
  if (combinations.length === 0) return
  const joined = joinDefaults(defaults, job)
  // What has no placeholder is the same mistake in every job.
  const varies = new Map(Object.entries(joined).map(([field, value]) => [field, hasPlaceholder(value)]))
  for (const [k, matrix] of combinations.entries()) {
    const values: Values = { matrix, params, index: jobs.length + k }
    const { value, problems } = fill(joined, values)
    const placeOf = (field: string): Place => {
      if (varies.get(field.split(/[.[]/)[0]!)) {
        return { field: below(`matrix[${k}]`, field), suffix: ` (${spelled(matrix)})`, shared: false }
      }
      const from = comesFromDefaults(defaults, job, field) ? 'defaults' : 'job'
      return { field: below(from, field), suffix: '', shared: true }
    }
    yield { raw: withMatrix(value as Record<string, unknown>, joined, matrix), matrix, problems, placeOf }
  }
}

const below = (place: string, field: string): string => (field === '' ? place : `${place}.${field}`)

const spelled = (matrix: Combination): string =>
  Object.entries(matrix)
    .map(([axis, value]) => `${axis}=${value}`)
    .join(', ')
    .slice(0, 200)

/** Its values as variables, and in a name that would else be the name of all. */
function withMatrix(raw: Record<string, unknown>, template: Fields, matrix: Combination): Record<string, unknown> {
  const { env = {}, secret_env: secret } = raw
  const job = { ...raw }
  if (isObject(env)) {
    const own = Object.entries(matrix)
      .map(([axis, value]) => [`MATRIX_${axis.toUpperCase()}`, String(value)] as const)
      .filter(([name]) => !Object.hasOwn(env, name) && !(isObject(secret) && Object.hasOwn(secret, name)))
    job.env = { ...env, ...Object.fromEntries(own) }
  }
  const { name, command } = raw
  const plain = !hasPlaceholder(name === undefined ? template.command : template.name)
  if (plain && (typeof name === 'string' || (name === undefined && isTexts(command)))) {
    const values = ` (${Object.values(matrix).join(', ')})`.slice(0, 100)
    const line = nameOf({ name: name as string | undefined, command: isTexts(command) ? command : [] })
    // A name that is refused stays as it was written.
    if (line.trim() !== '' && line.length < specLimits.nameLength) {
      job.name = line.slice(0, specLimits.nameLength - values.length) + values
    }
  }
  return job
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
