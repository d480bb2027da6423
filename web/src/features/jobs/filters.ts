import type { Job } from '../../lib/api.ts'
import { allStates, tones, type JobState, type Tone } from './states.ts'

/** What the job list shows; the same words stand in the URL. */
export interface JobFilters {
  status?: Tone
  /** One exact state, finer than the status. */
  state?: JobState
  queue?: string
  /** Part of the name. */
  q?: string
}

/** From the URL, where anyone may have typed anything: what is not a filter is left out. */
export function readFilters(search: Record<string, unknown>): JobFilters {
  const text = (value: unknown, length: number) =>
    typeof value === 'string' && value !== '' ? value.slice(0, length) : undefined
  return {
    status: tones.find(({ tone }) => tone === search['status'])?.tone,
    state: allStates.find((state) => state === search['state']),
    queue: text(search['queue'], 63),
    q: text(search['q'], 200),
  }
}

export const isFiltered = (filters: JobFilters): boolean => Object.values(filters).some((value) => value !== undefined)

/** The same question that the server answers, for jobs that change while the list is open. */
export function matches(job: Job, filters: JobFilters): boolean {
  if (filters.state && job.state !== filters.state) return false
  if (filters.status && job.status !== filters.status) return false
  if (filters.queue && job.queue !== filters.queue) return false
  return !filters.q || job.name.toLowerCase().includes(filters.q.toLowerCase())
}
