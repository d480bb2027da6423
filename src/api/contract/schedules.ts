/** Schedules: when pipelines and events start by themselves, and what became of each tick. */
import * as z from 'zod'
import { misfirePolicies, namePattern, overlapPolicies } from '../../job/pipeline.ts'
import { base, instant, page, publicId, queryFlag, queryInt } from './base.ts'
import { pipelineName } from './pipeline-runs.ts'
import { variables } from './pipelines.ts'

const tags = ['schedules']

const onlyId = z.strictObject({ id: publicId })
const week = 7 * 24 * 3600

/** Exactly one of `cron` and `every_seconds`. */
const timing = {
  cron: z.string().min(1).max(200).nullable().optional().describe('Five fields, e.g. `30 2 * * 1-5`'),
  every_seconds: z.int().nullable().optional().describe('Counted from `starts_at`, else from 1970'),
  zone: z.string().min(1).max(64).optional().describe('IANA; UTC when left out'),
  starts_at: instant.nullable().optional(),
  ends_at: instant.nullable().optional(),
}
const policies = {
  /** Of ticks that no server looked at within a minute. */
  misfire: z.enum(misfirePolicies).optional(),
  /** How far back a missed tick may be. */
  catch_up_seconds: z.int().min(0).max(week).optional(),
  /** Of `run_all`. */
  catch_up_limit: z.int().min(1).max(1000).optional(),
  /** When its last run has not ended; `queue` leaves it to the pipeline's waiting list. */
  overlap: z.enum(overlapPolicies).optional(),
  variables: variables.optional(),
  /** Of an event: what its runs get; null: the event’s own. */
  input: z.json().optional(),
  enabled: z.boolean().optional(),
  /** The pipeline's channels are told when a tick's run has not begun after so long. */
  late_after_seconds: z.int().min(1).max(week).nullable().optional(),
}

export const tickOutcomes = ['started', 'skipped', 'missed', 'refused'] as const

const scheduleSchema = z.object({
  id: publicId,
  /** Null: it runs an event. */
  pipeline: z.string().nullable(),
  /** Null: it starts a pipeline. */
  event: z.object({ id: publicId, name: z.string() }).nullable(),
  name: z.string(),
  /** `file`: it stands in the pipeline's definition, `event`: in the event's; it is changed there. */
  source: z.enum(['file', 'api', 'event']),
  /** In whose name it starts runs. */
  owner: z.string(),
  cron: z.string().nullable(),
  every_seconds: z.int().nullable(),
  zone: z.string(),
  misfire: z.enum(misfirePolicies),
  catch_up_seconds: z.int(),
  catch_up_limit: z.int(),
  overlap: z.enum(overlapPolicies),
  variables: z.record(z.string(), z.json()),
  input: z.json(),
  enabled: z.boolean(),
  late_after_seconds: z.int().nullable(),
  starts_at: instant.nullable(),
  ends_at: instant.nullable(),
  /** Null: it has no tick any more. Of one that is not enabled: when it would be. */
  next_at: instant.nullable(),
  /** Why its last tick started nothing, or why none does now: its pipeline is gone. */
  problem: z.string().nullable(),
  last_tick: z.object({ tick: instant, outcome: z.enum(tickOutcomes), run_id: publicId.nullable() }).nullable(),
  created_at: instant,
  updated_at: instant,
})
export type Schedule = z.infer<typeof scheduleSchema>

const list = base
  .route({ method: 'GET', path: '/schedules', tags, summary: 'List schedules, newest first' })
  .input(
    z.strictObject({
      ...page,
      pipeline: pipelineName.optional(),
      owner: z.string().min(1).max(200).optional(),
      /** Public id or name. */
      event: z.string().min(1).max(128).optional(),
      source: z.enum(['file', 'api', 'event']).optional(),
      enabled: queryFlag.optional(),
      /** Part of the name of the schedule, its pipeline or its event, any case. */
      search: z.string().min(1).max(200).optional(),
    }),
  )
  .output(z.object({ schedules: z.array(scheduleSchema), next_cursor: z.string().nullable() }))
const create = base
  .route({
    method: 'POST',
    path: '/schedules',
    tags,
    successStatus: 201,
    summary: 'Make a schedule of a pipeline or an event',
  })
  .input(
    z
      .strictObject({
        pipeline: pipelineName.optional(),
        /** Public id or name. */
        event: z.string().min(1).max(128).optional(),
        name: z.string().regex(namePattern).max(100),
        ...timing,
        ...policies,
      })
      .refine((given) => (given.pipeline === undefined) !== (given.event === undefined), {
        path: ['pipeline'],
        message: 'give exactly one of pipeline and event',
      }),
  )
  .output(scheduleSchema)
const get = base
  .route({ method: 'GET', path: '/schedules/{id}', tags, summary: 'One schedule' })
  .input(onlyId)
  .output(scheduleSchema)
const change = base
  .route({
    method: 'PATCH',
    path: '/schedules/{id}',
    tags,
    summary: 'Change what is given; of a schedule that stands in a file or an event only `enabled`',
    description: 'A new timing, and one that is enabled again, counts from now: nothing of before is made up.',
  })
  .input(z.strictObject({ id: publicId, ...timing, ...policies }))
  .output(scheduleSchema)
const remove = base
  .route({
    method: 'DELETE',
    path: '/schedules/{id}',
    tags,
    successStatus: 204,
    summary: 'Delete a schedule; its runs stay',
  })
  .input(onlyId)

const tick = z.object({
  tick: instant,
  outcome: z.enum(tickOutcomes),
  /** Of `missed`: all from `tick` to this one. */
  last_tick: instant.nullable(),
  run_id: publicId.nullable(),
  reason: z.string().nullable(),
  fired_at: instant,
  /** When the pipeline's channels were told that its run had not begun. */
  late_told_at: instant.nullable(),
})
export type ScheduleTick = z.infer<typeof tick>
const ticks = base
  .route({ method: 'GET', path: '/schedules/{id}/ticks', tags, summary: 'What became of its ticks, newest first' })
  .input(
    z.strictObject({
      id: publicId,
      limit: queryInt(1, 200).default(50),
      before: instant.optional().describe('`next_before` of an earlier answer'),
    }),
  )
  .output(z.object({ ticks: z.array(tick), next_before: instant.nullable() }))

const preview = base
  .route({ method: 'POST', path: '/schedules/preview', tags, summary: 'The next times of a timing; makes nothing' })
  .input(
    z.strictObject({
      ...timing,
      count: z.int().min(1).max(100).default(10),
      after: instant.optional().describe('Now when left out'),
    }),
  )
  .output(
    z.object({
      times: z.array(
        z.object({
          at: instant,
          /** As the clocks of the zone show it, e.g. `Sun 2026-03-08 03:00 UTC-4`. */
          local: z.string(),
        }),
      ),
    }),
  )

export const schedules = { list, create, get, change, delete: remove, ticks, preview }
