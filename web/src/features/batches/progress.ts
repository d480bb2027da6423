import type { Batch, Job } from '../../lib/api.ts'

type Counts = Batch['counts']

/** In the order of the bar: what is done well, what is not, what goes on, what is to come. */
export const barParts = (counts: Counts) =>
  [
    { kind: 'passed', n: counts.passed },
    { kind: 'failed', n: counts.failed },
    { kind: 'cancelled', n: counts.cancelled },
    { kind: 'running', n: counts.running },
    { kind: 'waiting', n: counts.waiting },
  ] as const

export const doneOf = (counts: Counts): number => counts.passed + counts.failed + counts.cancelled

/** Whole percent that have ended; 100 only when all have. */
export function percentDone(counts: Counts): number {
  const done = doneOf(counts)
  if (done >= counts.total) return 100
  return Math.min(99, Math.floor((done / counts.total) * 100))
}

export const isOpen = (batch: Batch): boolean => batch.ended_at === null

/** How long it has taken, ms; null before its first job began. */
export function elapsedMs(batch: Batch, now: number): number | null {
  if (batch.started_at === null) return null
  return Math.max(0, (batch.ended_at ? Date.parse(batch.ended_at) : now) - Date.parse(batch.started_at))
}

/**
 * Milliseconds that the rest will take if it goes on as it has: null while too little is known (nothing has ended, or
 * less than two seconds have passed), or when nothing is left.
 */
export function etaMs(batch: Batch, now: number): number | null {
  const elapsed = elapsedMs(batch, now)
  const done = doneOf(batch.counts)
  const left = batch.counts.total - done
  if (batch.ended_at || elapsed === null || elapsed < 2000 || done === 0 || left <= 0) return null
  return (elapsed / done) * left
}

export interface FailureGroup {
  /** The same for members that failed in the same way. */
  key: string
  text: string
  members: Job[]
}

/** How a member failed, in one line. */
export function failureText(job: Job): string {
  const { result } = job
  if (result?.message) return result.message
  if (result?.error_class === 'exit' && result.exit_code !== null) return `exit code ${result.exit_code}`
  if (result?.signal) return `ended by ${result.signal}`
  return job.state.replace('_', ' ')
}

/** Ten thousand that failed are grouped at every update; a job is the same object until it changes. */
const keys = new WeakMap<Job, string>()

/** The same for members that failed alike: their text without its numbers, save that of an exit code. */
export function failureKeyOf(job: Job): string {
  const known = keys.get(job)
  if (known !== undefined) return known
  const key = failureText(job).replace(/(?<!code \d*)\d+/g, '#')
  keys.set(job, key)
  return key
}

/** Failed members by how they failed, the most frequent way first. */
export function failureGroups(members: readonly Job[]): FailureGroup[] {
  const groups = new Map<string, FailureGroup>()
  for (const job of members) {
    if (job.status !== 'failed') continue
    const key = failureKeyOf(job)
    const group = groups.get(key)
    if (group) group.members.push(job)
    else groups.set(key, { key, text: failureText(job), members: [job] })
  }
  return [...groups.values()].sort((a, b) => b.members.length - a.members.length)
}
