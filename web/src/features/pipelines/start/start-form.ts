import type { KeyValue } from '../../../components/key-values.tsx'
import type { Pipeline } from '../../../lib/api.ts'

export type Parameters = Pipeline['parameters']
export type ParameterShape = Parameters[string]
/** As it was typed: text, or whether a box is ticked. */
export type Typed = Record<string, string | boolean>
type Errors = Record<string, string>

/** A form that says what happens when nothing is changed: these values, else the defaults. */
export function typedOf(parameters: Parameters, values: Record<string, unknown> = {}): Typed {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { type, default: fallback }]) => {
      const value = Object.hasOwn(values, name) ? values[name] : fallback
      if (type === 'boolean') return [name, value === true]
      if (value === undefined || value === null) return [name, '']
      return [name, typeof value === 'string' && type !== 'json' ? value : JSON.stringify(value, null, 2)]
    }),
  )
}

/** What is sent. A field that is empty and has no default is left out: the server says whether it may be. */
export function variablesOf(
  parameters: Parameters,
  typed: Typed,
): { variables: Record<string, unknown>; errors: Errors } {
  const variables: Record<string, unknown> = {}
  const errors: Errors = {}
  for (const [name, shape] of Object.entries(parameters)) {
    const value = typed[name] ?? ''
    if (typeof value === 'boolean') {
      variables[name] = value
      continue
    }
    const empty = value.trim() === ''
    if (shape.type === 'string' || shape.type === 'choice') {
      if (value !== '' || (shape.type === 'string' && shape.default !== undefined)) variables[name] = value
      else if (shape.required) errors[name] = 'is required'
    } else if (empty) {
      if (shape.required) errors[name] = 'is required'
    } else if (shape.type === 'number') {
      const number = Number(value)
      if (Number.isFinite(number)) variables[name] = number
      else errors[name] = 'must be a number, e.g. 3 or 0.5'
    } else {
      const read = readJson(value)
      if (read.ok) variables[name] = read.value
      else errors[name] = `is not JSON: ${read.message}`
    }
  }
  return { variables, errors }
}

/** Free names and values: texts, or JSON when that is said. */
export function freeVariables(
  rows: readonly KeyValue[],
  json: boolean,
): { variables: Record<string, unknown>; error?: string } {
  const variables: Record<string, unknown> = {}
  for (const { key, value } of rows) {
    const name = key.trim()
    if (name === '' && value === '') continue
    if (name === '') return { variables, error: `a value has no name: ${value}` }
    if (Object.hasOwn(variables, name)) return { variables, error: `${name} is there twice` }
    const read = json ? readJson(value) : ({ ok: true, value } as const)
    if (!read.ok) return { variables, error: `${name} is not JSON: ${read.message}` }
    variables[name] = read.value
  }
  return { variables }
}

function readJson(text: string): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) }
  }
}

/** The server's refusals by the name of the variable; the others are under `other`, with the field's name before them. */
export function errorsByVariable(problems: readonly { field: string; message: string }[]): Errors {
  const errors: Errors = {}
  for (const { field, message } of problems) {
    const inner = /^variables(?:\.([^.[]+)|\[["']?(.+?)["']?\])/.exec(field)
    const name = inner?.[1] ?? inner?.[2]
    const key = name ?? (field === 'queue_partition' ? field : 'other')
    const text = key === 'other' ? `${field}: ${message}` : message
    errors[key] = errors[key] ? `${errors[key]}; ${text}` : text
  }
  return errors
}
