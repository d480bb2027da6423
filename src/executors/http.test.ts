import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LookupAddress } from 'node:dns'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpRequestSchema, type HttpRequest } from '../job/http-request.ts'
import { createHttpExecutor, type HttpOptions } from './http.ts'
import { outcomeOf } from './outcome-of.ts'
import { sampleOrder } from './testing/orders.ts'
import { textOf } from './testing/read-log.ts'

type Handler = (req: IncomingMessage, res: ServerResponse) => void
const routes = new Map<string, Handler>()
const seen: { url: string; headers: IncomingMessage['headers'] }[] = []
const server = createServer((req, res) => {
  seen.push({ url: req.url!, headers: req.headers })
  routes.get(new URL(req.url!, 'http://x').pathname)!(req, res)
})
let base: string
let port: number

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  base = `http://127.0.0.1:${port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const names = (table: Record<string, string[]>): HttpOptions['lookup'] =>
  ((name: string, _options: unknown, callback: (error: Error | null, found: LookupAddress[]) => void) => {
    callback(
      null,
      (table[name] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as unknown as HttpOptions['lookup']

interface Given {
  /** Of an action: no run of an event is its own. */
  action?: boolean
  allow?: string[]
  secrets?: Record<string, string>
  input?: { type: string; body: string }
  options?: Partial<HttpOptions>
  outputBytes?: (bytes: number) => void
}

async function run(request: Partial<HttpRequest> & { url: string }, given: Given = {}) {
  const output: { type?: string; body: string } = { body: '' }
  const executor = createHttpExecutor({
    resultsOf: () => ({
      openInput: async () =>
        given.input === undefined
          ? null
          : {
              type: given.input.type,
              size: given.input.body.length,
              body: (async function* () {
                yield Buffer.from(given.input!.body)
              })(),
            },
      async putOutput(type, body) {
        output.type = type
        let bytes = 0
        for await (const piece of body) {
          bytes += piece.length
          if (bytes < 1_000_000) output.body += Buffer.from(piece).toString()
        }
        given.outputBytes?.(bytes)
      },
    }),
    ...given.options,
  })
  const http = { request: httpRequestSchema.parse(request), allow: given.allow ?? [`127.0.0.1:${port}`] }
  const order = sampleOrder(['http'], {
    spec: {
      executor: 'http',
      ...(given.action ? {} : { event: { run_id: 'abcdefghijkl', name: 'asks', kind: 'http' as const } }),
    },
    http,
    secretEnv: given.secrets ?? {},
  })
  const attempt = await executor.start(order)
  const ended = await attempt.ended
  const outcome = outcomeOf({ ended, timeoutMs: 60_000, memoryBytes: 0 })
  const log = `${await textOf(attempt.log, 'stderr')}\n${await textOf(attempt.log, 'stdout')}`
  await attempt.release()
  return { outcome, log, output, json: () => JSON.parse(output.body) as Record<string, unknown> }
}

test('the answer is the output and stands in the log; secrets are sent and not shown', async () => {
  routes.set('/ok', (req, res) => {
    res.setHeader('set-cookie', 'sid=1')
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ ok: true, said: req.headers.authorization }))
  })
  const request = { url: `${base}/ok`, query: { a: '1 2' }, auth: { type: 'bearer' as const, token: 'c4n4ry-token' } }
  const { outcome, log, json } = await run(
    { ...request, assert: ['status == 200', 'json.ok', 'json.said.startsWith("Bearer")'] },
    { secrets: { T: 'c4n4ry-token' } },
  )
  expect(outcome).toMatchObject({ state: 'succeeded', exit_code: 0, message: 'answered 200' })
  expect(seen.at(-1)).toMatchObject({
    url: '/ok?a=1+2',
    headers: { authorization: 'Bearer c4n4ry-token', host: `127.0.0.1:${port}` },
  })
  expect(json()).toMatchObject({ status: 200, json: { ok: true } })
  expect(Object.keys(json().headers as object)).not.toContain('set-cookie')
  expect(log).toContain(`GET ${base}/ok\nanswered 200 OK after`)
  expect(log + JSON.stringify(outcome)).not.toContain('c4n4ry')
})

test('status and assertions decide; what another try cannot mend is not tried again', async () => {
  routes.set('/500', (_, res) => void res.writeHead(500).end('down'))
  routes.set('/404', (_, res) => void res.writeHead(404).end())
  routes.set('/text', (_, res) => void res.setHeader('content-type', 'text/plain').end('pong'))
  expect((await run({ url: `${base}/500` })).outcome).toMatchObject({
    state: 'failed',
    error_class: 'exit',
    message: 'answered 500, expected 2xx',
  })
  expect((await run({ url: `${base}/404` })).outcome).toMatchObject({ error_class: 'refused' })
  expect((await run({ url: `${base}/404`, expect_status: [404] })).outcome.state).toBe('succeeded')
  const wrong = await run({ url: `${base}/text`, assert: ['body == "ping"'] })
  expect(wrong.outcome).toMatchObject({
    state: 'failed',
    error_class: 'exit',
    message: 'the assertion body == "ping" does not hold',
  })
  const none = await run({ url: `${base}/text`, assert: ['json.missing.deep'] })
  expect(none.outcome.message).toMatch(/^the assertion json\.missing\.deep cannot be evaluated: /)
  expect((await run({ url: 'http://127.0.0.1:1/' }, { allow: ['127.0.0.1'] })).outcome.message).toBe(
    '127.0.0.1 refused the connection',
  )
})

test('what an action sends is looked at like any other, and is nobody’s output', async () => {
  const { outcome, output, log } = await run({ url: `${base}/text`, assert: ['body == "pong"'] }, { action: true })
  expect(outcome.state).toBe('succeeded')
  expect(output.body).toBe('')
  expect(log).toContain('4 bytes after')
})

test('bodies: text, JSON, and the input as it is', async () => {
  routes.set('/echo', (req, res) => {
    res.setHeader('content-type', req.headers['content-type'] ?? 'none')
    req.pipe(res)
  })
  const sent = async (request: Partial<HttpRequest>, input?: Given['input']) =>
    (await run({ url: `${base}/echo`, method: 'POST', ...request }, { ...(input && { input }) })).output
  expect(JSON.parse((await sent({ body: { a: [1, null] } })).body)).toMatchObject({ json: { a: [1, null] } })
  expect(JSON.parse((await sent({ body: 'plain' })).body)).toMatchObject({
    body: 'plain',
    headers: { 'content-type': 'text/plain; charset=utf-8' },
  })
  expect(await sent({ body_from_input: true }, { type: 'image/x-thing', body: 'raw' })).toEqual({
    type: 'image/x-thing',
    body: 'raw',
  })
})

test('a line break in what was filled in begins no other header', async () => {
  const evil = 'a\r\nx-evil: 1'
  for (const given of [{ headers: { 'x-a': evil } }, { auth: { type: 'bearer' as const, token: evil } }]) {
    const { outcome } = await run({ url: `${base}/text`, ...given })
    expect(outcome).toMatchObject({ state: 'failed', error_class: 'refused' })
    expect(outcome.message).toMatch(/has a line break/)
  }
  await run({ url: `${base}/text`, query: { q: evil } })
  expect(seen.at(-1)).toMatchObject({ url: '/text?q=a%0D%0Ax-evil%3A+1' })
  expect(seen.at(-1)!.headers).not.toHaveProperty('x-evil')
})

// U1: what the URL parser makes of it does not matter; the address does.
test.each([
  'http://127.1/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://0177.0.0.1/',
  'http://[::ffff:127.0.0.1]/',
  'http://１２７.0.0.1/',
  'http://0/',
  'http://localhost./',
  'http://100.64.0.1/',
  'http://198.18.0.1/',
  'http://[fc00::1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://169.254.169.254/latest/meta-data',
  'http://[::1]/',
])('%s is refused before a socket is opened', async (url) => {
  // Not every resolver knows the last one.
  const options = url.includes('localhost') ? { lookup: names({ 'localhost.': ['127.0.0.1'] }) } : {}
  const { outcome } = await run({ url }, { allow: [], options })
  expect(outcome).toMatchObject({ state: 'failed', error_class: 'refused', exit_code: 69 })
  expect(outcome.message).toMatch(/not a public address.*RUNYARD_HTTP_ALLOW/)
})

test.each(['ftp://8.8.8.8/', 'file:///etc/passwd', 'gopher://8.8.8.8/', 'not an address'])(
  '%s is refused',
  async (url) => {
    expect((await run({ url }, { allow: [] })).outcome).toMatchObject({ error_class: 'refused' })
  },
)

// U2
test('a name that resolves inside is refused, also when it had an address outside before', async () => {
  let asked = 0
  const rebinding = ((name: string, options: object, callback: never) => {
    asked++
    return names({ 'rebind.example': [asked === 1 ? '127.0.0.1' : '10.0.0.1'] })!(name, options as never, callback)
  }) as HttpOptions['lookup']
  const inside = await run({ url: `http://rebind.example:${port}/ok` }, { allow: [], options: { lookup: rebinding } })
  expect(inside.outcome).toMatchObject({ error_class: 'refused' })
  // Of several addresses only those that are allowed are connected to.
  const mixed = names({ 'mixed.example': ['10.9.9.9', '127.0.0.1'] })
  const got = await run({ url: `http://mixed.example:${port}/text` }, { options: { lookup: mixed } })
  expect(got.outcome.state).toBe('succeeded')
})

