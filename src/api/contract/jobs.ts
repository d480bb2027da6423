import * as z from 'zod'
import { listArtifacts } from './artifacts.ts'
import { labelText } from '../../job/labels.ts'
import { hostName } from '../../job/host.ts'
import { executorKinds, jobSpecSchema, queueNamePattern, specLimits } from '../../job/spec.ts'
import { jobStates } from '../../job/state.ts'
import { base, batchId, instant, page, publicId, queryFlag, queryInt, queryList, withIdempotencyKey } from './base.ts'
import { attemptSchema, jobSchema, statusWords } from './job.ts'

const tags = ['jobs']
const onlyId = z.strictObject({ id: publicId })

const submit = base
  .route({
    method: 'POST',
    path: '/jobs',
    tags,
    successStatus: 202,
    summary: 'Submit one job',
    description: 'Answers when the job is durable.',
    spec: withIdempotencyKey,
  })
  .input(jobSpecSchema)
  .output(jobSchema)

const submitMany = base
  .route({
    method: 'POST',
    path: '/jobs/bulk',
    tags,
    successStatus: 202,
    summary: `Submit up to ${specLimits.submitBatch} jobs, all or none`,
    spec: withIdempotencyKey,
  })
  .input(z.strictObject({ jobs: z.array(jobSpecSchema).min(1).max(specLimits.submitBatch) }))
  .output(z.object({ ids: z.array(publicId), replayed: z.boolean() }))

export const listJobsInput = z.strictObject({
  ...page,
  /** States, e.g. `queued,running`. */
  state: queryList(z.enum(jobStates)).optional(),
  /** Batch words, e.g. `waiting`; adds to `state`. */
  status: queryList(z.enum(statusWords)).optional(),
  queue: z.string().regex(queueNamePattern, 'is a queue name').optional(),
  /** Part of the name, any case. */
  name: z.string().min(1).max(200).optional(),
  /** Username; operators see their own jobs only. */
  owner: z.string().min(1).max(200).optional(),
  /** Created at or after. */
  since: instant.optional(),
  /** Created before. */
  until: instant.optional(),
  rerun_of: publicId.optional(),
  /** Members of one batch. */
  batch_id: batchId.optional(),
  /** Labels that the job carries, all of them: `label=app=db`, several or with commas. */
  label: queryList(labelText).optional(),
  /** How it ran: also `message` and `http`. */
  executor: z.enum([...executorKinds, 'message', 'http']).optional(),
  /** Of the executor ssh: one of its hosts. */
  host: hostName.optional(),
  /** False: without the jobs that carry messages to channels. */
  messages: queryFlag.optional(),
})

const list = base
  .route({
    method: 'GET',
    path: '/jobs',
    tags,
    summary: 'List jobs, newest first',
    description:
      'A search by name, label or time looks at 50,000 jobs for one page: it may have fewer jobs than asked for, even none, while next_cursor says that there is more to look at. The list is complete when next_cursor is null.',
  })
  .input(listJobsInput)
  .output(z.object({ jobs: z.array(jobSchema), next_cursor: z.string().nullable() }))

const sums = {
  waiting: z.int(),
  running: z.int(),
  passed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  total: z.int(),
}
const stats = base
  .route({ method: 'GET', path: '/jobs/stats', tags, summary: 'Count the jobs that you may see, in all and by user' })
  .input(
    z
      .strictObject({
        /** Only jobs of this user. */
        owner: z.string().min(1).max(200).optional(),
      })
      .prefault({}),
  )
  .output(
    z.object({
      ...sums,
      by_state: z.record(z.enum(jobStates), z.int()),
      /** Those whose jobs you may see and who have any, the busiest first. */
      users: z.array(z.object({ username: z.string(), ...sums })),
    }),
  )

const throughput = base
  .route({
    method: 'GET',
    path: '/jobs/throughput',
    tags,
    summary: 'Jobs that you may see, by the minute in which they ended: the last hours',
    description: 'Counted every 10 s: an end close to the turn of a minute may be found in the next one.',
  })
  .input(z.strictObject({ minutes: queryInt(5, 1440).default(60) }).prefault({}))
  .output(
    z.object({
      /** Oldest first, one for every minute, also of those in which nothing ended. */
      minutes: z.array(z.object({ at: instant, passed: z.int(), failed: z.int(), cancelled: z.int() })),
    }),
  )

/** What a list's checkboxes do: each job by itself, and what became of each. */
const act = base
  .route({
    method: 'POST',
    path: '/jobs/actions',
    tags,
    summary: 'Cancel, run again or delete up to 500 jobs; each succeeds or fails by itself',
  })
  .input(
    z.strictObject({
      action: z.enum(['cancel', 'rerun', 'delete']),
      ids: z.array(publicId).min(1).max(500),
      reason: z.string().trim().min(1).max(500).optional(),
    }),
  )
  .output(
    z.object({
      done: z.array(z.object({ id: publicId, new_id: publicId.optional() })),
      refused: z.array(z.object({ id: publicId, code: z.string(), message: z.string() })),
    }),
  )

const get = base.route({ method: 'GET', path: '/jobs/{id}', tags, summary: 'One job' }).input(onlyId).output(jobSchema)

const remove = base
  .route({
    method: 'DELETE',
    path: '/jobs/{id}',
    tags,
    successStatus: 204,
    summary: 'Delete an ended job and its logs',
  })
  .input(onlyId)

const cancel = base
  .route({
    method: 'POST',
    path: '/jobs/{id}/cancel',
    tags,
    successStatus: 202,
    summary: 'Cancel a job: at once when it waits, else its runner stops the whole process tree',
  })
  .input(
    z.strictObject({
      id: publicId,
      reason: z.string().trim().min(1).max(500).optional(),
      force: z.boolean().optional().describe('Skip the grace: SIGKILL at once, also after a cancel without it'),
    }),
  )
  .output(z.object({ id: publicId, state: z.enum(jobStates), cancel_requested: z.boolean() }))

const rerun = base
  .route({
    method: 'POST',
    path: '/jobs/{id}/rerun',
    tags,
    successStatus: 202,
    summary: 'Submit a new job with the spec of this one',
    spec: withIdempotencyKey,
  })
  .input(onlyId)
  .output(jobSchema)

const attempts = base
  .route({ method: 'GET', path: '/jobs/{id}/attempts', tags, summary: 'The attempts of a job, first to last' })
  .input(onlyId)
  .output(z.object({ attempts: z.array(attemptSchema) }))

export const jobs = {
  submit,
  submitMany,
  list,
  stats,
  throughput,
  act,
  get,
  delete: remove,
  cancel,
  rerun,
  attempts,
  artifacts: listArtifacts,
}
