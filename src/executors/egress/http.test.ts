import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { socketName } from './protocol.ts'
import { openProxy } from './proxy.ts'
import { createOrigins, listen, plainly, sayTo } from './testing/origins.ts'

let origins: Awaited<ReturnType<typeof createOrigins>>
let port: number
let rawPort: number
beforeAll(async () => {
  origins = await createOrigins()
  ;({ port, rawPort } = origins)
})
afterAll(() => origins?.close())
const say: (...args: Parameters<typeof sayTo> extends [string, ...infer Rest] ? Rest : never) => Promise<string> = (
  ...args
) => sayTo(origins.socket, ...args)
const get = (address: string, more = ''): Promise<string> =>
  say(`GET ${address} HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n${more}\r\n`)

test('a request goes where its address says, whatever its Host', async () => {
  origins.state.got.length = 0
  const said = await get(
    `http://127.0.0.1:${port}/a%20b?c=d`,
    'X-One: 1\r\nX-One: 2\r\nProxy-Authorization: Basic x\r\n',
  )
  expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\norigin$/)
  const [{ line, headers } = { line: '', headers: [] }] = origins.state.got
  expect(line).toBe('GET /a%20b?c=d')
  expect(headers.join(' ')).toBe(`host 127.0.0.1:${port} X-One 1 X-One 2 connection close`)
})

test('bodies both ways, with a length and in pieces; several requests on one connection', async () => {
  origins.state.got.length = 0
  origins.state.answer = (_, res) => {
    res.write('in ')
    res.end('pieces')
  }
  const post = (more: string, body: string): string =>
    `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n${more}\r\n${body}`
  const said = await say(
    post('Content-Length: 3\r\n', 'one') +
      post('Transfer-Encoding: chunked\r\nConnection: close\r\n', '3\r\ntwo\r\n0\r\n\r\n'),
  )
  expect(origins.state.got.map(({ body }) => body)).toEqual(['one', 'two'])
  expect(said.match(/3\r\nin \r\n6\r\npieces\r\n/g)).toHaveLength(2)
  origins.state.answer = plainly
})

test('an answer that is cut short is cut short', async () => {
  origins.state.answer = (_, res) => {
    res.writeHead(200, { 'content-length': '100' }).write('half')
    setImmediate(() => res.socket?.destroy())
  }
  expect(await get(`http://127.0.0.1:${port}/`)).toMatch(/content-length: 100\r\n[^]*half$/i)
  origins.state.answer = plainly
})

test('CONNECT is a tunnel: each direction ends by itself', async () => {
  const said = await say(`CONNECT 127.0.0.1:${rawPort} HTTP/1.1\r\nHost: x\r\n\r\nearly`, { end: true })
  expect(said).toBe('HTTP/1.1 200 Connection established\r\n\r\nearlyover')
})

test.each([
  ['a second request inside a tunnel reaches the first server only', 'CONNECT both.test:443 HTTP/1.1\r\n\r\n'],
  ['so do bytes that look like an answer of ours', 'HTTP/1.1 200 OK\r\n\r\n'],
])('%s', async (_name, smuggled) => {
  origins.state.raw.length = 0
  origins.state.asked = []
  await say(`CONNECT 127.0.0.1:${rawPort} HTTP/1.1\r\nHost: x\r\n\r\n${smuggled}`, { end: true })
  expect(Buffer.concat(origins.state.raw).toString()).toBe(smuggled)
  expect(origins.state.asked).toEqual([])
})

test.each([
  [
    'both lengths',
    'POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET',
  ],
  [
    'two lengths',
    'POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde',
  ],
  ['a bare line feed', 'GET http://127.0.0.1:PORT/ HTTP/1.1\nHost: x\n\n'],
  ['a folded header', 'GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n'],
  [
    'another coding',
    'POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  ],
  ['no address', 'GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n'],
  ['https in the clear', 'GET https://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['no port', 'CONNECT inside.test HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a port too large', 'CONNECT inside.test:65536 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a user in front', 'CONNECT a@inside.test:PORT HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['SOCKS 4', '\x04\x01\x00\x50\x7f\x00\x00\x01\x00'],
])('%s is a bad request', async (_name, words) => {
  origins.state.got.length = 0
  // A body that nobody reads keeps the connection open; the answer is what counts.
  const said = await say(words.replaceAll('PORT', String(port)), { enough: (heard) => heard.includes('\r\n\r\n') })
  expect(said).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  expect(origins.state.got).toEqual([])
})

test('a server that wants another protocol does not get the connection', async () => {
  origins.state.answer = (_, res) =>
    void res.socket!.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
  const said = await get(`http://127.0.0.1:${port}/`, 'Connection: Upgrade\r\nUpgrade: x\r\n')
  expect(said).toMatch(/^HTTP\/1\.1 502 /)
  origins.state.answer = plainly
})

test('what does not answer is no refusal', async () => {
  const closed = createServer()
  const nobody = await listen(closed)
  closed.close()
  const way = await openProxy({
    dir: join(origins.dir, 'b'),
    list: [`127.0.0.1:${nobody}`],
    allow: [`127.0.0.1:${nobody}`],
  })
  const words = `GET http://127.0.0.1:${nobody}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
  expect(await sayTo(join(origins.dir, 'b', socketName), words)).toMatch(/^HTTP\/1\.1 502 [^]*ECONNREFUSED/)
  expect(way.refused()).toEqual([])
  await way.close()
})
