import * as z from 'zod'
import { discordSettings } from './credentials.ts'
import { subjectField, type Tool } from './tool.ts'

export const discordInput = z
  .strictObject({
    subject: z.string().max(256).optional().meta(subjectField),
    text: z.string().max(2000).optional().meta({ title: 'Text', format: 'multiline' }),
    embeds: z.array(z.record(z.string(), z.json())).max(10).optional().meta({ title: 'Embeds' }),
    username: z.string().min(1).max(80).optional().meta({ title: 'Shown as' }),
    mentions: z
      .boolean()
      .default(false)
      .meta({ title: 'Mentions', description: 'Whoever the text names is called; else nobody is' }),
  })
  .refine(({ text, embeds, subject }) => (text ?? subject ?? '') !== '' || embeds !== undefined, {
    path: ['text'],
    message: 'give a text or embeds',
  })
export type DiscordInput = z.output<typeof discordInput>

export const discord: Tool = {
  name: 'discord',
  title: 'Discord',
  description: 'A webhook of a channel in Discord',
  credentials: discordSettings,
  actions: [
    {
      name: 'send',
      title: 'Send a message',
      description: 'A text of at most 2,000 characters, and up to ten embeds',
      input: discordInput,
      example: { text: '{{ event.name }}: {{ outcome.state }}' },
    },
  ],
}
