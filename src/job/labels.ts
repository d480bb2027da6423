/** Labels: `key=value` pairs of runners and of jobs, by which a job says where it may run and lists find it. */
import * as z from 'zod'

/** Without it the user reads "Invalid key in record" and not what is wrong with the key. */
export const keyProblem = {
  error: (issue: z.core.$ZodRawIssue): string | undefined =>
    issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined,
}

const key = '[A-Za-z0-9][A-Za-z0-9._/-]{0,62}'
const value = '[A-Za-z0-9._/-]{0,63}'
const labelKey = z.string().regex(new RegExp(`^${key}$`), 'a label name has letters, digits, . _ / and - only')
const labelValue = z.string().regex(new RegExp(`^${value}$`), 'a label value has letters, digits, . _ / and - only')

export const labelsSchema = z
  .record(labelKey, labelValue, keyProblem)
  .refine((l) => Object.keys(l).length <= 32, 'at most 32 labels')
export type Labels = z.infer<typeof labelsSchema>

/** One label as text. */
export const labelText = z
  .string()
  .regex(new RegExp(`^${key}=${value}$`), 'is a label as KEY=VALUE, of letters, digits, . _ / and -')

/** `k=v` strings, sorted: as stored in `jobs.labels`, `lanes.required_labels` and `runners.labels`. */
export const labelList = (labels: Labels | undefined): string[] =>
  Object.entries(labels ?? {})
    .map(([name, content]) => `${name}=${content}`)
    .sort()
