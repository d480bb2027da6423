/** Events (seed 003): stored automations, their versions, and their runs. */
import * as z from 'zod'
import { eventRunStatuses } from '../../job/event-run-status.ts'
import { eventDefinitionSchema, eventKinds, eventName, eventStatuses, eventTriggers, tag } from '../../job/event.ts'
import { firingStates } from '../../job/event-action.ts'
import { jobStates } from '../../job/state.ts'
import { publicIdPattern } from '../../lib/ids.ts'
import { base, instant, page, publicId, queryFlag, queryInt, queryList, withIdempotencyKey } from './base.ts'

const tags = ['events']

/** Public id, or the name of an event that one may see: one's own first, then a shared one. */
const eventRef = z.string().min(1).max(128)
const ref = z.strictObject({ event: eventRef })
const versionNumber = queryInt(1, 1_000_000_000)
/** Of 1 MiB of bytes. */
const mostInputBase64 = 4 * Math.ceil((1024 * 1024) / 3)
const runId = z.strictObject({
  id: z.string().regex(publicIdPattern, 'must be an event run id: 12 characters, 0-9 and a-z'),
})

const runSummary = z.object({
  id: publicId,
  state: z.enum(jobStates),
  trigger: z.enum(eventTriggers),
  created_at: instant,
  ended_at: instant.nullable(),
})
const trigger = z.object({ kind: z.enum(['schedule', 'webhook', 'after']), text: z.string() })

const eventSchema = z.object({
  id: publicId,
  name: z.string(),
  kind: z.enum(eventKinds),
  status: z.enum(eventStatuses),
  description: z.string().nullable(),
  owner: z.string(),
  shared: z.boolean(),
  tags: z.array(z.string()),
  version: z.int(),
  /** Runs that a trigger began, of `max_executions`. */
  executions: z.int(),
  max_executions: z.int().nullable(),
  /** In words: "every weekday at 02:30 (Europe/Berlin)", "webhook deploy", "after nightly succeeded". */
  triggers: z.array(trigger),
  actions: z.int(),
  /** The soonest of its schedules; null: none, or it is not active. */
  next_at: instant.nullable(),
  /** Why a trigger started nothing. */
  problem: z.string().nullable(),
  last_run: runSummary.nullable(),
  /** Its newest runs, oldest first, at most 20: for a glance. */
  recent: z.array(runSummary),
  may_change: z.boolean(),
  may_run: z.boolean(),
  created_at: instant,
  updated_at: instant,
})
export type EventSummary = z.infer<typeof eventSchema>
const eventDetail = z.object({ ...eventSchema.shape, definition: z.json() })
export type EventDetail = z.infer<typeof eventDetail>

/** Beside the definition; a change of these makes no version. */
const about = {
  name: eventName,
  status: z.enum(eventStatuses).default('draft'),
  shared: z.boolean().default(false),
  tags: z.array(tag).max(20).default([]),
}

const list = base
  .route({ method: 'GET', path: '/events', tags, summary: 'List events, newest first' })
  .input(
    z.strictObject({
      ...page,
      status: queryList(z.enum(eventStatuses)).optional().describe('All but archived when left out'),
      kind: queryList(z.enum(eventKinds)).optional(),
      tag: queryList(tag).optional(),
      owner: z.string().min(1).max(200).optional(),
      shared: queryFlag.optional(),
      /** Only those whose last run failed. */
      failing: queryFlag.optional(),
      /** Part of the name or description, any case. */
      search: z.string().min(1).max(200).optional(),
    }),
  )
  .output(
    z.object({
      events: z.array(eventSchema),
      next_cursor: z.string().nullable(),
      /** Of all that one may see, whatever the filters. */
      counts: z.record(z.enum(eventStatuses), z.int()),
      /** Tags in use. */
      tags: z.array(z.string()),
    }),
  )
const create = base
  .route({ method: 'POST', path: '/events', tags, successStatus: 201, summary: 'Make an event' })
  .input(z.strictObject({ ...about, definition: eventDefinitionSchema }))
  .output(eventDetail)
const get = base
  .route({ method: 'GET', path: '/events/{event}', tags, summary: 'One event with its definition' })
  .input(z.strictObject({ event: eventRef, version: versionNumber.optional() }))
  .output(eventDetail)
