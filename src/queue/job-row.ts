/** A job as it is read from the database. */
import type { JobOutcome } from '../job/outcome.ts'
import type { Outputs } from '../job/outputs.ts'
import type { StoredSpec } from '../job/spec.ts'
import type { JobState } from '../job/state.ts'

export interface JobRow {
  jobKey: string
  publicId: string
  ownerId: string
  /** Username. */
  owner: string
  queue: string
  state: JobState
  stateSince: Date
  name: string
  /** Without `payload` in lists. */
  spec: StoredSpec
  /** Null in lists. */
  envSealed: Buffer | null
  priority: number
  createdAt: Date
  notBefore: Date | null
  scheduledFor: 'delay' | 'backoff' | null
  blockersLeft: number
  maxAttempts: number
  attemptsSpent: number
  lastAttempt: number
  /** Name of the runner of the last attempt; null before the first. */
  runner: string | null
  cancelRequestedAt: Date | null
  cancelReason: string | null
  startedAt: Date | null
  endedAt: Date | null
  outcome: JobOutcome | null
  /** What its next or last attempt has in the place of its memory limit, grown after one that was killed for it. */
  memoryBytes: string | null
  /** What it wrote to `RUNYARD_OUTPUT`. */
  outputs: Outputs | null
  /** Of the last attempt's output; null until its log is sealed. */
  truncatedBytes: number | null
  rerunOf: string | null
  /** Public id of its batch, and its place in it. */
  batchId: string | null
  batchIndex: number | null
  /** Public id of the run of a pipeline that it is a task of. */
  pipelineRunId: string | null
}

export const jobColumns = `j.id as "jobKey", j.public_id as "publicId", j.owner_id as "ownerId", u.username as owner,
  q.name as queue, j.state, j.state_since as "stateSince", j.name, j.priority, j.created_at as "createdAt",
  j.not_before as "notBefore", j.scheduled_for as "scheduledFor", j.blockers_left as "blockersLeft",
  j.max_attempts as "maxAttempts", j.attempts_spent as "attemptsSpent", j.last_attempt as "lastAttempt",
  j.cancel_requested_at as "cancelRequestedAt", j.cancel_reason as "cancelReason", j.started_at as "startedAt",
  j.ended_at as "endedAt", j.outcome, j.outputs, j.memory_bytes as "memoryBytes", j.rerun_of as "rerunOf",
  case when b.kind = 'batch' then b.public_id end as "batchId",
  case when b.kind = 'batch' then j.run_index end as "batchIndex",
  case when b.kind = 'pipeline' then b.public_id end as "pipelineRunId",
  (select (a.log->>'truncated_bytes')::float8 from attempts a where a.job_id = j.id and a.number = j.last_attempt)
    as "truncatedBytes",
  (select w.name from attempts a join runners w on w.id = a.runner_id where a.job_id = j.id and a.number = j.last_attempt)
    as runner`
export const jobTables = `jobs j join users u on u.id = j.owner_id join queues q on q.id = j.queue_id
  left join runs b on b.id = j.run_id`
