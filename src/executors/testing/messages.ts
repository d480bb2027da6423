/** Receivers of messages on this machine, and a message to send them. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { expect, onTestFinished } from 'vitest'
import { settingsVariable, type ChannelSettings, type Message } from '../../job/message.ts'
import { createMessageExecutor } from '../message.ts'
import { outcomeOf } from '../outcome-of.ts'
import { sampleOrder, type Overrides } from './orders.ts'
import { textOf } from './read-log.ts'

export const message: Message = {
  channel: 'team',
  about: 'batch:abcdefghijkl',
  delivery_id: 'd0d0d0d0d0d0',
  subject: 'Batch nightly failed: 1 of 2 jobs',
  text: '1 passed, 1 failed.\n\nFailed jobs:\n- test-1',
  link: 'https://runyard.example/batches/abcdefghijkl',
  tone: 'failed',
  type: 'batch.ended',
  at: '2026-11-22T12:00:00.000Z',
  data: { batch: { id: 'abcdefghijkl' } },
}

interface Got {
  path: string
  headers: IncomingMessage['headers']
  body: string
}

/** Answers with the n-th function, then always with the last. */
export async function receiver(...answers: ((res: ServerResponse, got: Got) => void)[]) {
  const got: Got[] = []
  const server = createServer((req, res) => {
    const parts: Buffer[] = []
    req.on('data', (part: Buffer) => parts.push(part))
    req.on('end', () => {
      got.push({ path: req.url!, headers: req.headers, body: Buffer.concat(parts).toString() })
      answers[Math.min(got.length, answers.length) - 1]!(res, got.at(-1)!)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export const says =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (res: ServerResponse) =>
    void res.writeHead(status, headers).end(body)

export const start = (settings: ChannelSettings, { spec, ...rest }: Overrides = {}) =>
  createMessageExecutor().start(
    sampleOrder(['message', 'team'], {
      ...rest,
      spec: { executor: 'message', message, ...spec },
      secretEnv: { [settingsVariable]: JSON.stringify(settings) },
    }),
  )

export async function run(settings: ChannelSettings, overrides?: Overrides) {
  const attempt = await start(settings, overrides)
  const ended = await attempt.ended
  const outcome = outcomeOf({ ended, timeoutMs: 1000, memoryBytes: 0 })
  const log = await textOf(attempt.log, 'stdout')
  expect(attempt.log.whole()?.length).toBe(attempt.log.length())
  await attempt.release()
  return { outcome, log }
}

export async function smtp(options: SMTPServerOptions): Promise<{ port: number; mails: string[]; close(): void }> {
  const mails: string[] = []
  const server = new SMTPServer({
    logger: false,
    onData(stream, _session, done) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        mails.push(Buffer.concat(parts).toString())
        done(null)
      })
    },
    ...options,
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => server.close()
  onTestFinished(close)
  return { port: (server.server.address() as AddressInfo).port, mails, close }
}
