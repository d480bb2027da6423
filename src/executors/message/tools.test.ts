/** What the tools' actions send, to real receivers on this machine. */
import { expect, test } from 'vitest'
import type { ChannelSettings, Message } from '../../job/message.ts'
import { toolAction, tools } from '../../job/tools/index.ts'
import { receiverProblems } from '../../job/tools/receivers.ts'
import { message, receiver, run, says, smtp } from '../testing/messages.ts'

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
/** As the server makes it: the input checked by the action's schema. */
function toolMessage(kind: ChannelSettings['kind'], action: string, input: object): Message {
  const parsed = toolAction(kind, action)!.input.parse(input)
  return { ...message, type: 'event.message', data: { event: 'backup' }, tool: { action, input: parsed } }
}
const sent = async (settings: ChannelSettings, action: string, input: object) => {
  const { outcome } = await run(settings, { spec: { message: toolMessage(settings.kind, action, input) } })
  expect(outcome).toMatchObject({ state: 'succeeded' })
}
const post = async (kind: 'slack' | 'discord' | 'webhook', action: string, input: object): Promise<unknown> => {
  const { url, got } = await receiver(says(200))
  await sent(kind === 'webhook' ? { kind, url, secret } : { kind, url }, action, input)
  return JSON.parse(got[0]!.body)
}

test('slack: names and links do nothing unless markup is asked for, in blocks as in texts', async () => {
  const blocks = [
    { type: 'section', text: { type: 'mrkdwn', text: '<!channel> & *b*' } },
    { type: 'header', text: { type: 'plain_text', text: '<!channel>' } },
  ]
  expect(await post('slack', 'send', { subject: 'A\nB', text: '<!here>', blocks })).toEqual({
    text: '*A B*\n&lt;!here&gt;',
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: '&lt;!channel&gt; &amp; *b*' } },
      { type: 'header', text: { type: 'plain_text', text: '<!channel>' } },
    ],
  })
  expect(await post('slack', 'send', { text: '<!here>', markup: true })).toEqual({ text: '<!here>' })
})

test('discord: nobody is called unless mentions are asked for', async () => {
  expect(await post('discord', 'send', { text: '@everyone', embeds: [{ title: 't' }], username: 'Bot' })).toEqual({
    allowed_mentions: { parse: [] },
    content: '@everyone',
    embeds: [{ title: 't' }],
    username: 'Bot',
  })
  expect(await post('discord', 'send', { subject: 'S', text: 'hi', mentions: true })).toEqual({
    content: '**S**\nhi',
  })
})

test('webhook: a message in the usual form, or any JSON as it is', async () => {
  expect(await post('webhook', 'send', { text: 'done', data: { n: 1 } })).toEqual({
    type: 'event.message',
    timestamp: message.at,
    data: { subject: message.subject, text: message.text, url: message.link, event: 'backup', n: 1 },
  })
  expect(await post('webhook', 'post', { body: [1, { a: null }] })).toEqual([1, { a: null }])
})

test('mail: receivers, copies and HTML, and no header out of a subject', async () => {
  const { port, mails } = await smtp({ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] })
  const smtp_url = `smtp://127.0.0.1:${port}`
  const settings = { kind: 'email', smtp_url, from: 'runyard@example.com', to: ['ops@example.com'] } as const
  const input = { subject: 'One\nBcc: x@example.org', text: 'plain words', html: '<b>bold</b>', cc: 'c@example.com' }
  await sent({ ...settings, to: [...settings.to] }, 'send', { ...input, to: 'a@example.com, b@example.com' })
  expect(mails[0]).toMatch(/^To: a@example\.com, b@example\.com\r?$/m)
  expect(mails[0]).toMatch(/^Cc: c@example\.com\r?$/m)
  expect(mails[0]).toMatch(/^Subject: One Bcc: x@example\.org\r?$/m)
  expect(mails[0]).toContain('plain words')
  expect(mails[0]).toContain('<b>bold</b>')
  expect(mails[0]).toContain('X-Runyard-Delivery: d0d0d0d0d0d0')
})

test('a channel of mail sends to its own domains, or wherever its administrator lets it', () => {
  const settings = { kind: 'email' as const, smtp_url: 'smtp://x', from: 'r@a.example', to: ['ops@b.example'] }
  const fields = (over: object = {}) =>
    receiverProblems({ ...settings, ...over }, { to: ['x@A.example', 'y@b.example'], bcc: ['z@c.example'] }).map(
      ({ field }) => field,
    )
  expect(fields()).toEqual(['bcc'])
  expect(fields({ receivers: 'any' })).toEqual([])
})

test.each(Object.values(tools).flatMap(({ name, actions }) => actions.map((action) => [name, action] as const)))(
  'the example of %s is one that its schema takes, and unknown fields are refused',
  (_name, action) => {
    expect(action.input.safeParse(action.example).success).toBe(true)
    expect(action.input.safeParse({ ...action.example, nonsense: 1 }).success).toBe(false)
    expect(action.input.safeParse({}).success).toBe(false)
  },
)
