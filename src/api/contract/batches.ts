/** Batches (seed 001): up to 10,000 jobs in one call, with live counters; fans and templates. */
import * as z from 'zod'
import { notifyOn } from '../../job/batch-document.ts'
import { axisPattern } from '../../job/matrix.ts'
import { specLimits } from '../../job/spec.ts'
import { withItsMistakes } from './batch-mistakes.ts'
import { batchTests, testCounts } from './test-results.ts'
import { base, batchId, instant, page, publicId, queryFlag, queryList, withIdempotencyKey } from './base.ts'

const tags = ['batches']
const onlyId = z.strictObject({ id: batchId })

export { axisPattern, notifyOn }
export { paramsUsed } from '../../job/fill.ts'
export type { Notify } from '../../job/batch-document.ts'
export type { Combination, Scalar } from '../../job/matrix.ts'
export const notifySchema = z.strictObject({
  /** Name of a channel. */
  channel: z.string().min(1).max(100),
  on: z.array(z.enum(notifyOn)).min(1).default(['ended']),
})

const scalar = z.union([z.string().max(1000), z.number(), z.boolean()])
/** `{"browser": ["chrome", "firefox"], "shard": ["1..20"]}`; a text `a..b` is all whole numbers from a to b. */
export const matrixSchema = z.record(
  z.string().regex(axisPattern, 'an axis has letters, digits and _ only'),
  z.array(scalar).min(1).max(specLimits.submitBatch),
)
const combination = z.record(z.string(), scalar)

export const templateNamePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/
const templateName = z.string().regex(templateNamePattern, 'has lower-case letters, digits, . _ and - only')
const templateReference = z
  .string()
  .regex(/^([^/]{1,128}\/)?[a-z0-9][a-z0-9._-]{0,62}$/, 'is the name of a template, or owner/name')

/** A job of a batch: checked as a job once the defaults are in it, so that the error names its place in the list. */
const member = z.record(z.string(), z.unknown()).meta({
  description: 'As in POST /jobs; what is missing comes from `defaults`.',
  examples: [{ name: 'test-1', command: ['pytest', 'tests/test_1.py'] }],
})

const batchBody = {
  name: z.string().trim().min(1).max(specLimits.nameLength),
  description: z.string().max(2000).optional(),
  /** Any field of a job; `env`, `secret_env`, `labels`, `required_labels` and `limits` are joined, others are replaced by the job's own. */
  defaults: z.record(z.string(), z.unknown()).optional(),
  jobs: z.array(member).max(specLimits.submitBatch).optional(),
  /** One job for each combination of the axes, made from `job`. */
  matrix: matrixSchema.optional(),
  /** Further combinations, or more values for those that agree with one. */
  include: z.array(combination).max(specLimits.submitBatch).optional(),
  /** Combinations that are left out: those that agree with one of these. */
  exclude: z.array(combination).max(specLimits.submitBatch).optional(),
  /** The job of the matrix: `{{matrix.browser}}` and `{{params.x}}` are filled in, wherever there is text. */
  job: member.optional(),
  /** Values for `{{params.x}}`. */
  params: z.record(z.string(), scalar).optional(),
  notify: z.array(notifySchema).max(20).optional(),
}
export const batchInput = z.strictObject({
  ...batchBody,
  name: batchBody.name.optional().describe('Needed unless a template has one'),
  /** Of yours, else the one that is shared; `owner/name` is exactly that. What is given here goes over what it has. */
  template: templateReference.optional(),
})
export type BatchInput = z.input<typeof batchInput>
export const templateBody = z.strictObject({ ...batchBody, name: batchBody.name.optional() })

const counts = z.object({
  waiting: z.int(),
  running: z.int(),
  passed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  total: z.int(),
})

export const batchStates = ['waiting', 'running', 'passed', 'failed', 'cancelled'] as const

export const batchSchema = z.object({
  id: publicId,
  name: z.string(),
  description: z.string().nullable(),
  owner: z.string(),
  /** `passed` when all did; `failed` when one did not; while it is open, `running` once one has begun. */
  status: z.enum(batchStates),
  counts,
  /** Null: none of its jobs has reported tests. */
  tests: testCounts.nullable(),
  created_at: instant,
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  duration_ms: z.number().nullable(),
  cancel_requested: z.boolean(),
  /** Somebody declared it complete before its jobs had ended. */
  forced: z.boolean(),
  rerun_of: publicId.nullable(),
  template: z.string().nullable(),
  notify: z.array(z.object({ channel: z.string(), on: z.array(z.enum(notifyOn)) })),
})
export type Batch = z.infer<typeof batchSchema>

const create = base
  .route({
    method: 'POST',
    path: '/job-batches',
    tags,
    successStatus: 202,
    summary: `Submit up to ${specLimits.submitBatch} jobs as one batch, all or none`,
    description: 'Every wrong job is named by its place: `jobs[3].command`. Nothing is made when one is wrong.',
    spec: withIdempotencyKey,
  })
  .input(withItsMistakes(batchInput))
  .output(batchSchema)

