import * as z from 'zod'
import { queueNamePattern } from '../../job/spec.ts'
import { base, instant } from './base.ts'

export const health = base
  .route({
    method: 'GET',
    path: '/health',
    tags: ['system'],
    summary: 'This process answers; see /ready for what it depends on',
  })
  .meta({ open: true })
  .output(z.object({ status: z.literal('ok'), version: z.string() }))

export const ready = base
  .route({
    method: 'GET',
    path: '/ready',
    tags: ['system'],
    summary: 'All that a request needs is there; 503 names what is not',
  })
  .meta({ open: true })
  .output(z.object({ status: z.literal('ready') }))

const queueSchema = z.object({
  name: z.string(),
  /** Jobs of this queue that may run at a time; null is no limit. */
  concurrency: z.int().nullable(),
  /** At most `starts` starts in `seconds`. */
  rate: z.object({ starts: z.int(), seconds: z.number() }).nullable(),
  paused: z.boolean(),
  /** Own values of this queue; null: as the installation has it (RUNYARD_RETAIN_DAYS, RUNYARD_RETAIN_COUNT). */
  retain_days: z.number().nullable(),
  retain_count: z.int().nullable(),
  /** What holds: ended jobs older than `days`, and all but the newest `count`, are removed; 0 is no limit. */
  retention: z.object({ days: z.number(), count: z.int() }),
  waiting: z.int(),
  running: z.int(),
  /** Ended jobs that are still there. */
  kept: z.int(),
  /** Of the logs of all its jobs, before compression. */
  log_bytes: z.int(),
})
export type Queue = z.infer<typeof queueSchema>

const listQueues = base
  .route({ method: 'GET', path: '/queues', tags: ['queues'], summary: 'Queues with their limits and counts' })
  .output(z.object({ queues: z.array(queueSchema) }))

const putQueue = base
  .route({
    method: 'PUT',
    path: '/queues/{name}',
    tags: ['queues'],
    summary: 'Create a queue or replace its limits (administrators)',
  })
  .input(
    z.strictObject({
      name: z.string().regex(queueNamePattern, 'a queue name has lower-case letters, digits, . _ and - only'),
      concurrency: z.int().min(1).max(1_000_000).nullable().default(null),
      rate: z
        .strictObject({ starts: z.int().min(1).max(1_000_000), seconds: z.number().min(0.1).max(86_400) })
        .nullable()
        .default(null),
      paused: z.boolean().default(false),
      retain_days: z.number().min(0).max(36_500).nullable().default(null),
      retain_count: z.int().min(0).max(1_000_000_000).nullable().default(null),
    }),
  )
  .output(queueSchema)

const runnerSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(['online', 'draining', 'offline']),
  version: z.string(),
  hostname: z.string(),
  labels: z.record(z.string(), z.string()),
  slots: z.int(),
  slots_used: z.int(),
  cpu_millis: z.int(),
  memory_mib: z.int(),
  executors: z.array(z.string()),
  facilities: z.json(),
  registered_at: instant,
  last_seen_at: instant,
  /** Of a runner that came over the network; null: it runs on the server's own machine. */
  certificate: z.object({ id: z.string(), ends_at: instant, revoked_at: instant.nullable() }).nullable(),
  /** The last time that a process of another host took the name from one that was still heard of. */
  taken_over: z.object({ from: z.string(), at: instant }).nullable(),
})
export type Runner = z.infer<typeof runnerSchema>

const listRunners = base
  .route({ method: 'GET', path: '/runners', tags: ['runners'], summary: 'Runners and what each can do' })
  .output(z.object({ runners: z.array(runnerSchema) }))

export const queues = { list: listQueues, put: putQueue }
export const runners = { list: listRunners }
