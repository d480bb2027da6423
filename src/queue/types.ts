/** What the verbs of this folder take and give. Keys and tokens are decimal strings: an int8 does not fit a JS number. */
import type { Outcome } from '../job/outcome.ts'
import type { Outputs } from '../job/outputs.ts'
import type { StoredSpec } from '../job/spec.ts'
import type { JobState } from '../job/state.ts'

/** The fence: every write about an attempt names all three, and is refused when one does not match. */
export interface AttemptRef {
  jobKey: string
  number: number
  token: string
}

/** Who says so: a message of an earlier process of the same runner is stale. */
export interface FromRunner {
  runnerId: string
  session: string
}

export interface NewJob {
  publicId: string
  /** Its `depends_on` names ended, waiting or running jobs of the same owner, or earlier jobs of the same call. */
  spec: StoredSpec
  envSealed: Buffer | null
  laneCpuMillis: number
  laneMemoryMib: number
  rerunOf?: string
}

export interface ClaimedJob extends AttemptRef {
  publicId: string
  spec: StoredSpec
  envSealed: Buffer | null
  ownerId: string
}

/** What a runner offers; the database's own count of what it holds has the last word. */
export interface RunnerOffer extends FromRunner {
  slots: number
  /** Messages that it would take beside the jobs in its slots. */
  messages: number
  cpuMillis: number
  memoryMib: number
  /** Everything the runner already has; a lease that is not in here is delivered again. */
  held: AttemptRef[]
}

/** As the log store sealed it. */
export interface LogSummary {
  length: number
  stdout_bytes: number
  stderr_bytes: number
  truncated_bytes: number
}

export interface StartedItem extends FromRunner {
  ref: AttemptRef
  startedAt: Date
  unenforced?: string[]
}
export interface FinishItem extends FromRunner {
  ref: AttemptRef
  outcome: Outcome
  /** `short`: the log came with the report and is stored on the way, when it is certain that the sender holds the attempt. */
  log: LogSummary | 'short' | null
  /** Kept when this attempt ends the job. */
  outputs?: Outputs
}
export interface HandBackItem extends FromRunner {
  ref: AttemptRef
}

export type Accepted = 'accepted' | 'stale'
/** `log_refused`: the log that came with it could not be stored; nothing was changed. */
export type Finished = Accepted | 'log_refused'
/** `results` in the order of the items; `changed` are the public ids of all jobs whose row changed. */
export interface Reported {
  results: Accepted[]
  changed: string[]
}

export interface HeartbeatItem extends FromRunner {
  held: AttemptRef[]
}
export interface HeartbeatResult {
  renewed: AttemptRef[]
  cancel: AttemptRef[]
  /** Those of `cancel` that get no grace. */
  kill: AttemptRef[]
  stale: AttemptRef[]
}

export interface CancelInput {
  publicId: string
  /** When given, a job of anybody else does not exist. */
  ownerId?: string
  reason?: string
  /** Skip the grace: what runs is killed at once, also when a plain cancel was asked for before. */
  force?: boolean
}
export interface CancelResult {
  publicId: string
  state: JobState
  /** An attempt holds the job; its runner stops it. False: the job is cancelled already. */
  requested: boolean
}

export const attemptKey = (ref: Pick<AttemptRef, 'jobKey' | 'number'>): string => `${ref.jobKey}-${ref.number}`
