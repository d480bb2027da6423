/** A signed POST as the Standard Webhooks specification has it: docs/channels.md tells receivers how to check it. */
import { createHmac } from 'node:crypto'
import type { Message } from '../../job/message.ts'
import type { WebhookPostInput, WebhookSendInput } from '../../job/tools/webhook.ts'
import { post } from './post.ts'
import type { Send } from './sending.ts'

export function webhookBody({ type, at, data, subject, text, link }: Message): object {
  return { type, timestamp: at, data: { subject, text, ...(link === undefined ? {} : { url: link }), ...data } }
}

/** Of the tool: `post` sends what it is given, `send` the form of all messages. */
function toolBody(
  { at, data, subject, text, link }: Message,
  { action, input }: NonNullable<Message['tool']>,
): unknown {
  if (action === 'post') return (input as WebhookPostInput).body
  const { type, data: further } = input as WebhookSendInput
  return webhookBody({ type, at, subject, text, link, data: { ...data, ...further } } as Message)
}

/** Over id, time and body, so that none of them can be exchanged for another. */
export function signature(secret: string, id: string, seconds: number, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`
}

export const sendWebhook: Send<'webhook'> = ({ message, settings, ...rest }) => {
  const body = JSON.stringify(message.tool ? toolBody(message, message.tool) : webhookBody(message))
  const seconds = Math.floor(Date.now() / 1000)
  return post({
    ...rest,
    url: settings.url,
    body,
    headers: [
      settings.headers ?? {},
      {
        'webhook-id': message.delivery_id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': signature(settings.secret, message.delivery_id, seconds, body),
      },
    ],
  })
}
