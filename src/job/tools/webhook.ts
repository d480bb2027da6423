import * as z from 'zod'
import { webhookSettings } from './credentials.ts'
import { subjectField, type Tool } from './tool.ts'

export const webhookSendInput = z.strictObject({
  subject: z.string().max(300).optional().meta(subjectField),
  text: z.string().max(100_000).meta({ title: 'Text', format: 'multiline' }),
  type: z
    .string()
    .regex(/^[a-z][a-z0-9_.]{0,99}$/, 'is no type: lower-case letters, digits, . and _')
    .default('event.message')
    .meta({ title: 'Type' }),
  data: z.record(z.string(), z.json()).default({}).meta({ title: 'Further data' }),
})
export type WebhookSendInput = z.output<typeof webhookSendInput>

export const webhookPostInput = z.strictObject({
  body: z.json().meta({ title: 'Body', description: 'Any JSON, sent as it is' }),
})
export type WebhookPostInput = z.output<typeof webhookPostInput>

export const webhook: Tool = {
  name: 'webhook',
  title: 'Webhook',
  description: 'A signed POST of JSON (Standard Webhooks)',
  credentials: webhookSettings,
  actions: [
    {
      name: 'send',
      title: 'Send a message',
      description: 'In the form that all messages of Runyard have: type, timestamp, data with subject and text',
      input: webhookSendInput,
      example: { text: '{{ event.name }}: {{ outcome.state }}', data: { files: '{{ output.files }}' } },
    },
    {
      name: 'post',
      title: 'Post JSON',
      description: 'A body of any form, signed as all are',
      input: webhookPostInput,
      example: { body: { event: '{{ event.name }}', result: '{{ output }}' } },
    },
  ],
}
