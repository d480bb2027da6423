/** The parts of the helper API by themselves: what a sandbox would take too long for. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMask } from '../../executors/index.ts'
import { helperRate } from '../../job/helper-protocol.ts'
import { AppError } from '../../lib/app-error.ts'
import { createFakeControlPlane } from '../fake-control-plane.ts'
import { mayUse, newAccess } from './access.ts'
import { createDesk, type Desk } from './desk.ts'
import { createRate } from './rate.ts'
import { handlerFor } from './routes.ts'
import { serveHelpers, type HelperSocket } from './serve.ts'
import { spool } from './spool.ts'

let dir: string
let desk: Desk
let socket: HelperSocket
const over = new AbortController()
const { token, tokenHash } = newAccess()
const plane = createFakeControlPlane()
const { assignment: ref, helpers, artifacts } = plane.submit({ command: ['a'] })
const secrets = ['correct-horse', 'aGVsbG8g']

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ry-desk-'))
  await plane.claim({ slots: 1, messages: 0, cpuMillis: 1, memoryMib: 1, held: [], waitMs: 0 }, over.signal)
  const options = { ref, server: plane, mask: createMask(secrets), signal: over.signal, patienceMs: 400 }
  desk = createDesk({ ...options, spool: { dir: join(dir, 'spool'), diskIsFull: () => false } })
  socket = await serveHelpers(join(dir, 's'), tokenHash, handlerFor(desk, dir))
})
afterAll(async () => {
  await socket.close()
  await rm(dir, { recursive: true })
})

const agent = new Agent({ keepAlive: true, maxSockets: 32 })
const ask = (path: string, { method = 'GET', body = '', ...headers }: Record<string, string> = {}) =>
  new Promise<{ status: number; retry: string | undefined; text: string }>((resolve, reject) => {
    const given = { authorization: `Bearer ${token}`, ...headers }
    const asked = request({ socketPath: join(dir, 's'), path, method, headers: given, agent }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      answer.on('end', () => resolve({ status: answer.statusCode!, retry: answer.headers['retry-after'], text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
async function* pieces(...all: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const piece of all) yield Buffer.from(piece)
}
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: { code: string }) => error.code,
  )

test('a token is held against its hash', () => {
  expect(
    [`Bearer ${token}`, `bearer  ${token}`, token, `Bearer ${token}x`, undefined].map((it) => mayUse(it, tokenHash)),
  ).toEqual([true, true, false, false, false])
})

test('so many at once, and so many a second after that', () => {
  const rate = createRate({ perSecond: 10, burst: 3 })
  expect([0, 0, 0, 0].map((at) => rate.take(at))).toEqual([0, 0, 0, 100])
  expect([99, 100, 101, 10_000].map((at) => rate.take(at))).toEqual([1, 0, 99, 0])
})

test('what is said is masked, what is named is not, and base64 stays whole', async () => {
  await desk.call({ method: 'variable.set', params: { name: 'correct-horse', value: { a: ['is correct-horse', 1] } } })
  expect(helpers.variables).toEqual(new Map([['correct-horse', { a: ['is ***', 1] }]]))
  // The base64 of "hello" is a secret of its own.
  await desk.putOutput(null, pieces('hello', ' cor', 'rect-horse'))
  expect(helpers.output).toEqual({ type: 'text/plain; charset=utf-8', bytes: Buffer.from('hello ***') })
  for (const [bytes, type] of [
    ['{"a":1}', 'application/json'],
    ['"', 'text/plain; charset=utf-8'],
    [Buffer.from([255]), 'application/octet-stream'],
  ] as const) {
    await desk.putOutput(null, pieces(bytes))
    expect(helpers.output?.type).toBe(type)
  }
})

test('a large output is masked across its pieces, and the last one that began stays', async () => {
  const large = Buffer.alloc(300_000, 'x')
  await Promise.all([
    desk.putOutput('a/a', pieces('one', large)),
    desk.putOutput('b/b', pieces(large, 'correct', '-horse', large)),
  ])
  expect(helpers.output).toEqual({ type: 'b/b', artifact: 'runyard-output' })
  const whole = Buffer.concat([large, Buffer.from('***'), large])
  expect(artifacts.get('runyard-output')?.equals(whole)).toBe(true)
  expect(await readdir(join(dir, 'spool'))).toEqual([])
})

test('an output that is too large, or whose sender broke off, leaves nothing', async () => {
  const limits = { dir: join(dir, 'spool'), inlineBytes: 10, mostBytes: 100, diskIsFull: () => false }
  expect(await codeOf(spool(pieces('x'.repeat(60), 'x'.repeat(60)), limits))).toBe('resource_exhausted')
  const full = { ...limits, diskIsFull: () => true }
  expect(await codeOf(spool(pieces('x'.repeat(60)), full))).toBe('unavailable')
  const broken = async function* () {
    yield Buffer.alloc(50)
    throw Object.assign(new Error('cut'), { code: 'cut' })
  }
  expect(await codeOf(spool(broken(), limits))).toBe('cut')
  expect(await readdir(join(dir, 'spool'))).toEqual([])
})

test('an absent server is waited for, then the script is told to come again', async () => {
  plane.away = true
  const waiting = ask('/v1/variables/none')
  setTimeout(() => (plane.away = false), 100)
  expect(await waiting).toMatchObject({ status: 200, text: '{"exists":false}\n' })
  plane.away = true
  expect(await ask('/v1/variables/none')).toMatchObject({ status: 503, retry: '5' })
  plane.away = false
})

test('a large input goes on where the link was cut', async () => {
  const server = plane.getInput
  let cuts = 0
  plane.getInput = async () => ({
    ...{ type: 'a/b', size: 12 },
    body: (async function* () {
      yield* pieces('abc', 'def')
      if (cuts++ < 1) throw new AppError('unavailable', 'cut')
      yield* pieces('ghi', 'jkl')
    })(),
  })
  expect(await ask('/v1/input', { range: 'bytes=2-' })).toMatchObject({ status: 206, text: 'cdefghijkl' })
  expect(cuts).toBe(2)
  plane.getInput = server
})

test('thousands of requests: those within the rate are answered, the others told when to come', async () => {
  const began = performance.now()
  const answers = await Promise.all(Array.from({ length: 3_000 }, () => ask('/v1/health')))
  const most = helperRate.burst + (helperRate.perSecond * (performance.now() - began)) / 1000
  const served = answers.filter(({ status }) => status === 200)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]))
  expect(served.length).toBeGreaterThanOrEqual(100)
  expect(served.length).toBeLessThanOrEqual(most)
  expect(answers.find(({ status }) => status === 429)).toMatchObject({ retry: '1' })
})

test('over is over', async () => {
  over.abort()
  expect(await codeOf(desk.call({ method: 'event.get', params: {} }))).toBe('failed_precondition')
  await socket.close()
  agent.destroy()
  expect(await codeOf(ask('/v1/health'))).toBe('ENOENT')
})