const change = base
  .route({
    method: 'PATCH',
    path: '/events/{event}',
    tags,
    summary: 'Change what is given; another definition is a new version',
  })
  .input(
    z.strictObject({
      event: eventRef,
      name: about.name.optional(),
      status: z.enum(eventStatuses).optional(),
      shared: z.boolean().optional(),
      tags: z.array(tag).max(20).optional(),
      definition: eventDefinitionSchema.optional(),
      /** Beside the version: why. */
      note: z.string().max(500).optional(),
      /** Refused when somebody else has changed it since this version. */
      expect_version: z.int().min(1).optional(),
    }),
  )
  .output(eventDetail)
const remove = base
  .route({
    method: 'DELETE',
    path: '/events/{event}',
    tags,
    successStatus: 204,
    summary: 'Delete an archived event with its runs',
  })
  .input(ref)
const clone = base
  .route({
    method: 'POST',
    path: '/events/{event}/clone',
    tags,
    successStatus: 201,
    summary: 'A copy of one’s own, as a draft',
  })
  .input(z.strictObject({ event: eventRef, name: eventName.optional() }))
  .output(eventDetail)

const version = z.object({
  number: z.int(),
  created_by: z.string(),
  created_at: instant,
  note: z.string().nullable(),
  in_force: z.boolean(),
})
export type EventVersion = z.infer<typeof version>
const versions = base
  .route({ method: 'GET', path: '/events/{event}/versions', tags, summary: 'Its versions, newest first' })
  .input(ref)
  .output(z.object({ versions: z.array(version) }))
const diff = base
  .route({
    method: 'GET',
    path: '/events/{event}/diff',
    tags,
    summary: 'What changed between two versions, as YAML lines',
  })
  .input(z.strictObject({ event: eventRef, from: versionNumber, to: versionNumber }))
  .output(
    z.object({
      from: z.int(),
      to: z.int(),
      lines: z.array(z.object({ kind: z.enum(['same', 'added', 'removed']), text: z.string() })),
    }),
  )
const restore = base
  .route({
    method: 'POST',
    path: '/events/{event}/restore',
    tags,
    summary: 'An earlier version in force again, as a new one',
  })
  .input(z.strictObject({ event: eventRef, version: z.int().min(1) }))
  .output(eventDetail)

const exported = base
  .route({
    method: 'GET',
    path: '/events/{event}/yaml',
    tags,
    summary: 'The event as a YAML document; no secret is in it',
  })
  .input(ref)
  .output(z.object({ yaml: z.string() }))
const imported = base
  .route({
    method: 'POST',
    path: '/events/import',
    tags,
    summary: 'Make or change events from YAML: one, or a list under `events`',
  })
  .input(
    z.strictObject({
      yaml: z
        .string()
        .min(1)
        .max(1024 * 1024),
      /** What becomes of one whose name is taken. */
      existing: z.enum(['refuse', 'update', 'skip']).default('refuse'),
      /** Only say what would happen. */
      dry_run: z.boolean().default(false),
    }),
  )
  .output(
    z.object({
      results: z.array(
        z.object({
          name: z.string(),
          id: publicId.nullable(),
          outcome: z.enum(['created', 'updated', 'unchanged', 'skipped']),
        }),
      ),
    }),
  )

const problem = z.object({ field: z.string(), message: z.string(), severity: z.enum(['error', 'warning']) })
const check = base
  .route({
    method: 'POST',
    path: '/events/check',
    tags,
    summary: 'Dry run of a definition: all mistakes, and the job that would be made; starts nothing',
  })
  .input(z.strictObject({ name: eventName.optional(), definition: z.json(), input: z.json().optional() }))
  .output(
    z.object({
      problems: z.array(problem),
      /** Null while there are errors. Environment values of secrets are `***`. */
      job: z.json().nullable(),
      next_times: z.array(z.object({ schedule: z.string(), at: z.array(instant) })),
    }),
  )

