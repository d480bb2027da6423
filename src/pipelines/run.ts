/** A run of a pipeline and its tasks, as the database has them, and what the engine asks of those above it. */
import type { Queryable } from '../db/pool.ts'
import type { JobSettings, PipelineDefinition, RunResult } from '../job/pipeline.ts'
import type { RetryPolicy } from '../job/retry.ts'
import type { NotifyRule } from '../queue/runs.ts'
import type { NewJob } from '../queue/types.ts'

/** `waiting`: not admitted yet; `ended` has a result. */
export type RunState = 'waiting' | 'running' | 'ended'

export type Variables = Record<string, unknown>

export interface PipelineRef {
  pipelineId: string
  name: string
  versionId: string
  version: number
  definition: PipelineDefinition
  /** Of a file; null: stored through the API. */
  root: string | null
}

export interface StartRun {
  pipeline: PipelineRef
  ownerId: string
  /** Checked against the parameters, defaults filled in. */
  variables: Variables
  queuePartition: string | null
  label: string | null
  trigger: 'manual' | 'schedule' | 'pipeline' | 'rerun'
  /** `depth`: of the new run, one more than its parent's. */
  parent?: { runKey: string; task: string; item: number; depth: number }
  /** Runs again what did not end well of an earlier run; what did is taken over with its outputs. */
  rerun?: { runKey: string; publicId: string; from: 'failed' | 'start' }
  idempotency?: { key: string; bodyHash: Buffer }
}

export interface StartedRun {
  runKey: string
  publicId: string
  uuid: string
  state: RunState
  /** Public id of the waiting run that it took the place of. */
  replaced: string | null
  /** The idempotency key was used before. */
  replayed: boolean
}

/** A task's job as the engine wants it: policy, sealing and the rest are the business of whoever makes it. */
export interface TaskJob {
  ownerId: string
  /** `<pipeline>/<task>` */
  name: string
  command: string[]
  env: Record<string, string>
  /** Project root of a pipeline that is a file: the job gets the profile `project`. */
  root: string | null
  settings: JobSettings
  maxAttempts: number
  retry: Pick<
    RetryPolicy,
    'backoff_seconds' | 'factor' | 'max_backoff_seconds' | 'memory_factor' | 'memory_max_bytes'
  > | null
  timeoutSeconds: number | null
  artifacts: string[]
  /** Public ids of jobs whose artefacts it needs, by the name of the directory under /artifacts. */
  artifactsFrom: Record<string, string[]>
}

export interface EndedPipelineRun {
  key: string
  publicId: string
  ownerId: string
  pipeline: string
  result: RunResult
  lastError: string | null
  notify: NotifyRule[]
  createdAt: Date
  startedAt: Date | null
  endedAt: Date
}

/** Given by `operations/`, which alone knows policy, keys and messages. */
export interface PipelineHooks {
  /** Throws AppError when the task's job is not allowed: the task fails with these words. */
  newJob(task: TaskJob): NewJob
  /**
   * Of jobs that name an executor: their hosts by name, in their specs. In order, why one may not be there; then its task
   * fails with these words.
   */
  placeJobs(tx: Queryable, ownerId: string, jobs: readonly NewJob[]): Promise<(string | null)[]>
  /** In the transaction of the end. */
  runsEnded(tx: Queryable, ended: EndedPipelineRun[]): Promise<void>
  /** Of a sub-pipeline: with the defaults of those that are missing. Throws AppError when one is wrong. */
  checkVariables(definition: PipelineDefinition, given: Variables): Variables
  /** The last `bytes` of each stream of a job, by public id. */
  readOutput(jobId: string, bytes: number): Promise<{ stdout: string; stderr: string }>
}
