/** A wrong batch goes on to its plan, so that one answer has the mistakes of the document and those of its jobs. */
import type * as z from 'zod'
import { specLimits } from '../../job/spec.ts'
import type { FieldProblem } from '../../lib/app-error.ts'
import { problemsOf } from '../../lib/issue-fields.ts'

/**
 * Never refuses: what is wrong is left out of the value and told in its `wrong`, which whoever plans the batch answers
 * with. In the documentation of the API it is the schema itself.
 */
export const withItsMistakes = <T extends z.ZodObject>(schema: T): z.ZodCatch<T> =>
  schema.catch(({ value, error }) => {
    const body: Record<string, unknown> = isObject(value) ? { ...value } : {}
    // Each member is told by the plan, which has to look at it anyhow.
    const { jobs } = body
    const membersTell = Array.isArray(jobs) && jobs.length <= specLimits.submitBatch
    const issues = error.issues.filter(({ path }) => !(membersTell && path[0] === 'jobs'))
    for (const { path } of issues) {
      const [field] = path
      if (field === 'params' && isObject(body.params)) body.params = onlyScalars(body.params)
      else if (field !== undefined) delete body[String(field)]
    }
    const wrong: FieldProblem[] = problemsOf(issues)
    return { ...body, wrong } as unknown as z.output<T>
  })

/** A parameter that is gone would be told a second time, at each of its placeholders. */
const onlyScalars = (params: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, typeof value === 'object' ? '-' : value]))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
