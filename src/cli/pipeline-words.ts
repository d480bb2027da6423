/** What one writes on the command line for the variables of a pipeline. */
import { readFile } from 'node:fs/promises'
import { InvalidArgumentError } from 'commander'
import { parse } from 'yaml'
import type { Pipeline } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'

type Values = Record<string, unknown>
type Parameters = Pipeline['parameters']

/** `k=v`, joined to those before. */
export function parseSet(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [name, value] = pair(text)
  return { ...before, [name]: value }
}

/** `k=JSON`. */
export function parseSetJson(text: string, before: Values = {}): Values {
  const [name, value] = pair(text)
  try {
    return { ...before, [name]: JSON.parse(value) as unknown }
  } catch {
    throw new InvalidArgumentError(`${name}: is not JSON; a text is written '${name}="text"'`)
  }
}

function pair(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('write NAME=VALUE')
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** YAML or JSON: a map of values by name. */
export async function readVars(path: string): Promise<Values> {
  const wrong = (why: string, cause?: unknown): AppError =>
    new AppError('invalid_argument', `--vars ${path}: ${why}`, { cause })
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw wrong(cause.code === 'ENOENT' ? 'there is no such file' : `cannot be read (${cause.code})`, cause)
  })
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 100, schema: 'core' })
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message.split('\n')[0]! : 'is not YAML', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('must be a map: name: value')
  return value as Values
}

/** A text that was typed for a number, a yes or JSON becomes one; what cannot is left for the server to refuse. */
export function asDeclared(typed: Record<string, string>, parameters: Parameters): Values {
  return Object.fromEntries(
    Object.entries(typed).map(([name, text]) => [
      name,
      valueOf(text, Object.hasOwn(parameters, name) ? parameters[name]!.type : 'string'),
    ]),
  )
}

function valueOf(text: string, type: Parameters[string]['type']): unknown {
  if (type === 'number') return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type !== 'json') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
