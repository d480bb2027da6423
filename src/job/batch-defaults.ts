/** How a batch's defaults and its member become one job: raw, before the schema puts in defaults of its own. */

export type Fields = Readonly<Record<string, unknown>>

/** The member's entries go over those of the defaults; of all other fields the member's own replaces the default. */
const joined = ['env', 'secret_env', 'labels', 'required_labels', 'limits'] as const

/** Of these a job has one: the member's own choice sends the default away, whichever of them it was. */
const instead = { not_before: 'delay_seconds', delay_seconds: 'not_before' } as const
/** A variable is plain or secret. */
const otherEnv = { env: 'secret_env', secret_env: 'env' } as const

export function joinDefaults(defaults: Fields | undefined, member: Fields): Record<string, unknown> {
  if (defaults === undefined) return { ...member }
  const base: Record<string, unknown> = { ...defaults }
  for (const [own, other] of Object.entries(instead)) if (own in member) delete base[other]
  for (const [own, other] of Object.entries(otherEnv)) {
    const names = member[own]
    const below = base[other]
    if (!isObject(names) || !isObject(below)) continue
    base[other] = Object.fromEntries(Object.entries(below).filter(([name]) => !Object.hasOwn(names, name)))
  }
  const result: Record<string, unknown> = { ...base, ...member }
  for (const field of joined) {
    const [below, own] = [base[field], member[field]]
    if (isObject(below) && isObject(own)) result[field] = { ...below, ...own }
  }
  return result
}

/** Whether the value at `path` of the joined job is the default's; paths as in errors, `env.NAME`, `limits.cpu`. */
export function comesFromDefaults(defaults: Fields | undefined, member: Fields, field: string): boolean {
  const [top = '', ...rest] = field.split(/[.[]/)
  if (defaults === undefined || !Object.hasOwn(defaults, top)) return false
  const own = member[top]
  if (!Object.hasOwn(member, top)) return true
  if (!(joined as readonly string[]).includes(top) || !isObject(own)) return false
  const name = rest.length === 0 ? undefined : field.slice(top.length + 1)
  return name !== undefined && isObject(defaults[top]) && !Object.hasOwn(own, name)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
