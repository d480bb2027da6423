import { createHmac, timingSafeEqual } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Message } from '../job/message.ts'
import { createMessageExecutor } from './message.ts'
import { discordBody } from './message/discord.ts'
import { mailOf } from './message/email.ts'
import { slackBody } from './message/slack.ts'
import { outcomeOf } from './outcome-of.ts'
import { message, receiver, run, says, smtp, start } from './testing/messages.ts'
import { sampleOrder } from './testing/orders.ts'

const token = 'T00C4N4RY/B00/xoxb-c4n4ry-t0k3n'

test('slack: sent, with the answer in the log and the address nowhere', async () => {
  const { url, got } = await receiver((res, { path }) => says(200, `ok ${path}`)(res))
  const { outcome, log } = await run({ kind: 'slack', url: `${url}/services/${token}?k=another-c4n4ry` })
  expect(outcome).toMatchObject({ state: 'succeeded', exit_code: 0, remaining_processes: 0 })
  expect(got).toHaveLength(1)
  expect(JSON.parse(got[0]!.body)).toEqual(slackBody(message))
  expect(log).toMatch(/^POST to http:\/\/127\.0\.0\.1:\d+, \d+ bytes\nanswered 200 OK after \d+ ms: ok /)
  expect(JSON.stringify(outcome) + log).not.toContain('c4n4ry')
})

test('a webhook is signed as its specification says, and nothing of ours can be overwritten', async () => {
  const { url, got } = await receiver(says(204))
  const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`
  const headers = { 'X-Team': 'c4n4ry-of-a-header', 'Webhook-Id': 'forged', 'Content-Type': 'text/plain' }
  const { outcome, log } = await run({ kind: 'webhook', url: `${url}/hook`, secret, headers })
  expect(outcome).toMatchObject({ state: 'succeeded', message: 'sent: 204 No Content' })
  const { headers: sent, body } = got[0]!
  expect(sent).toMatchObject({
    'webhook-id': 'd0d0d0d0d0d0',
    'content-type': 'application/json; charset=utf-8',
    'x-team': 'c4n4ry-of-a-header',
  })
  const time = sent['webhook-timestamp'] as string
  expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(10)
  const expected = createHmac('sha256', '0123456789abcdef0123456789abcdef')
    .update(`d0d0d0d0d0d0.${time}.${body}`)
    .digest()
  const [version, given] = (sent['webhook-signature'] as string).split(',')
  expect(version).toBe('v1')
  expect(timingSafeEqual(Buffer.from(given!, 'base64'), expected)).toBe(true)
  expect(JSON.parse(body)).toMatchObject({
    type: 'batch.ended',
    timestamp: message.at,
    data: { batch: { id: 'abcdefghijkl' } },
  })
  expect(log).not.toContain('c4n4ry')
})

test.each([
  [400, 'refused'],
  [404, 'refused'],
  [410, 'refused'],
  [408, 'exit'],
  [429, 'exit'],
  [500, 'exit'],
  [503, 'exit'],
])('an answer %i is of class %s', async (status, error_class) => {
  const { url } = await receiver(says(status, 'because'))
  const { outcome } = await run({ kind: 'discord', url: `${url}/x` })
  expect(outcome).toMatchObject({ state: 'failed', error_class })
  expect(outcome.message).toContain(`${status}`)
  expect(outcome.message).toContain('because')
})

test('a redirect is not followed', async () => {
  const elsewhere = await receiver(says(200))
  const { url } = await receiver(says(302, '', { location: elsewhere.url }))
  const { outcome } = await run({ kind: 'slack', url: `${url}/x` })
  expect(outcome).toMatchObject({ state: 'failed', error_class: 'refused' })
  expect(outcome.message).toContain('redirects are not followed')
  expect(elsewhere.got).toEqual([])
})

test('patience that is asked for is given once, up to a minute', async () => {
  const { url, got } = await receiver(says(429, '', { 'retry-after': '0.2' }), says(200, 'ok'))
  const since = performance.now()
  expect((await run({ kind: 'slack', url: `${url}/x` })).outcome.state).toBe('succeeded')
  expect(performance.now() - since).toBeGreaterThan(180)
  expect(got).toHaveLength(2)
  const busy = await receiver(says(503, '', { 'retry-after': '61' }))
  expect((await run({ kind: 'slack', url: `${busy.url}/x` })).outcome).toMatchObject({ error_class: 'exit' })
  expect(busy.got).toHaveLength(1)
})

test('a receiver that hangs is left at a cancel, and at the wall time', async () => {
  const { url, got } = await receiver(() => {})
  const attempt = await start({ kind: 'slack', url: `${url}/x` })
  await expect.poll(() => got.length).toBe(1)
  await attempt.stop('cancelled', 60_000)
  expect(outcomeOf({ ended: await attempt.ended, timeoutMs: 1, memoryBytes: 0 }).state).toBe('cancelled')
  expect((await run({ kind: 'slack', url: `${url}/x` }, { timeoutMs: 100 })).outcome).toMatchObject({
    state: 'timed_out',
    error_class: 'timeout',
  })
})

test('a stop ends the patience, too', async () => {
  const { url, got } = await receiver(says(429, '', { 'retry-after': '30' }))
  const attempt = await start({ kind: 'slack', url: `${url}/x` })
  await expect.poll(() => got.length).toBe(1)
  await attempt.stop('shutdown', 0)
  expect(await attempt.ended).toMatchObject({ reason: 'shutdown' })
})

test('an endless answer is read in part', async () => {
  const { url } = await receiver((res) => {
    const pour = () => {
      while (!res.destroyed && res.write('x'.repeat(64 * 1024)));
      res.once('drain', pour)
    }
    res.writeHead(200)
    pour()
  })
  const { outcome, log } = await run({ kind: 'slack', url: `${url}/x` })
  expect(outcome.state).toBe('succeeded')
  expect(log.length).toBeLessThan(4000)
})

test('an unreachable host is worth another try; credentials in the address are sent, not said', async () => {
  const { url, got } = await receiver(says(200))
  const closed = await smtp({})
  closed.close()
  const away = await run({ kind: 'slack', url: `http://127.0.0.1:${closed.port}/c4n4ry-path` })
  const message = `not sent: 127.0.0.1:${closed.port} refused the connection`
  expect(away.outcome).toMatchObject({ state: 'failed', error_class: 'exit', message })
  const { log, outcome } = await run({ kind: 'discord', url: `${url.replace('//', '//me:c4n4ry-pw@')}/x` })
  expect(outcome.state).toBe('succeeded')
  expect(got[0]!.headers.authorization).toBe(`Basic ${Buffer.from('me:c4n4ry-pw').toString('base64')}`)
  expect(log + away.log).not.toContain('c4n4ry')
})

