import type { Job } from '../../lib/api.ts'
import { withUnknown } from '../../lib/search-params.ts'
import { executorKinds } from './place/executors.ts'
import { allStates, tones, type JobState, type Tone } from './states.ts'

/** How far back a list goes, in hours. */
export const ages = { hour: 1, day: 24, week: 24 * 7, month: 24 * 30 } as const
export type Age = keyof typeof ages
export const ageLabels: Record<Age, string> = {
  hour: 'Last hour',
  day: 'Last day',
  week: 'Last 7 days',
  month: 'Last 30 days',
}

/** Those that send nothing to a command among them. */
export const allExecutors: readonly string[] = [...executorKinds, 'http', 'message']

/** What the job list shows; the same words stand in the URL. */
export interface JobFilters {
  status?: Tone
  /** One exact state, finer than the status. */
  state?: JobState
  queue?: string
  executor?: string
  /** A host that it names. */
  host?: string
  owner?: string
  batch_id?: string
  /** `app=web`, several with commas: the job has all of them. */
  label?: string
  since?: Age
  /** Part of the name. */
  q?: string
  /** What the URL has and no list of jobs knows. */
  unknown?: string
}

/** From the URL, where anyone may have typed anything: what is not a filter narrows nothing, and is told. `name` is `q`. */
export function readFilters(search: Record<string, unknown>): JobFilters {
  const text = (value: unknown, length: number) =>
    typeof value === 'string' && value !== '' ? value.slice(0, length) : undefined
  const since = search['since']
  const read: JobFilters = {
    status: tones.find(({ tone }) => tone === search['status'])?.tone,
    state: allStates.find((state) => state === search['state']),
    queue: text(search['queue'], 63),
    executor: allExecutors.find((kind) => kind === search['executor']),
    host: text(search['host'], 63),
    owner: text(search['owner'], 200),
    batch_id: text(search['batch_id'], 12),
    label: text(search['label'], 500),
    since: typeof since === 'string' && Object.hasOwn(ages, since) ? (since as Age) : undefined,
    q: text(search['q'] ?? search['name'], 200),
  }
  return withUnknown(search, read, { name: 'q' })
}

export const isFiltered = (filters: JobFilters): boolean =>
  Object.entries(filters).some(([name, value]) => name !== 'unknown' && value !== undefined)

/** Whole minutes: the same question asked twice in a row stays the same question. */
export const sinceInstant = (age: Age, now: number): string =>
  new Date(Math.floor(now / 60_000) * 60_000 - ages[age] * 3_600_000).toISOString()

export const labelPairs = (label: string): string[] =>
  label
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')

/** The same question that the server answers, for jobs that change while the list is open. */
export function matches(job: Job, filters: JobFilters): boolean {
  if (filters.state && job.state !== filters.state) return false
  if (filters.status && job.status !== filters.status) return false
  if (filters.queue && job.queue !== filters.queue) return false
  if (filters.executor && job.executor !== filters.executor) return false
  if (filters.host && !job.hosts?.includes(filters.host)) return false
  if (filters.owner && job.owner !== filters.owner) return false
  if (filters.batch_id && job.batch_id !== filters.batch_id) return false
  if (filters.label && !labelPairs(filters.label).every((pair) => hasLabel(job, pair))) return false
  return !filters.q || job.name.toLowerCase().includes(filters.q.toLowerCase())
}

function hasLabel(job: Job, pair: string): boolean {
  const equals = pair.indexOf('=')
  return equals > 0 && job.labels?.[pair.slice(0, equals)] === pair.slice(equals + 1)
}
