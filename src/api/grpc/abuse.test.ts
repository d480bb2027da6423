/** Threats G6: what a client with a good certificate may send to end the server or to keep it busy. It must fail. */
import { gzipSync } from 'node:zlib'
import http2 from 'node:http2'
import { Code, ConnectError, type Client } from '@connectrpc/connect'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import {
  callHeaders,
  endHeaders,
  endStream,
  frame,
  frameTypes,
  headerBlock,
  indexed,
  indexedLiteral,
  rawHttp2,
  type RawHttp2,
} from '../../../test/raw-http2.ts'
import { secureServer, type ClientCertificate, type SecureServer } from '../../../test/secure-server.ts'
import { until } from '../../../test/until.ts'
import { Health } from './gen/grpc/health/v1/health_pb.js'
import { JobService } from './gen/runyard/v1/job_service_pb.js'

let server: SecureServer
let admin: ClientCertificate
let health: Client<typeof Health>
beforeAll(async () => {
  server = await secureServer()
  admin = await server.issue('admin')
  // Served late is served; the machine that runs this may be busy.
  health = server.as(Health, await server.issue('viewer'), 10_000)
})
afterAll(() => server.close())

/** Somebody else, who is served all the while. */
let others: { stop(): Promise<{ served: number; failed: unknown[] }> }
let jobsBefore: number
beforeEach(async () => {
  jobsBefore = await countJobs()
  let over = false
  const failed: unknown[] = []
  let served = 0
  const asking = (async () => {
    while (!over) {
      await health.check({}).then(
        () => (served += 1),
        (error: unknown) => failed.push(error),
      )
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  others = {
    async stop() {
      over = true
      await asking
      return { served, failed }
    },
  }
})
afterEach(async () => {
  expect((await health.check({})).status).toBe(1)
  const { served, failed } = await others.stop()
  expect(failed).toEqual([])
  expect(served).toBeGreaterThan(0)
  expect(await countJobs()).toBe(jobsBefore)
})

async function countJobs(): Promise<number> {
  const { rows } = await server.db.query<{ n: number }>('select count(*)::int as n from jobs')
  return rows[0]!.n
}

const attacker = async (): Promise<RawHttp2> => {
  const { cert, key, ca } = admin
  const raw = await rawHttp2({ port: server.grpcPort, cert, key, ca })
  onTestFinished(() => raw.end())
  return raw
}

const startPath = '/runyard.v1.JobService/Start'
const call = (stream: number, path = '/grpc.health.v1.Health/Check', flags = endHeaders): Buffer =>
  frame(frameTypes.headers, flags, stream, headerBlock(callHeaders(path)))

const refusedRows = async (): Promise<number> => {
  const { rows } = await server.db.query<{ n: number }>(
    `select count(*)::int as n from audit_log where result = 'refused' and actor = $1 and action = $2`,
    [admin.name, `CALL ${startPath}`],
  )
  return rows[0]!.n
}

test('a message that is too large is refused before it is read, and noted', async () => {
  const before = await refusedRows()
  const jobs = server.as(JobService, admin)
  onTestFinished(() => jobs.close())
  const error = await jobs.start({ command: 'x'.repeat(5 * 1024 * 1024) }).then(() => null, ConnectError.from)
  expect(error?.code).toBe(Code.ResourceExhausted)
  expect(error?.rawMessage).toBe('a message has at most 4 MiB')
  await until(async () => (await refusedRows()) === before + 1)
  expect((await jobs.whoAmI({})).username).toBe(admin.name)
})

/** One message, as it is, with its flag; the status of the answer and its words. */
async function exchange(path: string, flag: number, body: Buffer, headers: Record<string, string> = {}) {
  const { cert, key, ca } = admin
  const session = http2.connect(`https://localhost:${server.grpcPort}`, { cert, key, ca })
  onTestFinished(() => session.destroy())
  const prefix = Buffer.alloc(5)
  prefix[0] = flag
  prefix.writeUInt32BE(body.length, 1)
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.on('error', () => {})
  const answer = { status: 'none', words: '' }
  const note = (found: http2.IncomingHttpHeaders): void => {
    answer.status = String(found['grpc-status'] ?? answer.status)
    answer.words = decodeURIComponent(String(found['grpc-message'] ?? answer.words))
  }
  stream.on('response', note)
  stream.on('trailers', note)
  stream.end(Buffer.concat([prefix, body]))
  stream.resume()
  await new Promise((resolve) => stream.once('close', resolve))
  return answer
}
const post = async (...call: Parameters<typeof exchange>): Promise<string> => (await exchange(...call)).status

test('a small message that unpacks to a gigabyte is refused by what it would become', async () => {
  const before = await refusedRows()
  const member = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  const bomb = Buffer.concat(Array.from({ length: 16 }, () => member))
  expect(bomb.length).toBeLessThan(2 * 1024 * 1024)
  const rss = process.memoryUsage.rss()
  expect(await post(startPath, 1, bomb, { 'grpc-encoding': 'gzip' })).toBe(String(Code.ResourceExhausted))
  expect(process.memoryUsage.rss() - rss).toBeLessThan(256 * 1024 * 1024)
  await until(async () => (await refusedRows()) === before + 1)
})

test('what is no message, no gzip or no known encoding is refused in words', async () => {
  const said = async (body: Buffer): Promise<string> => {
    const { status, words } = await exchange(startPath, 0, body)
    return `${status} ${words}`
  }
  expect(await said(Buffer.from('ff'.repeat(40), 'hex'))).toMatch(
    /^3 the message is no \w+: its bytes cannot be read as/,
  )
  expect(await said(Buffer.from([0x0a, 2, 0xc3, 0x28]))).toMatch(/^3 the message is no \w+: a text in it is not UTF-8$/)
  expect(await post(startPath, 1, Buffer.from('no gzip'), { 'grpc-encoding': 'gzip' })).not.toBe('0')
  expect(await post(startPath, 1, Buffer.from('x'), { 'grpc-encoding': 'snappy' })).toBe(String(Code.Unimplemented))
  expect(await post('/no.Such/Call', 0, Buffer.alloc(0))).toBe(String(Code.Unimplemented))
})

test('paths and authorities that make no URL end no process', async () => {
  for (const [path, authority] of [
    ['//[', 'localhost'],
    ['/runyard.v1.JobService/Start', 'no host:at all/['],
    [startPath, '[::1'],
    ['*', 'localhost'],
    [`/${'x'.repeat(10_000)}`, 'localhost'],
  ] as const) {
    const raw = await attacker()
    const headers = callHeaders(path).map(([name, value]) => [name, name === ':authority' ? authority : value])
    raw.send(frame(frameTypes.headers, endHeaders | endStream, 1, headerBlock(headers as [string, string][])))
    await until(() => raw.isClosed() || raw.frames.some(({ stream }) => stream === 1), 'an answer')
  }
})

test('an HPACK bomb: 16 KiB of headers that stand for 60 MB', async () => {
  const rss = process.memoryUsage.rss()
  for (let i = 0; i < 5; i++) {
    const raw = await attacker()
    const block = Buffer.concat([
      headerBlock(callHeaders('/grpc.health.v1.Health/Check')),
      indexedLiteral('x-bomb', 'b'.repeat(3_900)),
      ...Array.from({ length: 12_000 }, () => indexed(62)),
    ])
    raw.send(frame(frameTypes.headers, endHeaders | endStream, 1, block))
    await until(
      () => raw.isClosed() || raw.frames.some(({ type }) => type === frameTypes.rst || type === frameTypes.goaway),
    )
  }
  expect(process.memoryUsage.rss() - rss).toBeLessThan(256 * 1024 * 1024)
})

test('headers larger than any call needs', async () => {
  const raw = await attacker()
  // The limit holds from the acknowledgement of our settings on; before it, HTTP/2's own of 64 KiB.
  await until(() => raw.frames.some(({ type }) => type === frameTypes.settings))
  raw.send(frame(frameTypes.ping, 0, 0, Buffer.alloc(8)))
  await until(() => raw.frames.some(({ type }) => type === frameTypes.ping))
  const large = callHeaders('/grpc.health.v1.Health/Check', [['x-large', 'l'.repeat(15_000)]])
  raw.send(
    frame(frameTypes.headers, endStream, 1, headerBlock(large)),
    frame(frameTypes.continuation, endHeaders, 1, headerBlock([['x-more', 'm'.repeat(15_000)]])),
  )
  await until(
    () => raw.isClosed() || raw.frames.some(({ type }) => type === frameTypes.rst || type === frameTypes.goaway),
  )
})

test('a flood of CONTINUATION frames ends its connection', async () => {
  const raw = await attacker()
  raw.send(frame(frameTypes.headers, endStream, 1, headerBlock(callHeaders('/grpc.health.v1.Health/Check'))))
  const more = frame(frameTypes.continuation, 0, 1, headerBlock([['x', 'y'.repeat(100)]]))
  const flood = Buffer.concat(Array.from({ length: 500 }, () => more))
  for (let i = 0; i < 200 && (await raw.pour(flood)); i++);
  await raw.closed
})

test('malformed frames end their connection', async () => {
  const malformed: [what: string, bytes: Buffer][] = [
    ['noise', Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(50))],
    ['data on stream 0', frame(frameTypes.data, 0, 0, Buffer.from('x'))],
    ['headers on an even stream', call(2)],
    ['settings of seven bytes', frame(frameTypes.settings, 0, 0, Buffer.alloc(7))],
    ['a window beyond 2^31', Buffer.concat([windowOf(0), windowOf(0)])],
    ['a frame above the limit', frame(frameTypes.data, 0, 1, Buffer.alloc(1024 * 1024))],
    ['headers that HPACK cannot read', frame(frameTypes.headers, endHeaders, 1, Buffer.alloc(200, 0xff))],
    ['padding longer than the frame', frame(frameTypes.headers, endHeaders | 0x8, 1, Buffer.from([200, 0, 0]))],
    ['continuation of nothing', frame(frameTypes.continuation, endHeaders, 1, Buffer.alloc(3))],
  ]
  for (const [what, bytes] of malformed) {
    const raw = await attacker()
    raw.send(bytes)
    await until(() => raw.isClosed() || raw.frames.some(({ type }) => type === frameTypes.goaway), what)
  }
})

test('five bytes reserve no memory without end: a runner that announces 64 MiB on every stream is stopped at 256', async () => {
  const { cert, key, ca } = await server.issue('runner')
  const raw = await rawHttp2({ port: server.grpcPort, cert, key, ca })
  onTestFinished(() => raw.end())
  const announced = Buffer.from([0, 4, 0, 0, 0])
  for (let stream = 1; stream < 200; stream += 2) {
    raw.send(
      frame(
        frameTypes.headers,
        endHeaders,
        stream,
        headerBlock(callHeaders('/runyard.runner.v1.RunnerService/AppendLog')),
      ),
      frame(frameTypes.data, 0, stream, announced),
    )
  }
  const answered = (): Set<number> => new Set(raw.frames.filter(({ type }) => type === 1).map(({ stream }) => stream))
  await until(() => answered().size === 96, 'the refusals')
  expect(Math.min(...answered())).toBe(9)
})

function windowOf(stream: number): Buffer {
  const most = Buffer.alloc(4)
  most.writeUInt32BE(2 ** 31 - 1)
  return frame(frameTypes.window, 0, stream, most)
}

test('rapid reset: calls that are given up at once, ten thousand times', async () => {
  const raw = await attacker()
  const cancel = Buffer.from([0, 0, 0, 8])
  let stream = 1
  for (let i = 0; i < 100 && !raw.isClosed(); i++) {
    const some: Buffer[] = []
    for (let n = 0; n < 100; n++, stream += 2) some.push(call(stream), frame(frameTypes.rst, 0, stream, cancel))
    if (!(await raw.pour(Buffer.concat(some)))) break
  }
  await raw.closed
  expect(stream).toBeGreaterThan(1_000)
})

test('ten thousand open streams: a thousand wait, the others are refused, the connection ends', async () => {
  const raw = await attacker()
  for (let stream = 1; stream < 20_000; stream += 2) {
    // Headers without an end: the request never comes.
    if (!(await raw.pour(call(stream)))) break
  }
  await until(() => raw.isClosed() || raw.frames.some(({ type }) => type === frameTypes.goaway), 'the end')
})

test('a flood of pings and settings', async () => {
  const raw = await attacker()
  const some = Buffer.concat(
    Array.from({ length: 200 }, () => [
      frame(frameTypes.ping, 0, 0, Buffer.alloc(8)),
      frame(frameTypes.settings, 0, 0),
    ]).flat(),
  )
  for (let i = 0; i < 100 && (await raw.pour(some)); i++);
})
