/** How things ran: durations, success, waits and use of events, pipelines and users. Durations are milliseconds. */
import * as z from 'zod'
import { base, instant, publicId, queryInt, queryList } from './base.ts'

const tags = ['analytics']
export const analyticsBy = ['event', 'pipeline', 'user'] as const
const span = {
  /** So many days up to now. */
  days: queryInt(1, 90).default(7),
}

const numbers = {
  runs: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  /** Of those that succeeded or failed; null: there are none. */
  success_rate: z.number().nullable(),
  duration_p50_ms: z.number().nullable(),
  duration_p95_ms: z.number().nullable(),
  wait_p50_ms: z.number().nullable(),
  wait_p95_ms: z.number().nullable(),
  cpu_ms: z.number(),
  memory_max_bytes: z.number().nullable(),
}
const row = z.object({ ...numbers, id: z.string().nullable(), name: z.string(), last_at: instant.nullable() })
export type AnalyticsRow = z.infer<typeof row>
const table = base
  .route({ method: 'GET', path: '/analytics', tags, summary: 'One row for each event, pipeline or user' })
  .input(
    z.strictObject({
      ...span,
      by: z.enum(analyticsBy).default('event'),
      sort: z.enum(['runs', 'failed', 'success_rate', 'duration_p95', 'wait_p95', 'cpu']).default('runs'),
      limit: queryInt(1, 200).default(50),
      search: z.string().min(1).max(200).optional(),
    }),
  )
  .output(z.object({ total: z.object(numbers), rows: z.array(row) }))
const series = base
  .route({
    method: 'GET',
    path: '/analytics/series',
    tags,
    summary: 'Over time: by hour up to two days, else by day; for one event, or all',
  })
  .input(
    z.strictObject({
      ...span,
      event: z.string().min(1).max(128).optional(),
      pipeline: z.string().min(1).max(200).optional(),
    }),
  )
  .output(
    z.object({
      step_seconds: z.int(),
      points: z.array(
        z.object({
          at: instant,
          succeeded: z.int(),
          failed: z.int(),
          duration_p50_ms: z.number().nullable(),
          duration_p95_ms: z.number().nullable(),
        }),
      ),
    }),
  )
const heat = base
  .route({ method: 'GET', path: '/analytics/heat', tags, summary: 'Runs by weekday and hour of the zone' })
  .input(
    z.strictObject({
      ...span,
      zone: z.string().min(1).max(64).default('UTC'),
      event: z.string().min(1).max(128).optional(),
    }),
  )
  .output(
    z.object({
      /** 168: Monday 00 to Sunday 23. */
      cells: z.array(z.object({ runs: z.int(), failed: z.int() })),
    }),
  )
const troubles = base
  .route({
    method: 'GET',
    path: '/analytics/troubles',
    tags,
    summary: 'Slowest, most failing, flapping, and schedules that are late or did not start',
  })
  .input(z.strictObject({ ...span, kinds: queryList(z.enum(['slow', 'failing', 'flapping', 'late'])).optional() }))
  .output(
    z.object({
      slowest: z.array(row),
      failing: z.array(row),
      /** Turned from success to failure and back so often. */
      flapping: z.array(z.object({ id: publicId, name: z.string(), turns: z.int(), runs: z.int() })),
      late: z.array(
        z.object({
          schedule_id: publicId,
          name: z.string(),
          target: z.string(),
          tick: instant,
          outcome: z.enum(['started', 'skipped', 'missed', 'refused', 'not_started']),
          late_ms: z.number().nullable(),
          reason: z.string().nullable(),
        }),
      ),
    }),
  )

export const analytics = { table, series, heat, troubles }
