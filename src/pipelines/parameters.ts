/** Declared variables of a pipeline: what a value must be. */
import type { Parameter } from '../job/pipeline.ts'

/** Read behind the variable's name; null: it may have that value. */
export function parameterProblem({ type, choices }: Parameter, value: unknown): string | null {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? null : 'must be text'
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? null : 'must be a number'
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false'
    case 'choice':
      return typeof value === 'string' && choices.includes(value) ? null : `must be one of ${choices.join(', ')}`
    case 'json':
      return null
  }
}
