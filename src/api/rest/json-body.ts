/** Reads a JSON body and refuses what JSON.parse lets through but a database or a prototype would not survive. */
import type { FieldProblem } from '../../lib/app-error.ts'
import { fieldsRefused, HttpRefusal } from '../errors.ts'
import { countWrittenKeys, duplicateKeys } from './duplicate-keys.ts'
import { fieldPath } from '../../lib/issue-fields.ts'

const maxDepth = 64
/** Of one object: ten times what any of ours may have. A million of them kept the schema busy for seconds. */
const maxKeys = 10_000
/** Of a whole body: a batch of 10,000 jobs with 40 each. Counted before JSON.parse, which takes 1 µs and more for each. */
const maxKeysInAll = 400_000
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * A body that will be refused, kept until its schema has been asked too: one answer names all that is wrong. No plain
 * object, so that a route that knows nothing of it cannot use it by mistake.
 */
export class RefusedBody {
  readonly value: unknown
  readonly problems: FieldProblem[]
  constructor(value: unknown, problems: FieldProblem[]) {
    this.value = value
    this.problems = problems
  }
}

const tooMany = `has more than ${maxKeys} fields`
const tooDeep = `is nested deeper than ${maxDepth} levels`

export function parseJsonBody(raw: Buffer): unknown {
  if (raw.length === 0) return undefined
  const text = orNotJson(() => utf8.decode(raw))
  if (countWrittenKeys(text) > maxKeysInAll) {
    throw fieldsRefused([{ field: 'body', message: `has more than ${maxKeysInAll} fields` }])
  }
  const value = orNotJson(() => JSON.parse(text) as unknown)
  const problems = jsonProblems(text, value)
  if (problems.length === 0) return value
  // A schema may well recurse, and must not be shown this.
  if (problems.some(({ message }) => message === tooDeep || message === tooMany)) throw fieldsRefused(problems)
  return new RefusedBody(value, problems)
}

function orNotJson<T>(read: () => T): T {
  try {
    return read()
  } catch {
    throw new HttpRefusal(400, 'invalid_argument', 'the body is not valid JSON in UTF-8')
  }
}

/** What is wrong with a value that JSON.parse made of the text. */
export function jsonProblems(text: string, value: unknown): FieldProblem[] {
  const { problems, keys } = inspectJson(value)
  if (problems.length > 0 || countWrittenKeys(text) === keys) return problems
  return duplicateKeys(text).map((field) => ({ field, message: 'is there more than once' }))
}

/** Iterative, so that depth costs no stack. Ends at 100 problems; `keys` are those of all objects. */
function inspectJson(root: unknown): { problems: FieldProblem[]; keys: number } {
  const problems: FieldProblem[] = []
  let keys = 0
  const stack: { value: unknown; path: PropertyKey[] }[] = [{ value: root, path: [] }]
  while (stack.length > 0 && problems.length < 100) {
    const { value, path } = stack.pop()!
    const refuse = (message: string): void => {
      problems.push({ field: fieldPath(path), message })
    }
    if (typeof value === 'string') {
      if (!value.isWellFormed()) refuse('contains half of a surrogate pair, which is no character')
      if (value.includes('\0')) refuse('must not contain a NUL character')
    }
    if (typeof value !== 'object' || value === null) continue
    if (path.length >= maxDepth) {
      refuse(tooDeep)
      continue
    }
    if (Array.isArray(value)) {
      value.forEach((item, i) => {
        if (needsLook(item)) stack.push({ value: item, path: [...path, i] })
      })
      continue
    }
    const names = Object.keys(value)
    keys += names.length
    if (names.length > maxKeys) {
      refuse(tooMany)
      continue
    }
    for (const key of names) {
      const item = (value as Record<string, unknown>)[key]
      if (key === '__proto__') problems.push({ field: fieldPath([...path, key]), message: 'is not a known field' })
      else if (!key.isWellFormed() || key.includes('\0')) refuse('has a field name that is no valid text')
      if (needsLook(item)) stack.push({ value: item, path: [...path, key] })
    }
  }
  return { problems, keys }
}

const needsLook = (value: unknown): boolean =>
  typeof value === 'string'
    ? !value.isWellFormed() || value.includes('\0')
    : typeof value === 'object' && value !== null
