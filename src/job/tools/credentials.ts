/** What a channel of each kind is made of. Fields with `writeOnly` are secret: written, never read. */
import * as z from 'zod'

const secret = { writeOnly: true }
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .max(2000)
  .meta(secret)
export const address = z.email('must be a mail address').max(320)
export const smtpUrl = z
  .url({ protocol: /^smtps?$/, error: 'must be an smtp or smtps address' })
  .max(2000)
  .meta(secret)
export const channelSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, 'is whsec_ and 24 to 64 bytes in base64; left out, one is made')
  .meta(secret)
export const channelHeaders = z
  .record(
    z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'is no name of a header'),
    z
      .string()
      .max(2000)
      .regex(/^[\x20-\x7e]*$/, 'has printable ASCII characters only'),
  )
  .refine((all) => Object.keys(all).length <= 20, 'at most 20 headers')
  .meta(secret)
/** `own_domains`: a message may name other receivers only where the channel itself sends from or to. */
export const receivers = z.enum(['own_domains', 'any'])

export const slackSettings = z.strictObject({ kind: z.literal('slack'), url: httpUrl })
export const discordSettings = z.strictObject({ kind: z.literal('discord'), url: httpUrl })
export const webhookSettings = z.strictObject({
  kind: z.literal('webhook'),
  url: httpUrl,
  /** Signs deliveries (Standard Webhooks). A new channel without one gets one, shown this once; an old one keeps its own. */
  secret: channelSecret.optional(),
  headers: channelHeaders.optional(),
})
export const emailSettings = z.strictObject({
  kind: z.literal('email'),
  /** `smtp://user:password@host:587` or `smtps://…:465`. */
  smtp_url: smtpUrl,
  from: address,
  to: z.array(address).min(1).max(50),
  receivers: receivers.optional(),
})
