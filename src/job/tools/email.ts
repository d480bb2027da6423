import * as z from 'zod'
import { address, emailSettings } from './credentials.ts'
import type { Tool } from './tool.ts'

/** One address, several with commas between them (as a template makes them), or a list. */
const addresses = z
  .preprocess(
    (given) =>
      typeof given === 'string'
        ? given
            .split(',')
            .map((one) => one.trim())
            .filter(Boolean)
        : given,
    z.array(address).min(1).max(50),
  )
  .optional()

export const emailInput = z
  .strictObject({
    subject: z.string().min(1).max(500).meta({ title: 'Subject' }),
    text: z.string().max(100_000).optional().meta({ title: 'Text', format: 'multiline' }),
    html: z
      .string()
      .max(500_000)
      .optional()
      .meta({ title: 'HTML', format: 'html', description: 'What a template fills in is escaped' }),
    to: addresses.meta({ title: 'To', description: 'In place of the receivers of the channel' }),
    cc: addresses.meta({ title: 'Copy to' }),
    bcc: addresses.meta({ title: 'Hidden copy to' }),
    reply_to: address.optional().meta({ title: 'Answers to' }),
  })
  .refine(({ text, html }) => text !== undefined || html !== undefined, {
    path: ['text'],
    message: 'give a text, or html, or both',
  })
export type EmailInput = z.output<typeof emailInput>

export const email: Tool = {
  name: 'email',
  title: 'Mail',
  description: 'Mail over SMTP',
  credentials: emailSettings,
  actions: [
    {
      name: 'send',
      title: 'Send a mail',
      description: 'To the receivers of the channel, or to others that it allows',
      input: emailInput,
      example: { subject: '{{ event.name }}: {{ outcome.state }}', text: '{{ output }}' },
      html: ['html'],
    },
  ],
}
