/** Where messages go: stored destinations with their credentials, and what became of each message. */
import * as z from 'zod'
import { jobStates } from '../../job/state.ts'
import { base, instant, page, publicId, queryList } from './base.ts'

const tags = ['channels']
export const channelKinds = ['slack', 'discord', 'webhook', 'email'] as const
export type ChannelKind = (typeof channelKinds)[number]

const channelName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a channel name has lower-case letters, digits, . _ and - only')
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).max(2000)
const address = z.email('must be a mail address').max(320)
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is a time of day, HH:MM')

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
/** From `from` to `to` in `time_zone`, over midnight when `to` is not after `from`; `days` are those on which it begins. */
export const quietSchema = z.strictObject({
  days: z
    .array(z.enum(weekdays))
    .min(1)
    .default([...weekdays]),
  from: clock,
  to: clock,
  time_zone: z.string().max(64).default('UTC'),
  /** What becomes of a message inside: `hold` it until the end of the window, or `drop` it. */
  action: z.enum(['hold', 'drop']).default('hold'),
})
export type Quiet = z.infer<typeof quietSchema>

/** Values that are secret are written, never read: an answer has `null` or `true` in their place. */
export const channelSettings = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('slack'), url: httpUrl }),
  z.strictObject({ kind: z.literal('discord'), url: httpUrl }),
  z.strictObject({
    kind: z.literal('webhook'),
    url: httpUrl,
    /** Signs deliveries (Standard Webhooks); made when missing, and shown this once. */
    secret: z.string().min(16, 'has at least 16 characters').max(256).optional(),
    headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().max(2000)).optional(),
  }),
  z.strictObject({
    kind: z.literal('email'),
    /** `smtp://user:password@host:587` or `smtps://…:465`. */
    smtp_url: z.url({ protocol: /^smtps?$/, error: 'must be an smtp or smtps address' }).max(2000),
    from: address,
    to: z.array(address).min(1).max(50),
  }),
])

const channelSchema = z.object({
  name: z.string(),
  kind: z.enum(channelKinds),
  description: z.string().nullable(),
  /** Host of the address, or the receivers of mail: enough to know it again, nothing secret. */
  destination: z.string(),
  enabled: z.boolean(),
  quiet: z.array(quietSchema),
  created_at: instant,
  updated_at: instant,
  last_delivery: z.object({ job_id: publicId, state: z.enum(jobStates), at: instant }).nullable(),
})
export type Channel = z.infer<typeof channelSchema>

const list = base
  .route({ method: 'GET', path: '/channels', tags, summary: 'Channels; anybody who submits may name them' })
  .output(z.object({ channels: z.array(channelSchema) }))
const get = base
  .route({ method: 'GET', path: '/channels/{name}', tags, summary: 'One channel' })
  .input(z.strictObject({ name: channelName }))
  .output(channelSchema)
const put = base
  .route({ method: 'PUT', path: '/channels/{name}', tags, summary: 'Make a channel or replace it (administrators)' })
  .input(
    z.strictObject({
      name: channelName,
      description: z.string().max(500).nullable().default(null),
      enabled: z.boolean().default(true),
      quiet: z.array(quietSchema).max(20).default([]),
      /** Left out: the settings stay as they are. */
      settings: channelSettings.optional(),
    }),
  )
  .output(
    z.object({
      ...channelSchema.shape,
      secret: z.string().nullable().describe('Of a webhook, when it was made just now'),
    }),
  )
const remove = base
  .route({
    method: 'DELETE',
    path: '/channels/{name}',
    tags,
    successStatus: 204,
    summary: 'Delete a channel (administrators)',
  })
  .input(z.strictObject({ name: channelName }))
const test = base
  .route({
    method: 'POST',
    path: '/channels/{name}/test',
    tags,
    successStatus: 202,
    summary: 'Send a test message (administrators); its job tells what became of it',
  })
  .input(z.strictObject({ name: channelName }))
  .output(z.object({ job_id: publicId }))

const delivery = z.object({
  /** The same at every try: receivers know a repeated message by it. */
  id: z.string(),
  channel: z.string(),
  /** What it tells of, e.g. `batch:x1y2…`. */
  about: z.string(),
  subject: z.string(),
  job_id: publicId,
  state: z.enum(jobStates),
  attempts: z.int(),
  /** What the receiver said last. */
  result: z.string().nullable(),
  created_at: instant,
  ended_at: instant.nullable(),
  /** Held back until then by quiet hours. */
  held_until: instant.nullable(),
})
export type Delivery = z.infer<typeof delivery>
const deliveries = base
  .route({
    method: 'GET',
    path: '/deliveries',
    tags,
    summary: 'What was sent, newest first; `state=failed,lost` are the dead ones',
  })
  .input(
    z.strictObject({
      ...page,
      channel: channelName.optional(),
      about: z.string().max(100).optional(),
      state: queryList(z.enum(jobStates)).optional(),
    }),
  )
  .output(z.object({ deliveries: z.array(delivery), next_cursor: z.string().nullable() }))
const redeliver = base
  .route({
    method: 'POST',
    path: '/deliveries/{id}/redeliver',
    tags,
    successStatus: 202,
    summary: 'Send a message again, with the same id (administrators)',
  })
  .input(z.strictObject({ id: z.string().regex(/^[0-9a-z]{12}$/) }))
  .output(z.object({ job_id: publicId }))

export const channels = { list, get, put, delete: remove, test }
export const messageDeliveries = { list: deliveries, redeliver }
