/** What a run is started with, against what its pipeline declares. Pure. */
import { nearest } from '../config/nearest.ts'
import { pipelineLimits, type PipelineDefinition } from '../job/pipeline.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { depthOf } from '../lib/json.ts'
import { parameterProblem } from '../pipelines/parameters.ts'
import type { Variables } from '../pipelines/run.ts'

/** The engine sets it itself: the UUID of the run. */
const reserved = '__jobID'

/**
 * With the defaults of those that are missing. A pipeline that declares none takes any, as prunner does; else one that is
 * not declared is a mistake. Throws `invalid_argument` that names all that are wrong.
 */
export function checkVariables(
  { parameters }: Pick<PipelineDefinition, 'parameters'>,
  given: Variables,
  prefix = 'variables.',
): Variables {
  const declared = Object.keys(parameters)
  const problems: FieldProblem[] = []
  const wrong = (name: string, message: string): void => void problems.push({ field: `${prefix}${name}`, message })

  const deepest = pipelineLimits.variablesDepth
  const deep = Object.keys(given).filter((name) => depthOf(given[name], deepest) > deepest)
  // Not even to be written as JSON.
  if (deep.length > 0) {
    throw problem(deep.map((name) => ({ field: `${prefix}${name}`, message: `is at most ${deepest} levels deep` })))
  }
  const bytes = Buffer.byteLength(JSON.stringify(given))
  if (bytes > pipelineLimits.variablesBytes) {
    throw problem([
      { field: prefix.slice(0, -1), message: `are ${bytes} bytes as JSON, at most ${pipelineLimits.variablesBytes}` },
    ])
  }
  for (const [name, value] of Object.entries(given)) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (name === reserved) wrong(name, 'is reserved: it is the UUID of the run')
    else if (hasNoText(name) || hasNoText(value))
      wrong(name, 'must not contain a NUL character or half a surrogate pair')
    else if (parameter !== undefined) {
      const found = parameterProblem(parameter, value)
      if (found !== null) wrong(name, found)
    } else if (declared.length > 0) wrong(name, unknown(name, declared))
  }
  const variables = { ...given }
  for (const [name, parameter] of Object.entries(parameters)) {
    if (Object.hasOwn(given, name)) continue
    if (parameter.required) wrong(name, 'is required')
    else if (parameter.default !== undefined) variables[name] = parameter.default
  }
  if (problems.length > 0) throw problem(problems)
  return variables
}

function problem(fields: FieldProblem[]): AppError {
  const [first] = fields
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : ''
  return new AppError('invalid_argument', `${first!.field}: ${first!.message}${more}`, { fields: fields.slice(0, 100) })
}

function unknown(name: string, declared: readonly string[]): string {
  const near = nearest(name, declared)
  const known = near === undefined ? `there are: ${declared.slice(0, 20).join(', ')}` : `did you mean ${near}?`
  return `is no parameter of this pipeline; ${known}`
}

/** Of the texts and names in it, of which the database and the environment of a process take not all. */
function hasNoText(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed()
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, each]) => hasNoText(name) || hasNoText(each))
}
