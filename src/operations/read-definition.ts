/** A definition that has mistakes, read as far as it can be: one mistake shall not hide the others. */
import { eventDefinitionSchema, type EventDefinition } from '../job/event.ts'
import type { FieldProblem } from '../lib/app-error.ts'
import { fieldPath, onePerField, problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import type { Json } from '../lib/json.ts'

export interface ReadDefinition {
  /** Null: what is given is no object. With problems, it is what remains without the parts they are in. */
  definition: EventDefinition | null
  problems: FieldProblem[]
  /** The name that a field of `definition` has in what was given. */
  givenField: (field: string) => string
}

type Given = Record<string, unknown>
type Path = readonly PropertyKey[]

const bodies = ['script', 'request', 'message', 'pipeline']
/** Runs nothing and has no mistake: stands where the body cannot be read. */
const standIn = { kind: 'bash', script: ':' }
/** The schema looks at names and bodies only when each field is right; what it finds then is taken out, too. */
const mostRounds = 4

export function readDefinition(given: Json): ReadDefinition {
  const problems: FieldProblem[] = []
  const places: Record<string, number[]> = {}
  const givenPath = ([list, index, ...rest]: Path): Path =>
    typeof index === 'number' ? [list!, places[String(list)]?.[index] ?? index, ...rest] : [list!, index!, ...rest]
  const found = (definition: EventDefinition | null): ReadDefinition => ({
    definition,
    problems: onePerField(problems),
    givenField: (field) =>
      field.replace(/^([a-z_]+)\[(\d+)\]/, (_, list: string, index: string) =>
        fieldPath(givenPath([list, Number(index)])),
      ),
  })
  let left = given as Given
  for (let round = 0; round < mostRounds; round++) {
    const parsed = eventDefinitionSchema.safeParse(left)
    if (parsed.success) return found(parsed.data)
    const issues = parsed.error.issues as ZodIssue[]
    problems.push(...problemsOf(issues, (path) => fieldPath(path.length > 1 ? givenPath(path) : path)))
    if (left === null || typeof left !== 'object' || Array.isArray(left)) break
    left = without(left, issues, places)
  }
  return found(null)
}

/** All but the parts that the issues are in: a field, or an item of a list, whose former place is noted. */
function without(given: Given, issues: readonly ZodIssue[], places: Record<string, number[]>): Given {
  const left = { ...given }
  const items: Record<string, Set<number>> = {}
  for (const { path = [], keys } of issues) {
    const [field, index] = path.map((part) => (typeof part === 'object' ? part.key : part))
    if (field === undefined) for (const key of keys ?? []) delete left[key]
    else if (typeof index === 'number' && Array.isArray(given[String(field)])) {
      ;(items[String(field)] ??= new Set()).add(index)
    } else if (field === 'kind' || bodies.includes(String(field))) {
      for (const body of bodies) delete left[body]
      Object.assign(left, standIn)
    } else delete left[String(field)]
  }
  for (const [list, wrong] of Object.entries(items)) {
    const all = given[list] as unknown[]
    const kept = all.map((_, index) => index).filter((index) => !wrong.has(index))
    left[list] = kept.map((index) => all[index])
    places[list] = kept.map((index) => places[list]?.[index] ?? index)
  }
  return left
}