test('no text calls people, makes links or breaks the form', () => {
  const hostile: Message = {
    ...message,
    subject: '<!channel> & **x**\r\nBcc: all@example.com\u202e',
    text: `@everyone <https://evil.example|click> [x](https://evil.example)\n${'y'.repeat(10_000)}`,
  }
  const slack = slackBody(hostile) as { text: string; attachments: { text: string }[] }
  expect(slack.text).toBe('*&lt;!channel&gt; &amp; **x** Bcc: all@example.com*')
  expect(slack.attachments[0]!.text).not.toMatch(/<(?!https:\/\/runyard\.example)/)
  expect(slack.attachments[0]!.text.length).toBeLessThan(4000)
  const discord = discordBody(hostile) as {
    allowed_mentions: unknown
    embeds: { title: string; description: string }[]
  }
  expect(discord.allowed_mentions).toEqual({ parse: [] })
  expect(discord.embeds[0]!.title.length).toBeLessThanOrEqual(256)
  expect(discord.embeds[0]!.description.length).toBeLessThanOrEqual(4096)
  expect(discord.embeds[0]!.description).toContain(String.raw`\[x\]\(https`)
  const mail = mailOf(hostile, 'runyard@example.com', ['a@example.com'])
  expect(mail.subject).not.toMatch(/[\r\n]/)
  expect(mail.messageId).toBe('<d0d0d0d0d0d0@example.com>')
})

test('an order without a message or settings never starts', async () => {
  const order = sampleOrder(['message', 'team'], { spec: { executor: 'message', message } })
  await expect(createMessageExecutor().start(order)).rejects.toMatchObject({ errorClass: 'start' })
})
