import type { EventKind, EventStatus } from '../../lib/api.ts'
import { withUnknown } from '../../lib/search-params.ts'
import { kindNames, statusNames } from './names.ts'

/** What the list of events shows; the same words stand in the URL. */
export interface EventFilters {
  /** Part of the name or description. */
  q?: string
  status?: EventStatus
  kind?: EventKind
  tag?: string
  owner?: string
  /** Only those whose last run failed. */
  failing?: true
  /** What the URL has and no list of events knows. */
  unknown?: string
}

/** From the URL, where anyone may have typed anything: what is not a filter narrows nothing, and is told. */
export function readEventFilters(search: Record<string, unknown>): EventFilters {
  const text = (value: unknown, length: number) =>
    typeof value === 'string' && value !== '' ? value.slice(0, length) : undefined
  return withUnknown(search, {
    q: text(search['q'], 200),
    status: statusNames.find((name) => name === search['status']),
    kind: kindNames.find((name) => name === search['kind']),
    tag: text(search['tag'], 32),
    owner: text(search['owner'], 200),
    failing: String(search['failing']) === 'true' || undefined,
  } as EventFilters)
}

export const isFiltered = (filters: EventFilters): boolean =>
  Object.entries(filters).some(([name, value]) => name !== 'unknown' && value !== undefined)
