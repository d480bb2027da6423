import { useQuery } from '@tanstack/react-query'
import type { FieldProblem } from '../../../lib/problem.ts'
import { problemOf } from '../../../lib/problem.ts'
import { checkQuery } from '../queries.ts'
import type { Draft } from './draft.ts'
import { useCalm } from './use-calm.ts'

export interface Checked {
  errors: FieldProblem[]
  warnings: FieldProblem[]
  /** The job that would be made; null while there are errors. */
  job: unknown
}

const name = (field: string) => field.replace(/^definition\.?/, '')

/** What the server says of what is being typed. `refused`: what it said to the last try to save it. */
export function useCheck(draft: Draft, refused: readonly FieldProblem[]): Checked {
  const asked = useCalm({ name: draft.name.trim() || undefined, definition: draft.definition }, 400)
  const { data, error } = useQuery(checkQuery(asked.name, asked.definition))
  const problems = data?.problems ?? []
  const failed = error ? problemOf(error) : undefined
  const errors = [
    ...problems.filter(({ severity }) => severity === 'error'),
    ...(failed && failed.status !== 429 ? failed.fields : []),
    ...refused,
  ].map(({ field, message }) => ({ field: name(field), message }))
  const seen = new Set<string>()
  return {
    errors: errors.filter(({ field, message }) => {
      const key = `${field} ${message}`
      return seen.has(key) ? false : (seen.add(key), true)
    }),
    warnings: problems
      .filter(({ severity }) => severity === 'warning')
      .map((one) => ({ ...one, field: name(one.field) })),
    job: data?.job ?? null,
  }
}