test('each redirect is checked like the first, and takes nothing secret to another origin', async () => {
  const to =
    (location: string, status = 302): Handler =>
    (_, res) =>
      void res.writeHead(status, { location }).end()
  routes.set('/to-inside', to('http://169.254.169.254/latest'))
  routes.set('/to-file', to('file:///etc/passwd'))
  routes.set('/to-self', to('/to-self'))
  routes.set('/to-here', to('/text'))
  routes.set('/to-there', to(`http://there.example:${port}/text`))
  routes.set('/to-there-307', to(`http://there.example:${port}/echo`, 307))
  routes.set('/post-303', to('/echo-method', 303))
  routes.set('/echo-method', (req, res) => void res.setHeader('content-type', 'text/plain').end(req.method))
  const options = { lookup: names({ 'there.example': ['127.0.0.1'] }) }
  const auth = {
    headers: { 'x-key': 'k', cookie: 'c=1' },
    auth: { type: 'basic' as const, username: 'u', password: 'p' },
  }
  expect((await run({ url: `${base}/to-inside` })).outcome.message).toMatch(/169\.254\.169\.254.*not a public address/)
  expect((await run({ url: `${base}/to-file` })).outcome.message).toMatch(/not http or https/)
  expect((await run({ url: `${base}/to-self` })).outcome.message).toMatch(/more than 10 redirects/)
  await run({ url: `${base}/to-here`, ...auth })
  expect(seen.at(-1)!.headers).toMatchObject({ 'x-key': 'k', cookie: 'c=1', authorization: 'Basic dTpw' })
  expect((await run({ url: `${base}/to-there`, ...auth }, { options })).outcome.state).toBe('succeeded')
  expect(seen.at(-1)!.url).toBe('/text')
  for (const name of ['x-key', 'cookie', 'authorization']) expect(seen.at(-1)!.headers).not.toHaveProperty(name)
  const body = await run({ url: `${base}/to-there-307`, method: 'POST', body: 'b' }, { options })
  expect(body.outcome).toMatchObject({
    error_class: 'refused',
    message: expect.stringContaining('would get the body too'),
  })
  expect((await run({ url: `${base}/post-303`, method: 'POST', body: 'b' })).json()).toMatchObject({ body: 'GET' })
  expect((await run({ url: `${base}/to-here`, follow_redirects: false, expect_status: [302] })).outcome.state).toBe(
    'succeeded',
  )
})

