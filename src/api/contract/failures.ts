/** Failures: the dead-letter view, groups of those that failed alike, and incidents. */
import * as z from 'zod'
import { jobStates } from '../../job/state.ts'
import { base, instant, page, publicId, queryFlag, queryList } from './base.ts'

const tags = ['failures']

const source = z.object({
  kind: z.enum(['event', 'pipeline', 'job']),
  /** Name of the event, `pipeline / task`, or name of the job. */
  name: z.string(),
  /** Of the event or the pipeline's run. */
  id: z.string().nullable(),
})

export const deadLetterStates = ['open', 'redriven', 'dismissed'] as const
const deadLetter = z.object({
  job_id: publicId,
  name: z.string(),
  owner: z.string(),
  source,
  state: z.enum(deadLetterStates),
  job_state: z.enum(jobStates),
  exit_code: z.int().nullable(),
  error: z.string().nullable(),
  attempts: z.int(),
  group_id: publicId.nullable(),
  event_run_id: publicId.nullable(),
  pipeline_run_id: publicId.nullable(),
  batch_id: publicId.nullable(),
  redriven_as: publicId.nullable(),
  acted_by: z.string().nullable(),
  at: instant,
})
export type DeadLetter = z.infer<typeof deadLetter>

const filters = {
  state: queryList(z.enum(deadLetterStates)).optional().describe('Open ones when left out'),
  group: publicId.optional(),
  /** Public id or name. */
  event: z.string().min(1).max(128).optional(),
  queue: z.string().min(1).max(63).optional(),
  owner: z.string().min(1).max(200).optional(),
  /** Part of the name or the error, any case. */
  search: z.string().min(1).max(200).optional(),
  since: instant.optional(),
  until: instant.optional(),
}
const list = base
  .route({ method: 'GET', path: '/dead-letters', tags, summary: 'Jobs that spent their attempts, newest first' })
  .input(z.strictObject({ ...page, ...filters }))
  .output(z.object({ dead_letters: z.array(deadLetter), next_cursor: z.string().nullable(), open: z.int() }))
const act = base
  .route({
    method: 'POST',
    path: '/dead-letters/act',
    tags,
    summary: 'Redrive or dismiss: those named, or all open ones that the filters give',
  })
  .input(
    z.strictObject({
      action: z.enum(['redrive', 'dismiss']),
      jobs: z.array(publicId).min(1).max(1000).optional(),
      /** Instead of `jobs`; `{}` is all open ones that one may act on. */
      all: z
        .strictObject({
          group: publicId.optional(),
          event: z.string().min(1).max(128).optional(),
          queue: z.string().min(1).max(63).optional(),
          search: z.string().min(1).max(200).optional(),
        })
        .optional(),
    }),
  )
  .output(
    z.object({
      done: z.array(z.object({ job_id: publicId, redriven_as: publicId.nullable() })),
      refused: z.array(z.object({ job_id: publicId, reason: z.string() })),
      /** More are left: call again. */
      more: z.boolean(),
    }),
  )

const group = z.object({
  id: publicId,
  source,
  owner: z.string(),
  state: z.enum(jobStates),
  exit_code: z.int().nullable(),
  pattern: z.string(),
  sample: z.string(),
  total: z.int(),
  open: z.int(),
  first_at: instant,
  last_at: instant,
  /** Failures of each of the last 24 hours, oldest first. */
  hours: z.array(z.int()),
  muted: z.boolean(),
  incident_id: publicId.nullable(),
})
export type FailureGroup = z.infer<typeof group>
const groups = base
  .route({ method: 'GET', path: '/failure-groups', tags, summary: 'Failures that are alike, newest first' })
  .input(
    z.strictObject({
      ...page,
      event: z.string().min(1).max(128).optional(),
      search: z.string().min(1).max(200).optional(),
      muted: queryFlag.optional(),
      since: instant.optional(),
    }),
  )
  .output(z.object({ groups: z.array(group), next_cursor: z.string().nullable() }))
const mute = base
  .route({ method: 'POST', path: '/failure-groups/{id}/mute', tags, summary: 'Open no incidents for it, or again' })
  .input(z.strictObject({ id: publicId, muted: z.boolean() }))
  .output(group)

export const incidentStates = ['open', 'acknowledged', 'closed'] as const
const incident = z.object({
  id: publicId,
  kind: z.enum(['new', 'repeated', 'flapping', 'late']),
  title: z.string(),
  source,
  owner: z.string(),
  state: z.enum(incidentStates),
  failures: z.int(),
  group_id: publicId.nullable(),
  opened_at: instant,
  acknowledged_by: z.string().nullable(),
  closed_at: instant.nullable(),
  /** Null: by itself. */
  closed_by: z.string().nullable(),
})
export type Incident = z.infer<typeof incident>
const entry = z.object({
  at: instant,
  kind: z.enum(['opened', 'failure', 'notified', 'acknowledged', 'note', 'recovered', 'closed', 'reopened']),
  text: z.string(),
  job_id: publicId.nullable(),
})
const listIncidents = base
  .route({ method: 'GET', path: '/incidents', tags, summary: 'Incidents, newest first' })
  .input(
    z.strictObject({
      ...page,
      state: queryList(z.enum(incidentStates)).optional(),
      event: z.string().min(1).max(128).optional(),
      search: z.string().min(1).max(200).optional(),
    }),
  )
  .output(z.object({ incidents: z.array(incident), next_cursor: z.string().nullable(), open: z.int() }))
const getIncident = base
  .route({ method: 'GET', path: '/incidents/{id}', tags, summary: 'One incident with its timeline, oldest first' })
  .input(z.strictObject({ id: publicId }))
  .output(z.object({ ...incident.shape, timeline: z.array(entry) }))
const actIncident = base
  .route({ method: 'POST', path: '/incidents/{id}/act', tags, summary: 'Acknowledge, close, or add a note' })
  .input(
    z.strictObject({
      id: publicId,
      action: z.enum(['acknowledge', 'close', 'note']),
      note: z.string().max(2000).optional(),
    }),
  )
  .output(z.object({ ...incident.shape, timeline: z.array(entry) }))

const rules = z.object({
  channels: z.array(z.string()),
  repeated_times: z.int(),
  repeated_seconds: z.int(),
  new_patterns: z.boolean(),
  close_after_successes: z.int(),
  close_after_seconds: z.int(),
})
const getRules = base
  .route({
    method: 'GET',
    path: '/incident-rules',
    tags,
    summary: 'When incidents open and close, and who hears of it',
  })
  .output(rules)
const putRules = base
  .route({ method: 'PUT', path: '/incident-rules', tags, summary: 'Change the rules (administrators)' })
  .input(
    z.strictObject({
      channels: z.array(z.string().min(1).max(63)).max(10).optional(),
      repeated_times: z.int().min(2).max(1000).optional(),
      repeated_seconds: z.int().min(60).max(604_800).optional(),
      new_patterns: z.boolean().optional(),
      close_after_successes: z.int().min(1).max(1000).optional(),
      close_after_seconds: z.int().min(60).max(2_592_000).optional(),
    }),
  )
  .output(rules)

export const deadLetters = { list, act }
export const failureGroups = { list: groups, mute }
export const incidents = { list: listIncidents, get: getIncident, act: actIncident, rules: getRules, putRules }
