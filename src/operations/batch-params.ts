/** Parameters that are given and change nothing: a mistyped one would run with the default. */
import { nearest } from '../config/nearest.ts'
import type { BatchDocument } from '../job/batch-document.ts'
import { paramsUsed } from '../job/fill.ts'
import type { FieldProblem } from '../lib/app-error.ts'

/** Of what is given over a template: neither declared by it nor used anywhere. */
export function unknownParams(template: BatchDocument, given: BatchDocument, whole: BatchDocument): FieldProblem[] {
  const names = Object.keys(given.params ?? {})
  if (names.length === 0) return []
  const { name, description, defaults, job, jobs } = whole
  const known = [
    ...new Set([...Object.keys(template.params ?? {}), ...paramsUsed({ name, description, defaults, job, jobs })]),
  ]
  return names
    .filter((each) => !known.includes(each))
    .map((each) => {
      const near = nearest(each, known)
      const hint =
        near === undefined ? `; it has: ${known.slice(0, 20).join(', ') || 'none'}` : `; did you mean ${near}?`
      return { field: `params.${each}`, message: `is no parameter of the template${hint}` }
    })
}
