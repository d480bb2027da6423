/** Where messages go: stored destinations with their credentials, and what became of each message. */
import * as z from 'zod'
import { channelKinds, weekdays } from '../../job/message.ts'
import { jobStates } from '../../job/state.ts'
import {
  address,
  channelHeaders,
  channelSecret,
  discordSettings,
  emailSettings,
  httpUrl,
  receivers,
  slackSettings,
  smtpUrl,
  webhookSettings,
} from '../../job/tools/credentials.ts'
import { base, instant, page, publicId, queryList } from './base.ts'

const tags = ['channels']
export { channelKinds, weekdays, type ChannelKind, type Weekday } from '../../job/message.ts'

const channelName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a channel name has lower-case letters, digits, . _ and - only')
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is a time of day, HH:MM')

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
  slackSettings,
  discordSettings,
  webhookSettings,
  emailSettings,
])

/** Some settings of a channel that is there; which ones it has is a matter of its kind, which stays. */
const settingChanges = z
  .strictObject({
    url: httpUrl,
    secret: channelSecret,
    headers: channelHeaders,
    smtp_url: smtpUrl,
    from: address,
    to: z.array(address).min(1).max(50),
    receivers,
  })
  .partial()

/** Those of the job that sends it; `not_sent`: there is none, and `result` says why. */
export const deliveryStates = [...jobStates, 'not_sent'] as const
export type DeliveryState = (typeof deliveryStates)[number]

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
  last_delivery: z.object({ job_id: publicId.nullable(), state: z.enum(deliveryStates), at: instant }).nullable(),
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
      /** Instead of `settings`: only these change, e.g. the secret of a webhook; headers are replaced as a whole. */
      changes: settingChanges.optional(),
      /** With settings of another kind than it has: they take the place of the old ones. */
      replace: z.boolean().default(false),
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
  /** Of the newest job that sends it; null when it was not to be sent. */
  job_id: publicId.nullable(),
  state: z.enum(deliveryStates),
  attempts: z.int(),
  /** What the receiver said last, or why it was not sent. */
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
      state: queryList(z.enum(deliveryStates)).optional(),
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
