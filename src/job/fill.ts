/**
 * Placeholders of a batch: `{{matrix.x}}` (or `{{x}}`), `{{params.x}}`, `{{index}}`; `{{{{` is a literal `{{`. Names
 * only, nothing is evaluated, and a value that is filled in is never looked at again (row Y3 of the attack table).
 */
import type { FieldProblem } from '../lib/app-error.ts'
import { fieldPath } from '../lib/issue-fields.ts'
import type { Combination, Scalar } from './matrix.ts'

export interface Values {
  matrix: Combination
  params: Combination
  index: number
}

/** Deeper than the schema takes; it is refused there, and must not end us with our stack. */
const mostDepth = 200

/** `problems` name fields relative to `template`. Names of fields and of variables are left as they are. */
export function fill(template: unknown, values: Values): { value: unknown; problems: FieldProblem[] } {
  const problems: FieldProblem[] = []
  const walk = (node: unknown, path: PropertyKey[]): unknown => {
    if (typeof node === 'string') {
      return fillText(node, values, path, (message) => problems.push({ field: fieldPath(path), message }))
    }
    if (typeof node !== 'object' || node === null || path.length > mostDepth) return node
    if (Array.isArray(node)) return node.map((item, i) => walk(item, [...path, i]))
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...path, key])]))
  }
  return { value: walk(template, []), problems }
}

/** A literal `{{`, a `{` before a placeholder, a placeholder, or a `{{` that is none. */
const tokens = /\{\{\{\{|\{(?=\{\{[^{])|\{\{([^{}]*)\}\}|\{\{/g

function fillText(text: string, values: Values, path: PropertyKey[], refuse: (message: string) => void): Scalar {
  if (!text.includes('{{')) return text
  const whole = /^\{\{([^{}]*)\}\}$/.exec(text)
  if (whole !== null) {
    const value = valueOf(whole[1]!, values, refuse)
    if (path[0] === 'payload') return value
    return isTyped(path) ? asTyped(value) : String(value)
  }
  return text.replaceAll(tokens, (token, name: string | undefined) => {
    if (token === '{{{{') return '{{'
    if (token === '{') return token
    if (name !== undefined) return String(valueOf(name, values, refuse))
    refuse('has a {{ without its }}; a literal {{ is written {{{{')
    return token
  })
}

function valueOf(words: string, { matrix, params, index }: Values, refuse: (message: string) => void): Scalar {
  const name = words.trim()
  if (name === 'index') return index
  const [, group = 'matrix', key = ''] = /^(?:(matrix|params)\.)?(\w+)$/.exec(name) ?? []
  const from = group === 'params' ? params : matrix
  if (Object.hasOwn(from, key)) return from[key]!
  const known = [
    ...Object.keys(matrix).map((each) => `matrix.${each}`),
    ...Object.keys(params).map((each) => `params.${each}`),
  ]
  const list = known.length === 0 ? 'index' : `${known.slice(0, 20).join(', ')}, index`
  refuse(`{{${name.slice(0, 60)}}} is not known here; there are: ${list}; a literal {{ is written {{{{`)
  return ''
}

const typed = new Set([
  'priority',
  'max_attempts',
  'timeout_seconds',
  'stop_grace_seconds',
  'delay_seconds',
  'outputs',
  'helpers',
  'hosts_at_once',
])
const typedInside: Record<string, readonly PropertyKey[]> = {
  container: ['read_only_root'],
  slurm: ['nodes', 'tasks'],
}

/** Fields of a number or a truth value: there a placeholder that is the whole value is one; elsewhere it is text. */
export function isTyped(path: readonly PropertyKey[]): boolean {
  const [top, second] = path
  if (typeof top !== 'string') return false
  if (path.length === 1) return typed.has(top)
  if (top === 'limits') return true
  if (top === 'retry') return second !== 'on'
  if (path.length === 2 && second !== undefined && typedInside[top]?.includes(second)) return true
  return top === 'placement' && path.length === 3 && path[2] === 'required'
}

/** A command line gives texts only: `--set priority=7`. */
function asTyped(value: Scalar): Scalar {
  if (value === 'true' || value === 'false') return value === 'true'
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value
}

/** Whether filling in can change anything of it. */
export function hasPlaceholder(node: unknown, depth = 0): boolean {
  if (typeof node === 'string') return node.includes('{{')
  if (typeof node !== 'object' || node === null || depth > mostDepth) return false
  return Object.values(node).some((item) => hasPlaceholder(item, depth + 1))
}

/** The names of all `{{params.x}}`. */
export function paramsUsed(node: unknown, found = new Set<string>(), depth = 0): Set<string> {
  if (typeof node === 'string') {
    for (const [, name] of node.matchAll(/\{\{\s*params\.(\w+)\s*\}\}/g)) found.add(name!)
  } else if (typeof node === 'object' && node !== null && depth <= mostDepth) {
    for (const item of Object.values(node)) paramsUsed(item, found, depth + 1)
  }
  return found
}
