/** The seed's words for states of an event's run, beside the job's own. */
import { jobStates, type JobState } from './state.ts'

export const eventRunStatuses = ['queued', 'claimed', 'processing', 'completed', 'failed', 'cancelled'] as const
export type EventRunStatus = (typeof eventRunStatuses)[number]

const words: Record<JobState, EventRunStatus> = {
  blocked: 'queued',
  scheduled: 'queued',
  queued: 'queued',
  leased: 'claimed',
  running: 'processing',
  unknown: 'processing',
  succeeded: 'completed',
  failed: 'failed',
  timed_out: 'failed',
  oom_killed: 'failed',
  lost: 'failed',
  cancelled: 'cancelled',
  skipped: 'cancelled',
}

export const eventRunStatusOf = (state: JobState): EventRunStatus => words[state]
export const statesOfEventRunStatus = (status: EventRunStatus): JobState[] =>
  jobStates.filter((state) => words[state] === status)
