/** What the schema library finds, in people's words; a text that the schema itself gives is kept. */
export interface Issue {
  message: string
  path?: readonly (PropertyKey | { key: PropertyKey })[]
}

export interface ZodIssue extends Issue {
  code?: string
  keys?: string[]
  errors?: ZodIssue[][]
  /** Of a record's name that is refused. */
  issues?: Issue[]
  expected?: string
  origin?: string
  format?: string
  minimum?: number | bigint
  maximum?: number | bigint
  values?: readonly unknown[]
  /** The library's own remark; on numbers: beyond what a double holds exactly. */
  note?: string
}

const ofTheLibrary = /^(Invalid|Too (small|big)|Unrecognized)\b/

const types: Record<string, string> = {
  array: 'must be a list',
  string: 'must be text',
  number: 'must be a number',
  int: 'must be a whole number',
  boolean: 'must be true or false',
  object: 'must be an object',
  record: 'must be an object',
}
/** Lists whose entries are worth naming. */
const lists: Record<string, string> = {
  command: 'must be a list of texts, e.g. ["make", "all"]',
  depends_on: 'must be a list of job ids',
  jobs: 'must be a list of jobs',
}

/** `path` is the whole path of the field, empty for the body itself. */
export function wordsOf(issue: ZodIssue, path: readonly PropertyKey[]): string {
  if (!ofTheLibrary.test(issue.message)) return issue.message
  const field = String(path.at(-1) ?? '')
  switch (issue.code) {
    case 'invalid_type':
      if (path.length === 0) return 'the body must be a JSON object'
      if (issue.message.endsWith('received undefined')) {
        return field === 'command' ? 'is required, e.g. ["make", "all"]' : 'is required'
      }
      return (issue.expected === 'array' ? lists[field] : undefined) ?? types[issue.expected ?? ''] ?? 'is not valid'
    case 'invalid_value': {
      const values = (issue.values ?? []).map((value) => JSON.stringify(value))
      return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`
    }
    case 'too_small':
      return sized(issue.origin, 'at least', issue.minimum)
    case 'too_big':
      return sized(issue.origin, 'at most', issue.maximum)
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'must be a time with its zone, e.g. 2026-01-31T12:00:00Z'
        : 'has not the right form'
    default:
      return 'is not valid'
  }
}

function sized(origin: string | undefined, bound: string, limit: number | bigint | undefined): string {
  if (origin !== 'string' && origin !== 'array') return `must be ${bound} ${limit}`
  if (bound === 'at least' && Number(limit) === 1) return 'must not be empty'
  return `must have ${bound} ${limit} ${origin === 'string' ? 'characters' : 'entries'}`
}
