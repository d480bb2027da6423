import { withUnknown } from '../../lib/search-params.ts'

/** What the audit list is narrowed to; the same words stand in the URL, and but for `age` in the question itself. */
export interface AuditFilters {
  actor?: string
  /** `noun.verb`, or `noun.` for all of a noun. */
  action?: string
  target?: string
  result?: 'done' | 'refused'
  age?: Age
  /** What the URL has and the audit log does not know. */
  unknown?: string
}

/** How far back, in hours. */
export const ages = { hour: 1, day: 24, week: 24 * 7, month: 24 * 30 } as const
export type Age = keyof typeof ages
export const ageLabels: Record<Age, string> = {
  hour: 'Last hour',
  day: 'Last day',
  week: 'Last 7 days',
  month: 'Last 30 days',
}

/** From the URL, where anyone may have typed anything: what is not a filter narrows nothing, and is told. */
export function readAuditFilters(search: Record<string, unknown>): AuditFilters {
  const text = (name: string, length: number) => {
    const value = search[name]
    return typeof value === 'string' && value !== '' ? value.slice(0, length) : undefined
  }
  const { result, age } = search
  const read: AuditFilters = {
    actor: text('actor', 200),
    action: text('action', 100),
    target: text('target', 200),
    result: result === 'done' || result === 'refused' ? result : undefined,
    age: typeof age === 'string' && Object.hasOwn(ages, age) ? (age as Age) : undefined,
  }
  return withUnknown(search, read)
}

/** Whole minutes: the same question asked twice in a row stays the same question. */
export function questionOf({ age, ...given }: AuditFilters, now: number) {
  const rest = { ...given, unknown: undefined }
  if (age === undefined) return rest
  return { ...rest, since: new Date(Math.floor(now / 60_000) * 60_000 - ages[age] * 3_600_000).toISOString() }
}

export function exportUrl(filters: AuditFilters, format: 'jsonl' | 'csv', now: number): string {
  const given = Object.entries(questionOf(filters, now)).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  return `/api/v1/audit/export?${new URLSearchParams([['format', format], ...given])}`
}
