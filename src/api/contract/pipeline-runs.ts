/** Runs of pipelines and their tasks: looked at, cancelled, decided about, repeated, deleted. */
import * as z from 'zod'
import { taskStates } from '../../job/pipeline.ts'
import { jobStates } from '../../job/state.ts'
import { base, instant, page, publicId, queryFlag, queryList, withIdempotencyKey } from './base.ts'

export { taskStates }

const tags = ['pipelines']

/** As in the YAML; a path pattern of its own, so that `%2F` and `..` name nothing. */
const nameOf = (what: string) =>
  z
    .string()
    .min(1)
    .max(128)
    .regex(/^[^/\\\p{Cc}]+$/u, `is the name of a ${what}: must not contain / or \\, nor control characters`)
export const pipelineName = nameOf('pipeline')
const taskName = nameOf('task')
/** Public id, or prunner's UUID. */
export const runIdPattern = /^([0-9a-z]{12}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/
export const runId = z.string().regex(runIdPattern, 'is the id of a run: 12 characters 0-9 and a-z, or a UUID')
const onlyRun = z.strictObject({ id: runId })
export const runStatuses = ['waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const

const taskCounts = z.object({
  waiting: z.int(),
  running: z.int(),
  approval: z.int(),
  done: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  skipped: z.int(),
  total: z.int(),
})
export const runSchema = z.object({
  id: publicId,
  /** prunner's job id. */
  uuid: z.uuid(),
  pipeline: z.string(),
  version: z.int(),
  status: z.enum(runStatuses),
  /** Of a waiting one: for what. */
  waiting_reason: z.string().nullable(),
  /** Of a waiting one: its place on the pipeline's list, from 1. */
  position: z.int().nullable(),
  owner: z.string(),
  /** The name that a host application gave. */
  label: z.string().nullable(),
  trigger: z.enum(['manual', 'schedule', 'pipeline', 'rerun']),
  variables: z.record(z.string(), z.json()),
  queue_partition: z.string().nullable(),
  created_at: instant,
  not_before: instant.nullable(),
  /** When its first task began. */
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  duration_ms: z.number().nullable(),
  cancel_requested: z.boolean(),
  last_error: z.string().nullable(),
  rerun_of: publicId.nullable(),
  parent: z.object({ run: publicId, task: z.string() }).nullable(),
  tasks: taskCounts,
})
export type PipelineRun = z.infer<typeof runSchema>

const listRuns = base
  .route({ method: 'GET', path: '/pipeline-runs', tags, summary: 'List runs, newest first' })
  .input(
    z.strictObject({
      ...page,
      pipeline: pipelineName.optional(),
      status: queryList(z.enum(runStatuses)).optional(),
      owner: z.string().min(1).max(200).optional(),
      trigger: queryList(z.enum(['manual', 'schedule', 'pipeline', 'rerun'])).optional(),
      since: instant.optional(),
      until: instant.optional(),
    }),
  )
  .output(z.object({ runs: z.array(runSchema), next_cursor: z.string().nullable() }))
const getRun = base
  .route({ method: 'GET', path: '/pipeline-runs/{id}', tags, summary: 'One run' })
  .input(onlyRun)
  .output(runSchema)

export const taskSchema = z.object({
  name: z.string(),
  /** Of a task that fans out: which instance; null: the task itself. */
  item: z.int().nullable(),
  value: z.json().optional(),
  kind: z.enum(['script', 'pipeline', 'approval', 'on_error']),
  depends_on: z.array(z.string()),
  state: z.enum(taskStates),
  allow_failure: z.boolean(),
  /** Its log: GET /jobs/{job_id}/logs */
  job_id: publicId.nullable(),
  job_state: z.enum(jobStates).nullable(),
  /** Why its job waits. */
  waiting_reason: z.string().nullable(),
  /** Attempts so far. */
  attempts: z.int(),
  /** Run of its sub-pipeline. */
  child_run: publicId.nullable(),
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  duration_ms: z.number().nullable(),
  exit_code: z.int().nullable(),
  error: z.string().nullable(),
  /** Of one that is done or failed: what its job's outcome says besides, such as `no artefact at dist`. */
  job_note: z.string().nullable(),
  outputs: z.record(z.string(), z.string()).nullable(),
  /** On the longest chain of times, which decides how long the run takes. */
  critical: z.boolean(),
  approval: z
    .object({
      message: z.string().nullable(),
      decision: z.enum(['approved', 'rejected', 'timed_out']).nullable(),
      decided_by: z.string().nullable(),
      decided_at: instant.nullable(),
      note: z.string().nullable(),
    })
    .nullable(),
})
export type PipelineTask = z.infer<typeof taskSchema>
const listTasks = base
  .route({
    method: 'GET',
    path: '/pipeline-runs/{id}/tasks',
    tags,
    summary: 'Its tasks in topological order, ties by name; instances after their task',
  })
  .input(
    z.strictObject({
      id: runId,
      state: queryList(z.enum(taskStates)).optional(),
      /** Instances of this one only. */
      name: taskName.optional(),
      /** With the instances of tasks that fan out. */
      items: queryFlag.default(true),
    }),
  )
  .output(z.object({ tasks: z.array(taskSchema) }))

const cancelRun = base
  .route({
    method: 'POST',
    path: '/pipeline-runs/{id}/cancel',
    tags,
    successStatus: 202,
    summary: 'Cancel a run: a waiting one leaves the list, a running one stops its interruptible tasks',
  })
  .input(z.strictObject({ id: runId, reason: z.string().trim().min(1).max(500).optional() }))
  .output(runSchema)
const taskKey = { id: runId, task: taskName, item: z.int().min(0).optional() }
const cancelTask = base
  .route({
    method: 'POST',
    path: '/pipeline-runs/{id}/tasks/{task}/cancel',
    tags,
    successStatus: 202,
    summary: 'Cancel one task; its dependents are skipped',
  })
  .input(z.strictObject({ ...taskKey, reason: z.string().trim().min(1).max(500).optional() }))
  .output(taskSchema)
const decide = base
  .route({
    method: 'POST',
    path: '/pipeline-runs/{id}/tasks/{task}/decide',
    tags,
    summary: 'Approve or reject a task that waits for somebody',
  })
  .input(z.strictObject({ ...taskKey, approve: z.boolean(), note: z.string().trim().min(1).max(1000).optional() }))
  .output(taskSchema)
const rerun = base
  .route({
    method: 'POST',
    path: '/pipeline-runs/{id}/rerun',
    tags,
    successStatus: 202,
    summary: 'A new run of the same definition: from what failed, taking over what ended well, or from the start',
    spec: withIdempotencyKey,
  })
  .input(z.strictObject({ id: runId, from: z.enum(['failed', 'start']).default('failed') }))
  .output(runSchema)
const deleteRun = base
  .route({
    method: 'DELETE',
    path: '/pipeline-runs/{id}',
    tags,
    successStatus: 204,
    summary: 'Delete an ended run with its jobs, logs and artefacts',
  })
  .input(onlyRun)

export const pipelineRuns = {
  list: listRuns,
  get: getRun,
  tasks: listTasks,
  cancel: cancelRun,
  cancelTask,
  decide,
  rerun,
  delete: deleteRun,
}
