/** What is wrong with a condition or a template before anything is known to fill it in with. Reads, evaluates nothing. */
import type { FieldProblem } from '../lib/app-error.ts'
import type { Json } from '../lib/json.ts'
import { mentionsOfCondition } from './cel.ts'
import { hasTemplates, mentionsOfTemplate, mostCharacters } from './liquid.ts'
import { actionNames, ExpressionProblem } from './names.ts'

/** Null: it can be evaluated, as far as can be seen without values. */
export function checkCondition(text: string, known: readonly string[] = actionNames): string | null {
  return problemIn(() => mentionsOfCondition(text), known)
}

/** Of all that is checked together: each is read on the main thread, here and whenever it is filled in. */
export const mostTogether = 2 * mostCharacters

/** Of every text in it, at `field.path[0].of.it`. */
export function checkTemplates(json: Json, field = '', known: readonly string[] = actionNames): FieldProblem[] {
  const characters = charactersIn(json)
  if (characters > mostTogether) {
    return [{ field, message: `has templates of ${characters} characters: at most ${mostTogether} together` }]
  }
  return checkEach(json, field, known)
}

/** Of those texts that are templates. */
export function charactersIn(json: Json): number {
  if (typeof json === 'string') return hasTemplates(json) ? json.length : 0
  if (typeof json !== 'object' || json === null) return 0
  return Object.values(json).reduce((sum: number, item) => sum + charactersIn(item as Json), 0)
}

function checkEach(json: Json, field: string, known: readonly string[]): FieldProblem[] {
  if (typeof json === 'string') {
    const message = problemIn(() => mentionsOfTemplate(json), known)
    return message === null ? [] : [{ field, message }]
  }
  if (Array.isArray(json)) return json.flatMap((item, i) => checkEach(item, `${field}[${i}]`, known))
  if (typeof json !== 'object' || json === null) return []
  return Object.entries(json).flatMap(([key, value]) => checkEach(value, field === '' ? key : `${field}.${key}`, known))
}

function problemIn(mentions: () => string[][], known: readonly string[]): string | null {
  try {
    const other = mentions().find(([name]) => !known.includes(name!))
    return other === undefined ? null : `speaks of ${other[0]}, which is not there; there are ${known.join(', ')}`
  } catch (error) {
    if (error instanceof ExpressionProblem) return error.message
    throw error
  }
}

/** Fields of `of` that texts and conditions speak of; null: of all, since one names it by a value. */
export function fieldsMentioned(
  of: string,
  { conditions, templates }: { conditions: readonly string[]; templates: readonly Json[] },
): Set<string> | null {
  const mentions = [...conditions.flatMap(mentionsOfCondition), ...templates.flatMap(mentionsIn)]
  const fields = mentions.filter(([name]) => name === of).map(([, field]) => field)
  return fields.includes(undefined) ? null : new Set(fields as string[])
}

function mentionsIn(json: Json): string[][] {
  if (typeof json === 'string') return mentionsOfTemplate(json)
  return typeof json === 'object' && json !== null ? Object.values(json).flatMap(mentionsIn) : []
}
