/** prunner's six routes, their parameters and payloads: names and statuses are prunner's, not ours. */
import { oc } from '@orpc/contract'
import * as z from 'zod'

/** RFC 3339 in UTC without a fraction. */
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)

export const taskStatuses = ['waiting', 'running', 'skipped', 'done', 'error', 'canceled'] as const

const task = z.object({
  name: z.string(),
  dependsOn: z.array(z.string()),
  status: z.enum(taskStatuses),
  start: time.nullable(),
  end: time.nullable(),
  skipped: z.boolean(),
  exitCode: z.int(),
  errored: z.boolean(),
  error: z.string().nullable(),
})

const job = z.object({
  /** UUID of the run. */
  id: z.uuid(),
  pipeline: z.string(),
  tasks: z.array(task),
  completed: z.boolean(),
  canceled: z.boolean(),
  errored: z.boolean(),
  created: time,
  start: time.nullable(),
  end: time.nullable(),
  lastError: z.string().nullable(),
  variables: z.record(z.string(), z.unknown()),
  /** `sub` of the token that started it. */
  user: z.string(),
})
export type PrunnerJob = z.infer<typeof job>

const pipeline = z.object({
  pipeline: z.string(),
  /** A start would be taken now. */
  schedulable: z.boolean(),
  running: z.boolean(),
})
export type PrunnerPipeline = z.infer<typeof pipeline>

export const scheduleBody = z.object({
  pipeline: z.string().min(1).max(128),
  variables: z.record(z.string(), z.unknown()).nullish(),
  queuePartition: z.string().max(200).nullish(),
})
export const jobQuery = z.object({ id: z.uuid() })
export const logsQuery = z.object({ id: z.uuid(), task: z.string().min(1).max(128) })

const tags = ['prunner']
export const prunnerContract = {
  pipelines: oc
    .route({ method: 'GET', path: '/pipelines', tags, summary: 'Pipelines by name' })
    .output(z.object({ pipelines: z.array(pipeline) })),
  jobs: oc
    .route({ method: 'GET', path: '/pipelines/jobs', tags, summary: 'Pipelines, and jobs newest first' })
    .output(z.object({ pipelines: z.array(pipeline), jobs: z.array(job) })),
  schedule: oc
    .route({ method: 'POST', path: '/pipelines/schedule', tags, successStatus: 202, summary: 'Start a job' })
    .input(scheduleBody)
    .output(z.object({ jobId: z.uuid() })),
  detail: oc.route({ method: 'GET', path: '/job/detail', tags, summary: 'One job' }).input(jobQuery).output(job),
  logs: oc
    .route({ method: 'GET', path: '/job/logs', tags, summary: 'What a task of a job has printed, whole' })
    .input(logsQuery)
    .output(z.object({ stdout: z.string(), stderr: z.string() })),
  cancel: oc
    .route({ method: 'POST', path: '/job/cancel', tags, summary: 'Cancel a job; it stops afterwards' })
    .input(jobQuery)
    .output(z.literal(true)),
}
