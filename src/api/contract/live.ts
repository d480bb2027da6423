/** What the WebSocket `/api/v1/ws` carries; one JSON object a message. In words: docs/websocket.md. */
import * as z from 'zod'
import { batchId, publicId } from './base.ts'
import { batchSchema } from './batches.ts'
import { jobSchema } from './job.ts'
import { runId, runSchema, taskSchema } from './pipeline-runs.ts'

const sub = z.string().min(1).max(64)
export const logStreams = ['stdout', 'stderr', 'all'] as const

/** The library's own text for an unknown choice names neither the field's state nor the choices. */
const oneOf = (field: string, ...words: string[]) => ({
  error: (issue: z.core.$ZodRawIssue): string | undefined => {
    if (issue.code !== 'invalid_union') return undefined
    const given = (issue.input as Record<string, unknown> | null)?.[field]
    return given === undefined ? 'is required' : `must be one of ${words.map((word) => `"${word}"`).join(', ')}`
  },
})

const subscribe = z.discriminatedUnion(
  'topic',
  [
    z.strictObject({ type: z.literal('subscribe'), id: sub, topic: z.literal('jobs') }),
    z.strictObject({ type: z.literal('subscribe'), id: sub, topic: z.literal('job'), job_id: publicId }),
    /** All batches that the asker may see. */
    z.strictObject({ type: z.literal('subscribe'), id: sub, topic: z.literal('batches') }),
    /** One batch, and with `members` each of its jobs that changes. */
    z.strictObject({
      type: z.literal('subscribe'),
      id: sub,
      topic: z.literal('batch'),
      batch_id: batchId,
      members: z.boolean().default(false),
    }),
    /** All runs of pipelines that the asker may see, or those of one pipeline. */
    z.strictObject({
      type: z.literal('subscribe'),
      id: sub,
      topic: z.literal('pipeline_runs'),
      pipeline: z.string().min(1).max(128).optional(),
    }),
    /** One run, and with `tasks` all of its tasks, then each that changes. */
    z.strictObject({
      type: z.literal('subscribe'),
      id: sub,
      topic: z.literal('pipeline_run'),
      run_id: runId,
      tasks: z.boolean().default(false),
    }),
    z.strictObject({
      type: z.literal('subscribe'),
      id: sub,
      topic: z.literal('log'),
      job_id: publicId,
      /** The newest attempt and all after it when missing: waits for the first one and ends with the job. */
      attempt: z.int().min(1).max(1_000_000).optional(),
      /** With `attempt`: go on with the attempts after it and end with the job. */
      onward: z.boolean().default(false),
      stream: z.enum(logStreams).default('all'),
      /** Byte of the (first) attempt's stream to begin at. */
      offset: z.int().min(0).default(0),
    }),
  ],
  oneOf('topic', 'jobs', 'job', 'batches', 'batch', 'pipeline_runs', 'pipeline_run', 'log'),
)

export const clientMessage = z.discriminatedUnion(
  'type',
  [subscribe, z.strictObject({ type: z.literal('unsubscribe'), id: sub })],
  oneOf('type', 'subscribe', 'unsubscribe'),
)
export type ClientMessage = z.input<typeof clientMessage>

export const serverMessage = z.discriminatedUnion('type', [
  /** The subscription stands: nothing that happens from now on is missed. */
  z.object({ type: z.literal('subscribed'), sub }),
  /** A job is as given now. Several changes in short time may come as one. */
  z.object({ type: z.literal('job'), sub, job: jobSchema }),
  /** A batch is as given now; several changes in short time come as one. */
  z.object({ type: z.literal('batch'), sub, batch: batchSchema }),
  z.object({ type: z.literal('batch_gone'), sub, batch_id: publicId }),
  /** A run of a pipeline is as given now; several changes in short time come as one. */
  z.object({ type: z.literal('pipeline_run'), sub, run: runSchema }),
  z.object({ type: z.literal('pipeline_run_gone'), sub, run_id: publicId }),
  /** Of the subscribed run, in the order of its tasks: those that are not as they were last given. */
  z.object({ type: z.literal('pipeline_tasks'), sub, run_id: publicId, tasks: z.array(taskSchema) }),
  /** The job is no longer there. */
  z.object({ type: z.literal('job_gone'), sub, job_id: publicId }),
  /** More changed than this connection could take; read the list again. */
  z.object({ type: z.literal('resync'), sub }),
  z.object({
    type: z.literal('log'),
    sub,
    attempt: z.int(),
    /** `mark` is a note of Runyard's own in the order of arrival, no output: e.g. that the rest was cut off. */
    stream: z.enum(['stdout', 'stderr', 'mark']),
    /** Of the subscribed stream: the next subscribe may begin at offset + the bytes given here. */
    offset: z.number(),
    /** Milliseconds since 1970. */
    time: z.number(),
    /** Base64. */
    data: z.string(),
  }),
  /** Nothing more comes: the attempt's log is complete; `state` is the job's. */
  z.object({ type: z.literal('log_end'), sub, attempt: z.int().nullable(), state: z.string() }),
  z.object({ type: z.literal('error'), sub: sub.nullable(), code: z.string(), message: z.string() }),
])
export type ServerMessage = z.infer<typeof serverMessage>
