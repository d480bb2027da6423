/** Pipelines (seed 004): definitions with their versions, and the start of a run. */
import * as z from 'zod'
import { depthOf } from '../../lib/json.ts'
import { parameterTypes, pipelineLimits, queueStrategies } from '../../job/pipeline.ts'
import { base, instant, page, publicId, queryFlag, queryInt, withIdempotencyKey } from './base.ts'
import { pipelineName, runSchema, runStatuses } from './pipeline-runs.ts'

const tags = ['pipelines']

const onlyName = z.strictObject({ name: pipelineName })
const versionNumber = queryInt(1, 1_000_000_000)
const variable = z
  .unknown()
  .refine(
    (value) => depthOf(value, pipelineLimits.variablesDepth) <= pipelineLimits.variablesDepth,
    `at most ${pipelineLimits.variablesDepth} levels deep`,
  )
  .pipe(z.json())
export const variables = z.record(z.string().min(1).max(200), variable)

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

const lastRun = z.object({
  id: publicId,
  status: z.enum(runStatuses),
  created_at: instant,
  ended_at: instant.nullable(),
})
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
  last_run: lastRun.nullable(),
  /** Up to ten, newest first. */
  last_runs: z.array(lastRun),
  /** Paused ones too. */
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

export const pipelines = { list, get, check, put, delete: remove, versions, diff, restore, start }
