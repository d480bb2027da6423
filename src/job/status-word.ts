/** The words that each face of the product shows for a state; the one mapping (`settled.md`, Status words). */
import type { JobState } from './state.ts'

/** REST and dashboard: the counters of a batch (seed 001). */
export const batchWords = ['waiting', 'running', 'passed', 'failed', 'cancelled'] as const
export type BatchWord = (typeof batchWords)[number]

/** Command line and gRPC (seed 002). */
export const callWords = ['queued', 'running', 'completed', 'failed', 'terminated'] as const
export type CallWord = (typeof callWords)[number]

const words: Record<JobState, readonly [BatchWord, CallWord]> = {
  blocked: ['waiting', 'queued'],
  scheduled: ['waiting', 'queued'],
  queued: ['waiting', 'queued'],
  leased: ['waiting', 'queued'],
  running: ['running', 'running'],
  unknown: ['running', 'running'],
  succeeded: ['passed', 'completed'],
  failed: ['failed', 'failed'],
  timed_out: ['failed', 'failed'],
  oom_killed: ['failed', 'failed'],
  lost: ['failed', 'failed'],
  cancelled: ['cancelled', 'terminated'],
  skipped: ['cancelled', 'failed'],
}

export const batchWordOf = (state: JobState): BatchWord => words[state][0]
export const callWordOf = (state: JobState): CallWord => words[state][1]
export const statesOfBatchWord = (word: BatchWord): JobState[] =>
  (Object.keys(words) as JobState[]).filter((state) => batchWordOf(state) === word)
