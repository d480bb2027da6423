/** The root of every contract procedure and the shapes that all of them share. */
import { oc, type ErrorMap, type Route } from '@orpc/contract'
import * as z from 'zod'
import { publicIdPattern } from '../../lib/ids.ts'

export const apiPrefix = '/api/v1'

/** `open` needs no principal; such routes are on the exact allow-list that the route-table test keeps. */
export interface RouteMeta {
  open?: boolean
}

export const base = oc.$meta<RouteMeta>({})

/** The body of every answer that is not a success: RFC 9457, `application/problem+json`. */
export const problemSchema = z.object({
  type: z.string(),
  /** One of the closed error codes, e.g. `invalid_argument`. */
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** Every wrong field at once, with its path as it was sent, e.g. `jobs[3].limits.memory_bytes`. */
  errors: z.array(z.object({ field: z.string(), message: z.string() })),
  /** Given to the log line of the same request. */
  request_id: z.string().optional(),
})
export type Problem = z.infer<typeof problemSchema>

export const publicId = z.string().regex(publicIdPattern, 'must be a job id: 12 characters, 0-9 and a-z')
export const batchId = z.string().regex(publicIdPattern, 'must be a batch id: 12 characters, 0-9 and a-z')
export const instant = z.iso.datetime({ offset: true })
export const cursor = z.string().regex(/^[0-9]{1,18}$/, 'must be the next_cursor of an earlier answer')

/** Query strings carry text: `?limit=20`. */
export const queryInt = (min: number, max: number) =>
  z
    .union([z.int(), z.string().regex(/^\d{1,10}$/, 'must be a whole number')])
    .transform(Number)
    .pipe(z.int().min(min).max(max))

export const queryFlag = z
  .union([z.boolean(), z.enum(['true', 'false'])])
  .transform((value) => value === true || value === 'true')

/** One value, several, or several in one with commas: `?state=queued,running`. */
export const queryList = <T extends z.ZodType<unknown, string>>(item: T) =>
  z
    .union([z.string().max(4000), z.array(z.string().max(200)).max(200)])
    .transform((value) => (typeof value === 'string' ? value.split(',').filter((part) => part !== '') : value))
    .pipe(z.array(item))

export const page = { cursor: cursor.optional(), limit: queryInt(1, 200).default(50) }

const idempotencyParameter = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description: 'The same key with the same body gives the same jobs for 24 hours; with another body, 409.',
  schema: { type: 'string' as const, minLength: 1, maxLength: 255 },
}

/** Documents the header that `context.idempotencyKey` of the client becomes. */
export const withIdempotencyKey: Route['spec'] = (operation) => ({
  ...operation,
  parameters: [...(operation.parameters ?? []), idempotencyParameter],
})

export type { ErrorMap }