const preview = base
  .route({
    method: 'POST',
    path: '/job-batches/preview',
    tags,
    summary: 'What a batch would be: its jobs, and all that is wrong with them; makes nothing',
  })
  .input(withItsMistakes(z.strictObject({ ...batchInput.shape, limit: z.int().min(1).max(1000).default(100) })))
  .output(
    z.object({
      total: z.int(),
      /** The first `limit`, after defaults. */
      jobs: z.array(
        z.object({
          index: z.int(),
          name: z.string(),
          command: z.array(z.string()),
          /** Its values on the axes. */
          matrix: z.record(z.string(), scalar).optional(),
        }),
      ),
      errors: z.array(z.object({ field: z.string(), message: z.string() })),
    }),
  )

const list = base
  .route({ method: 'GET', path: '/job-batches', tags, summary: 'List batches, newest first' })
  .input(
    z.strictObject({
      ...page,
      status: queryList(z.enum(batchStates)).optional(),
      /** Part of the name, any case. */
      name: z.string().min(1).max(200).optional(),
      owner: z.string().min(1).max(200).optional(),
      since: instant.optional(),
      until: instant.optional(),
      /** Made by running this batch again. */
      rerun_of: batchId.optional(),
    }),
  )
  .output(z.object({ batches: z.array(batchSchema), next_cursor: z.string().nullable() }))

const get = base
  .route({ method: 'GET', path: '/job-batches/{id}', tags, summary: 'One batch; its jobs: GET /jobs?batch_id=' })
  .input(onlyId)
  .output(batchSchema)

const cancel = base
  .route({
    method: 'POST',
    path: '/job-batches/{id}/cancel',
    tags,
    successStatus: 202,
    summary: 'Cancel every job of a batch that has not ended',
  })
  .input(
    z.strictObject({
      id: batchId,
      reason: z.string().trim().min(1).max(500).optional(),
      force: z.boolean().optional(),
    }),
  )
  .output(z.object({ batch: batchSchema, cancelled: z.int(), stopping: z.int() }))

const complete = base
  .route({
    method: 'POST',
    path: '/job-batches/{id}/complete',
    tags,
    successStatus: 202,
    summary: 'Force a batch to be complete: what waits is cancelled, what runs is killed, its end is told now',
  })
  .input(z.strictObject({ id: batchId, reason: z.string().trim().min(1).max(500).optional() }))
  .output(batchSchema)

const rerun = base
  .route({
    method: 'POST',
    path: '/job-batches/{id}/rerun',
    tags,
    successStatus: 202,
    summary: 'A new batch of the jobs of this one: all, or those that did not pass',
    spec: withIdempotencyKey,
  })
  .input(z.strictObject({ id: batchId, only: z.enum(['all', 'failed']).default('all') }))
  .output(batchSchema)

const remove = base
  .route({
    method: 'DELETE',
    path: '/job-batches/{id}',
    tags,
    successStatus: 204,
    summary: 'Delete an ended batch with its jobs and their logs',
  })
  .input(onlyId)

const template = z.object({
  name: z.string(),
  description: z.string().nullable(),
  owner: z.string(),
  shared: z.boolean(),
  body: templateBody,
  created_at: instant,
  updated_at: instant,
})
export type BatchTemplate = z.infer<typeof template>
const templateKey = { name: templateName, owner: z.string().min(1).max(128).optional().describe('Yours when missing') }

const putTemplate = base
  .route({ method: 'PUT', path: '/batch-templates/{name}', tags, summary: 'Store a batch under a name, or replace it' })
  .input(
    z.strictObject({
      ...templateKey,
      description: z.string().max(2000).nullable().default(null),
      shared: z.boolean().default(false),
      /** As POST /job-batches; without values that are secret. */
      body: templateBody,
    }),
  )
  .output(template)
const listTemplates = base
  .route({ method: 'GET', path: '/batch-templates', tags, summary: 'Your templates and the shared ones' })
  .input(z.strictObject({ shared: queryFlag.optional() }))
  .output(z.object({ templates: z.array(template) }))
const getTemplate = base
  .route({ method: 'GET', path: '/batch-templates/{name}', tags, summary: 'One template' })
  .input(z.strictObject(templateKey))
  .output(template)
const deleteTemplate = base
  .route({ method: 'DELETE', path: '/batch-templates/{name}', tags, successStatus: 204, summary: 'Delete a template' })
  .input(z.strictObject(templateKey))

export const batches = { create, preview, list, get, cancel, complete, rerun, delete: remove, tests: batchTests }
export const batchTemplates = { put: putTemplate, list: listTemplates, get: getTemplate, delete: deleteTemplate }
