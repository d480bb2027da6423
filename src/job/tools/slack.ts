import * as z from 'zod'
import { slackSettings } from './credentials.ts'
import { subjectField, type Tool } from './tool.ts'

export const slackInput = z
  .strictObject({
    subject: z.string().max(300).optional().meta(subjectField),
    text: z.string().max(12_000).optional().meta({ title: 'Text', format: 'multiline' }),
    /** Block Kit. */
    blocks: z
      .array(z.record(z.string(), z.json()))
      .max(50)
      .optional()
      .meta({ title: 'Blocks', description: 'Of Block Kit, in place of the text' }),
    markup: z.boolean().default(false).meta({
      title: 'Markup',
      description: 'Links and mentions (<!channel>) take effect; else they are shown as text',
    }),
  })
  .refine(({ text, blocks, subject }) => (text ?? subject ?? '') !== '' || blocks !== undefined, {
    path: ['text'],
    message: 'give a text or blocks',
  })
export type SlackInput = z.output<typeof slackInput>

export const slack: Tool = {
  name: 'slack',
  title: 'Slack',
  description: 'An incoming webhook of Slack, and of what understands its form (Mattermost, Rocket.Chat)',
  credentials: slackSettings,
  actions: [
    {
      name: 'send',
      title: 'Send a message',
      description: 'A text, or blocks of Block Kit, to the channel that the webhook belongs to',
      input: slackInput,
      example: {
        subject: 'Backup of {{ event.name }}',
        text: '{{ output.files }} files in {{ outcome.duration_seconds }} s',
      },
    },
  ],
}