const payload = z.object({
  /** Content type. */
  type: z.string(),
  bytes: z.int(),
  /** Of JSON that is small enough to show. */
  json: z.json().optional(),
  /** Of text that is small enough to show. */
  text: z.string().optional(),
  /** Where the bytes are: `/api/v1/event-runs/{id}/input` or `…/output`. */
  url: z.string(),
})
const firing = z.object({
  id: z.string(),
  action: z.string(),
  iteration: z.int(),
  kind: z.enum(['message', 'event', 'pipeline', 'webhook', 'set_variable', 'rerun']),
  state: z.enum(firingStates),
  due_at: instant,
  done_at: instant.nullable(),
  reason: z.string().nullable(),
  delivery_id: publicId,
  /** What came of it, for a link. */
  event_run_id: publicId.nullable(),
  pipeline_run_id: publicId.nullable(),
  job_id: publicId.nullable(),
})
export type ActionFiring = z.infer<typeof firing>
const runSchema = z.object({
  id: publicId,
  event: z.object({ id: publicId, name: z.string(), kind: z.enum(eventKinds) }),
  owner: z.string(),
  version: z.int().nullable(),
  state: z.enum(jobStates),
  status: z.enum(eventRunStatuses),
  /** Why it waits, in words. */
  waiting: z.string().nullable(),
  trigger: z.enum(eventTriggers),
  /** Who or what began it, in words, and where that is. */
  cause: z.object({
    text: z.string(),
    by: z.string().optional(),
    run_id: publicId.optional(),
    job_id: publicId.optional(),
    schedule_id: publicId.optional(),
    webhook_id: publicId.optional(),
  }),
  job_id: publicId.nullable(),
  pipeline_run_id: publicId.nullable(),
  depth: z.int(),
  condition: z.boolean().nullable(),
  progress: z.number().nullable(),
  status_text: z.string().nullable(),
  exit_code: z.int().nullable(),
  error: z.string().nullable(),
  attempts: z.int(),
  /** Where its job runs, fixed when it was made; null: it has none, or that is gone. */
  executor: z.string().nullable(),
  /** Of the executor container. */
  image: z.string().nullable(),
  /** Of the executor ssh. */
  hosts: z.array(z.string()).nullable(),
  created_at: instant,
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  /** Its actions are decided. */
  settled_at: instant.nullable(),
})
export type EventRun = z.infer<typeof runSchema>
const runDetail = z.object({
  ...runSchema.shape,
  input: payload.nullable(),
  output: payload.nullable(),
  definition: z.json(),
  actions: z.array(firing),
  /** Runs that this one began. */
  started: z.array(runSummary),
})
export type EventRunDetail = z.infer<typeof runDetail>

const run = base
  .route({
    method: 'POST',
    path: '/events/{event}/run',
    tags,
    successStatus: 202,
    summary: 'Run it now; also one that is a draft or paused. Rate limited.',
    spec: withIdempotencyKey,
  })
  .input(
    z.strictObject({
      event: eventRef,
      input: z.json().optional(),
      /** Another kind of input than JSON: base64 of at most 1 MiB, with its content type. */
      input_base64: z.base64().max(mostInputBase64).optional(),
      input_type: z
        .string()
        .max(200)
        .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+[\x20-\x7e]*$/, 'is no content type, e.g. text/csv')
        .optional(),
    }),
  )
  .output(runSchema)
const test = base
  .route({
    method: 'POST',
    path: '/events/test',
    tags,
    successStatus: 202,
    summary: 'Run a definition that need not be saved. Its actions do not fire unless asked.',
  })
  .input(
    z.strictObject({
      /** The event that is edited: the run is listed there. */
      event: eventRef,
      definition: eventDefinitionSchema,
      input: z.json().optional(),
      fire_actions: z.boolean().default(false),
    }),
  )
  .output(runSchema)
const runs = base
  .route({ method: 'GET', path: '/event-runs', tags, summary: 'Runs of events, newest first' })
  .input(
    z.strictObject({
      ...page,
      event: eventRef.optional(),
      status: queryList(z.enum(eventRunStatuses)).optional(),
      trigger: queryList(z.enum(eventTriggers)).optional(),
      owner: z.string().min(1).max(200).optional(),
      since: instant.optional(),
      until: instant.optional(),
    }),
  )
  .output(z.object({ runs: z.array(runSchema), next_cursor: z.string().nullable() }))
const getRun = base
  .route({ method: 'GET', path: '/event-runs/{id}', tags, summary: 'One run with its input, output and actions' })
  .input(runId)
  .output(runDetail)
const cancelRun = base
  .route({ method: 'POST', path: '/event-runs/{id}/cancel', tags, summary: 'Cancel a run' })
  .input(z.strictObject({ id: publicId, reason: z.string().max(500).optional() }))
  .output(runSchema)
const rerun = base
  .route({
    method: 'POST',
    path: '/event-runs/{id}/rerun',
    tags,
    successStatus: 202,
    summary: 'Run the event as it is now, with the same input',
  })
  .input(runId)
  .output(runSchema)

export const events = {
  list,
  create,
  get,
  change,
  delete: remove,
  clone,
  versions,
  diff,
  restore,
  export: exported,
  import: imported,
  check,
  run,
  test,
}
export const eventRuns = { list: runs, get: getRun, cancel: cancelRun, rerun }
