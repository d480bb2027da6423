/** Labels: `key=value` pairs of runners and of jobs, by which a job says where it may run and lists find it. */
import * as z from 'zod'

/** Without it the user reads "Invalid key in record" and not what is wrong with the key. */
export const keyProblem = {
  error: (issue: z.core.$ZodRawIssue): string | undefined =>
    issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined,
}

const key = '[A-Za-z0-9][A-Za-z0-9._/-]{0,62}'
const value = '[A-Za-z0-9._/-]{0,63}'
const mostLetters = 63

/** Read behind the label's name, `labels.app: …`: hence neither repeats it. */
const wrongName = ({ input }: { input?: unknown }): string =>
  String(input).length > mostLetters
    ? `is a label name of ${String(input).length} characters: it has at most ${mostLetters}`
    : 'is no label name: it has letters, digits, . _ / and - only, and begins with a letter or digit'
const wrongValue = ({ input }: { input?: unknown }): string =>
  String(input).length > mostLetters
    ? `has a value of ${String(input).length} characters: a label's has at most ${mostLetters}`
    : 'has a value that no label can have: letters, digits, . _ / and - only'

const labelKey = z.string().regex(new RegExp(`^${key}$`), { error: wrongName })
const labelValue = z.string().regex(new RegExp(`^${value}$`), { error: wrongValue })

export const labelsSchema = z
  .record(labelKey, labelValue, keyProblem)
  .refine((l) => Object.keys(l).length <= 32, 'at most 32 labels')
export type Labels = z.infer<typeof labelsSchema>

/** One label as text. */
export const labelText = z
  .string()
  .regex(new RegExp(`^${key}=${value}$`), 'is a label as KEY=VALUE, of letters, digits, . _ / and -, each at most 63')

/** `k=v` strings, sorted: as stored in `jobs.labels`, `lanes.required_labels` and `runners.labels`. */
export const labelList = (labels: Labels | undefined): string[] =>
  Object.entries(labels ?? {})
    .map(([name, content]) => `${name}=${content}`)
    .sort()
