/** Pipelines (seed 004): definitions with their versions, runs with live tasks, and the waiting list. */
import * as z from 'zod'
import { jobStates } from '../../job/state.ts'
import { parameterTypes, pipelineLimits, queueStrategies, taskStates } from '../../job/pipeline.ts'
import { base, instant, page, publicId, queryFlag, queryInt, queryList, withIdempotencyKey } from './base.ts'

const tags = ['pipelines']

/** As in the YAML; a path pattern of its own, so that `%2F` and `..` name nothing. */
const pipelineName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^/\\\p{Cc}]+$/u, 'is the name of a pipeline')
const onlyName = z.strictObject({ name: pipelineName })
/** Public id, or prunner's UUID. */
export const runId = z
  .string()
  .regex(
    /^([0-9a-z]{12}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/,
    'is the id of a run: 12 characters 0-9 and a-z, or a UUID',
  )
const onlyRun = z.strictObject({ id: runId })
const versionNumber = queryInt(1, 1_000_000_000)
const variables = z.record(z.string().min(1).max(200), z.json())

const problem = z.object({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  /** e.g. `pipelines.build.tasks.test.depends_on[0]` */
  path: z.string(),
  message: z.string(),
  severity: z.enum(['error', 'warning']),
})
const parameter = z.object({
  type: z.enum(parameterTypes),
  description: z.string().nullable(),
  default: z.json().optional(),
  required: z.boolean(),
  choices: z.array(z.string()),
})

export const runStatuses = ['waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const

const pipelineSchema = z.object({
  name: z.string(),
  description: z.string().nullable(),
  /** `file`: of a pipelines.yml; `stored`: put through this API. */
  source: z.enum(['file', 'stored']),
  path: z.string().nullable(),
  /** Who stored it. */
  owner: z.string().nullable(),
  version: z.int(),
  /** Its tasks. */
  tasks: z.int(),
  concurrency: z.int(),
  queue_limit: z.int().nullable(),
  queue_strategy: z.enum(queueStrategies),
  /** A start would be taken now, at once or on the waiting list. */
  startable: z.boolean(),
  /** Why not. */
  not_startable: z.string().nullable(),
  running: z.int(),
  waiting: z.int(),
  parameters: z.record(z.string(), parameter),
  last_run: z
    .object({ id: publicId, status: z.enum(runStatuses), created_at: instant, ended_at: instant.nullable() })
    .nullable(),
  schedules: z.int(),
  next_run_at: instant.nullable(),
  /** What is wrong with its newest source; `version` stays in force. */
  problems: z.array(problem),
  /** Its file is gone, or it was deleted. */
  gone: z.boolean(),
  created_at: instant,
  updated_at: instant,
})
export type Pipeline = z.infer<typeof pipelineSchema>

const taskShape = z.object({
  name: z.string(),
  kind: z.enum(['script', 'pipeline', 'approval']),
  description: z.string().nullable(),
  depends_on: z.array(z.string()),
  allow_failure: z.boolean(),
  script: z.array(z.string()),
  fans_out: z.boolean(),
})
const pipelineDetail = pipelineSchema.extend({
  graph: z.array(taskShape),
  on_error: z.boolean(),
  /** As it was written. */
  source_text: z.string(),
  /** Defaults filled in, durations in milliseconds. */
  definition: z.json(),
})
export type PipelineDetail = z.infer<typeof pipelineDetail>

const list = base
  .route({ method: 'GET', path: '/pipelines', tags, summary: 'List pipelines by name' })
  .input(
    z.strictObject({
      cursor: z.string().max(200).optional(),
      limit: queryInt(1, 500).default(100),
      /** Part of the name or description, any case. */
      search: z.string().min(1).max(200).optional(),
      source: z.enum(['file', 'stored']).optional(),
      gone: queryFlag.default(false),
    }),
  )
  .output(
    z.object({
      pipelines: z.array(pipelineSchema),
      next_cursor: z.string().nullable(),
      /** Of files in which no pipeline could be found, e.g. broken YAML. */
      problems: z.array(problem),
    }),
  )
const get = base
  .route({ method: 'GET', path: '/pipelines/{name}', tags, summary: 'One pipeline with its graph and source' })
  .input(z.strictObject({ name: pipelineName, version: versionNumber.optional() }))
  .output(pipelineDetail)

const source = z.string().min(1).max(pipelineLimits.fileBytes).describe('YAML, `pipelines:` at its root')
const check = base
  .route({
    method: 'POST',
    path: '/pipelines/check',
    tags,
    summary: 'What a pipelines.yml means and what is wrong with it; makes nothing',
  })
  .input(z.strictObject({ source, strict: z.boolean().default(false) }))
  .output(z.object({ pipelines: z.array(z.object({ name: z.string(), tasks: z.int() })), problems: z.array(problem) }))
const put = base
  .route({
    method: 'PUT',
    path: '/pipelines/{name}',
    tags,
    summary: 'Store a pipeline, or a new version of it; the same content is no new version',
  })
  .input(
    z.strictObject({
      name: pipelineName,
      /** With exactly this pipeline in it. */
      source,
      strict: z.boolean().default(false),
      /** Refused when another version is in force. */
      expected_version: z.int().min(0).optional(),
    }),
  )
  .output(pipelineDetail)
const remove = base
  .route({
    method: 'DELETE',
    path: '/pipelines/{name}',
    tags,
    successStatus: 204,
    summary: 'Delete a stored pipeline: no new runs, waiting ones are cancelled, what runs goes on',
  })
  .input(onlyName)

const version = z.object({
  number: z.int(),
  created_at: instant,
  created_by: z.string().nullable(),
  tasks: z.int(),
  current: z.boolean(),
})
export type PipelineVersion = z.infer<typeof version>
const versions = base
  .route({ method: 'GET', path: '/pipelines/{name}/versions', tags, summary: 'Its versions, newest first' })
  .input(z.strictObject({ name: pipelineName, ...page }))
  .output(z.object({ versions: z.array(version), next_cursor: z.string().nullable() }))
const diff = base
  .route({ method: 'GET', path: '/pipelines/{name}/diff', tags, summary: 'What changed between two versions' })
  .input(z.strictObject({ name: pipelineName, from: versionNumber, to: versionNumber }))
  .output(
    z.object({
      from: z.int(),
      to: z.int(),
      /** Lines of the source in order. */
      lines: z.array(z.object({ kind: z.enum(['same', 'added', 'removed']), text: z.string() })),
    }),
  )
const restore = base
  .route({
    method: 'POST',
    path: '/pipelines/{name}/versions/{number}/restore',
    tags,
    summary: 'Store an earlier version of a stored pipeline as the newest',
  })
  .input(z.strictObject({ name: pipelineName, number: versionNumber }))
  .output(pipelineDetail)

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
const runSchema = z.object({
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

const start = base
  .route({
    method: 'POST',
    path: '/pipelines/{name}/runs',
    tags,
    successStatus: 202,
    summary: 'Start a run: at once, or on the waiting list as the pipeline says',
    description: '409 when the waiting list is full; 422 names every wrong variable.',
    spec: withIdempotencyKey,
  })
  .input(
    z.strictObject({
      name: pipelineName,
      variables: variables.default({}),
      queue_partition: z.string().min(1).max(200).optional(),
    }),
  )
  .output(runSchema)

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

const taskSchema = z.object({
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
      name: z.string().min(1).max(128).optional(),
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
const taskKey = { id: runId, task: z.string().min(1).max(128), item: z.int().min(0).optional() }
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

export const pipelines = { list, get, check, put, delete: remove, versions, diff, restore, start }
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
