/** A stored batch and what is given at its use: objects are joined, all else that is given takes the template's place. */
import { joinDefaults, type Fields } from './batch-defaults.ts'
import type { BatchDocument } from './batch-document.ts'
import { strangersIn } from './matrix.ts'

export function overTemplate(body: BatchDocument, given: BatchDocument): BatchDocument {
  const below = body as Fields
  const above = given as Fields
  const result: Record<string, unknown> = { ...below, ...above }
  for (const field of ['params', 'matrix']) {
    if (below[field] !== undefined && above[field] !== undefined) {
      result[field] = { ...(below[field] as Fields), ...(above[field] as Fields) }
    }
  }
  for (const field of ['defaults', 'job']) {
    if (below[field] !== undefined && above[field] !== undefined) {
      result[field] = joinDefaults(below[field] as Fields, above[field] as Fields)
    }
  }
  // With other values on an axis, what the template leaves out of its own may not be there.
  const { matrix, exclude } = result as BatchDocument
  if (above.matrix !== undefined && above.exclude === undefined && matrix !== undefined && exclude !== undefined) {
    result.exclude = exclude.filter((entry) => strangersIn(entry, matrix).length === 0)
  }
  return result as BatchDocument
}

/** Places of values that nobody may read later, hence not for a stored body. */
export function secretPlaces({ defaults, job, jobs = [] }: BatchDocument): string[] {
  const all: [string, Fields | undefined][] = [
    ['defaults', defaults],
    ['job', job],
    ...jobs.map((each, i): [string, Fields] => [`jobs[${i}]`, each]),
  ]
  return all.filter(([, fields]) => fields?.secret_env !== undefined).map(([place]) => `${place}.secret_env`)
}
