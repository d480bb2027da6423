import { withUnknown } from '../../lib/search-params.ts'
import type { Batch, StatusWord } from '../../lib/api.ts'
import { ages, type Age } from '../jobs/filters.ts'

export const batchWords: { word: StatusWord; label: string }[] = [
  { word: 'waiting', label: 'Waiting' },
  { word: 'running', label: 'Running' },
  { word: 'passed', label: 'Passed' },
  { word: 'failed', label: 'Failed' },
  { word: 'cancelled', label: 'Cancelled' },
]
export const isBatchWord = (value: unknown): value is StatusWord => batchWords.some(({ word }) => word === value)
export const labelOf = (wanted: StatusWord): string => batchWords.find(({ word }) => word === wanted)!.label

/** What the gallery shows; the same words stand in the URL. */
export interface BatchFilters {
  status?: StatusWord
  /** Part of the name. */
  name?: string
  owner?: string
  /** A span up to now, so that a kept link stays of use. */
  since?: Age
  /** What the URL has and no list of batches knows. */
  unknown?: string
}

/** From the URL, where anyone may have typed anything: what is not a filter narrows nothing, and is told. `q` is `name`. */
export function readBatchFilters(search: Record<string, unknown>): BatchFilters {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined)
  const since = search['since']
  const read: BatchFilters = {
    status: isBatchWord(search['status']) ? search['status'] : undefined,
    name: text(search['name'] ?? search['q']),
    owner: text(search['owner']),
    since: typeof since === 'string' && Object.hasOwn(ages, since) ? (since as Age) : undefined,
  }
  return withUnknown(search, read, { q: 'name' })
}

export const isFiltered = (filters: BatchFilters): boolean =>
  Object.entries(filters).some(([name, value]) => name !== 'unknown' && value !== undefined)

/** The same question that the server answers, for batches that change while the list is open. */
export function matches(batch: Batch, filters: BatchFilters): boolean {
  if (filters.status && batch.status !== filters.status) return false
  if (filters.owner && batch.owner !== filters.owner) return false
  return !filters.name || batch.name.toLowerCase().includes(filters.name.toLowerCase())
}