// U3
test('size, packed size, time and speed are capped', async () => {
  const piece = Buffer.alloc(64 * 1024)
  routes.set('/endless', (req, res) => {
    const more = (): void => void (req.socket.destroyed || res.write(piece, () => setImmediate(more)))
    more()
  })
  const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024))
  routes.set(
    '/bomb',
    (_, res) => void res.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' }).end(bomb),
  )
  routes.set(
    '/gzip',
    (_, res) =>
      void res.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' }).end(gzipSync('small')),
  )
  routes.set('/silent', () => {})
  routes.set('/drip', (_, res) => {
    const drip = setInterval(() => res.write('x'), 20)
    res.once('close', () => clearInterval(drip))
  })
  routes.set('/cut', (_, res) => {
    res.writeHead(200, { 'content-length': '100' })
    res.write('half', () => res.destroy())
  })
  const capped = { max_response_bytes: 1024 * 1024 }
  expect((await run({ url: `${base}/endless`, ...capped })).outcome.message).toMatch(/larger than 1048576 bytes/)
  expect((await run({ url: `${base}/bomb`, ...capped })).outcome).toMatchObject({
    error_class: 'refused',
    message: expect.stringMatching(/larger than/),
  })
  expect((await run({ url: `${base}/gzip` })).json()).toMatchObject({ body: 'small' })
  expect((await run({ url: `${base}/silent`, timeout_seconds: 0.2 })).outcome).toMatchObject({
    error_class: 'exit',
    message: 'no whole answer within 0.2 s (timeout_seconds)',
  })
  const slow = { bytesPerSecond: 1000, overMs: 200 }
  expect((await run({ url: `${base}/drip` }, { options: { slow } })).outcome.message).toMatch(/bytes a second/)
  expect((await run({ url: `${base}/cut` })).outcome.state).toBe('failed')
})

test('a large answer goes through in pieces', async () => {
  let bytes = 0
  routes.set('/large', (_, res) => {
    res.setHeader('content-type', 'application/x-tar')
    res.end(Buffer.alloc(8 * 1024 * 1024, 'a'))
  })
  const { outcome, output } = await run({ url: `${base}/large` }, { outputBytes: (n) => (bytes = n) })
  expect(outcome.state).toBe('succeeded')
  expect({ bytes, type: output.type }).toEqual({ bytes: 8 * 1024 * 1024, type: 'application/x-tar' })
})
