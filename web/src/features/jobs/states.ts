import type { Job } from '../../lib/api.ts'

export type JobState = Job['state']
export type Tone = 'waiting' | 'running' | 'passed' | 'failed' | 'cancelled'

interface StateWords {
  label: string
  tone: Tone
  /** One sentence for a tooltip. */
  meaning: string
}

export const states: Record<JobState, StateWords> = {
  blocked: { label: 'Blocked', tone: 'waiting', meaning: 'Waits for other jobs to end' },
  scheduled: { label: 'Scheduled', tone: 'waiting', meaning: 'Waits for its time' },
  queued: { label: 'Queued', tone: 'waiting', meaning: 'Waits for a runner' },
  leased: { label: 'Starting', tone: 'waiting', meaning: 'A runner has taken it' },
  running: { label: 'Running', tone: 'running', meaning: 'Runs now' },
  unknown: { label: 'Unknown', tone: 'running', meaning: 'Its runner has not been heard of for a while' },
  succeeded: { label: 'Passed', tone: 'passed', meaning: 'Ended with exit code 0' },
  failed: { label: 'Failed', tone: 'failed', meaning: 'Ended with an error' },
  timed_out: { label: 'Timed out', tone: 'failed', meaning: 'Stopped because its time was over' },
  oom_killed: { label: 'Out of memory', tone: 'failed', meaning: 'Killed for using more memory than its limit' },
  cancelled: { label: 'Cancelled', tone: 'cancelled', meaning: 'Stopped on request' },
  lost: { label: 'Lost', tone: 'failed', meaning: 'Its runner went away and did not come back' },
  skipped: { label: 'Skipped', tone: 'cancelled', meaning: 'A job that it depends on did not succeed' },
}

export const allStates = Object.keys(states) as JobState[]
export const tones: { tone: Tone; label: string }[] = [
  { tone: 'waiting', label: 'Waiting' },
  { tone: 'running', label: 'Running' },
  { tone: 'passed', label: 'Passed' },
  { tone: 'failed', label: 'Failed' },
  { tone: 'cancelled', label: 'Cancelled' },
]

const waiting: JobState[] = ['blocked', 'scheduled', 'queued']
const held: JobState[] = ['leased', 'running', 'unknown']
export const isWaiting = (state: JobState) => waiting.includes(state)
export const isEnded = (state: JobState) => !waiting.includes(state) && !held.includes(state)
/** A notice of a batch's end, delivered by a job of its own. */
export const isMessage = ({ executor }: Pick<Job, 'executor'>) => executor === 'message'
/** A message is sent again on the page of channels, with the id that its receiver knows. */
export const mayRunAgain = (job: Pick<Job, 'executor'>) => !isMessage(job)
