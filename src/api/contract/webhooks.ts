/** Inbound webhooks of events. The door itself, `POST /hooks/{key}`, stands beside the API (`rest/hook-route.ts`). */
import * as z from 'zod'
import { base, instant, publicId, queryInt } from './base.ts'

const tags = ['events']
const eventRef = z.string().min(1).max(128)
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a webhook name has lower-case letters, digits, . _ and - only')
const key = z.strictObject({ event: eventRef, name })

export const webhookSchemes = ['standard', 'github'] as const

const webhookSchema = z.object({
  id: publicId,
  name: z.string(),
  event: z.object({ id: publicId, name: z.string() }),
  scheme: z.enum(webhookSchemes),
  /** With the secret part; shown to those who may change the event, else null. */
  url: z.string().nullable(),
  enabled: z.boolean(),
  per_minute: z.int(),
  created_at: instant,
  last_used_at: instant.nullable(),
})
export type Webhook = z.infer<typeof webhookSchema>
/** The signing secret is shown here and never again. */
const withSecret = z.object({ ...webhookSchema.shape, secret: z.string() })

const list = base
  .route({ method: 'GET', path: '/events/{event}/webhooks', tags, summary: 'Webhooks of an event' })
  .input(z.strictObject({ event: eventRef }))
  .output(z.object({ webhooks: z.array(webhookSchema) }))
const all = base
  .route({ method: 'GET', path: '/webhooks', tags, summary: 'Webhooks of all events that one may change' })
  .output(z.object({ webhooks: z.array(webhookSchema) }))
const create = base
  .route({
    method: 'POST',
    path: '/events/{event}/webhooks',
    tags,
    successStatus: 201,
    summary: 'Make a webhook; its secret is shown once',
  })
  .input(
    z.strictObject({
      event: eventRef,
      name,
      scheme: z.enum(webhookSchemes).default('standard'),
      per_minute: z.int().min(1).max(6000).default(60),
      /** Of a sender that makes its own; left out, one is made. */
      secret: z.string().min(16).max(200).optional(),
    }),
  )
  .output(withSecret)
const change = base
  .route({
    method: 'PATCH',
    path: '/events/{event}/webhooks/{name}',
    tags,
    summary: 'Enable, disable, or another rate',
  })
  .input(
    z.strictObject({
      event: eventRef,
      name,
      enabled: z.boolean().optional(),
      per_minute: z.int().min(1).max(6000).optional(),
    }),
  )
  .output(webhookSchema)
const rotate = base
  .route({
    method: 'POST',
    path: '/events/{event}/webhooks/{name}/rotate',
    tags,
    summary: 'A new secret; the old one holds for the hours given',
  })
  .input(z.strictObject({ event: eventRef, name, keep_old_hours: z.int().min(0).max(168).default(24) }))
  .output(withSecret)
const remove = base
  .route({
    method: 'DELETE',
    path: '/events/{event}/webhooks/{name}',
    tags,
    successStatus: 204,
    summary: 'Delete a webhook',
  })
  .input(key)
const delivery = z.object({
  delivery_id: z.string(),
  received_at: instant,
  run_id: publicId.nullable(),
  /** Why it began nothing. */
  reason: z.string().nullable(),
})
const deliveries = base
  .route({
    method: 'GET',
    path: '/events/{event}/webhooks/{name}/deliveries',
    tags,
    summary: 'What came in, newest first',
  })
  .input(z.strictObject({ event: eventRef, name, limit: queryInt(1, 200).default(50), before: instant.optional() }))
  .output(z.object({ deliveries: z.array(delivery), next_before: instant.nullable() }))

export const webhooks = { list, all, create, change, rotate, delete: remove, deliveries }
