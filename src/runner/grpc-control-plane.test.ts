import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { httpRequestSchema } from '../job/http-request.ts'
import { AppError } from '../lib/app-error.ts'
import { createFakeControlPlane, type FakeControlPlane } from './fake-control-plane.ts'
import { serveFake, type FakeServer } from './fake-server.ts'
import { connectToServer, type Connection } from './grpc-control-plane.ts'

let dir: string
let plane: FakeControlPlane
let served: FakeServer
let server: Connection
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ry-grpc-'))
  plane = createFakeControlPlane()
  served = await serveFake(plane, join(dir, 's'))
  server = connectToServer({ socketPath: join(dir, 's') }, { deadlineMs: 500 })
})
afterEach(async () => {
  server.close()
  await served.close()
  await rm(dir, { recursive: true })
})

const me = {
  name: 'r',
  session: 'session',
  version: '1',
  hostname: 'h',
  labels: { gpu: 'no' },
  slots: 2,
  cpuMillis: 2_000,
  memoryMib: 100,
  executors: ['sandbox'],
  facilities: { cgroup: 'v2' },
}
const ask = (waitMs: number) => ({ slots: 1, messages: 0, cpuMillis: 0, memoryMib: 0, held: [], waitMs })
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )

test('an assignment crosses the wire whole', async () => {
  expect(await server.register(me)).toMatchObject({ runnerId: '7', heartbeatMs: 10_000, held: [] })
  const { assignment } = plane.submit(
    { command: ['a', 'ü\n'], env: { A: '1' }, secret_env: { B: '2' }, limits: { cpu: 0.5 } },
    {
      timeoutSeconds: 1.5,
      script: { kind: 'python', text: 'print("ü")\n' },
      http: { request: httpRequestSchema.parse({ url: 'http://a' }), allow: ['10.0.0.0/8'] },
    },
  )
  expect(await server.claim(ask(0), AbortSignal.timeout(1_000))).toEqual([assignment])
})

test('helpers cross: an answer, a refusal, an input in pieces or none, and what is no answer', async () => {
  await server.register(me)
  const input = { type: 'text/x', size: 200_000 }
  const [{ assignment }, { assignment: none }] = [
    plane.submit({ command: ['a'] }, { input }),
    plane.submit({ command: ['a'] }),
  ]
  await server.claim({ ...ask(0), slots: 2 }, AbortSignal.timeout(1_000))
  const set = { method: 'variable.set' as const, params: { name: 'a', value: [1, 'ü', null] }, key: 'k' }
  expect(await server.callHelper(assignment, set)).toEqual({ ok: { version: 1 } })
  expect(plane.attempts.get('1-1')?.helpers.calls).toEqual([set])
  const never = new AbortController().signal
  const got = await server.getInput(assignment, never)
  const pieces: Uint8Array[] = []
  for await (const piece of got!.body) pieces.push(piece)
  expect([got!.type, got!.size, Buffer.concat(pieces).toString()]).toEqual(['text/x', 200_000, 'x'.repeat(200_000)])
  expect(await server.getInput(none, never)).toBeNull()
  const stale = { ...assignment, token: '9' }
  expect(await server.callHelper(stale, set)).toEqual({
    error: { code: 'failed_precondition', message: 'this attempt is over' },
  })
  expect(await codeOf(server.getInput(stale, never))).toBe('failed_precondition')
  plane.away = true
  expect(await codeOf(server.callHelper(assignment, set))).toBe('unavailable')
})

test('log bytes cross unchanged, and the answer says how far the server is', async () => {
  await server.register(me)
  const { assignment } = plane.submit({ command: ['a'] })
  const [ref] = await server.claim(ask(0), AbortSignal.timeout(1_000))
  const results = await server.appendLog([{ ref: ref!, offset: 5, bytes: Buffer.from('gap') }])
  expect(results).toEqual([{ ref, accepted: 0, durable: 0, stale: false }])
  const stale = { ...assignment, number: 9 }
  expect((await server.appendLog([{ ref: stale, offset: 0, bytes: Buffer.from('x') }]))[0]!.stale).toBe(true)
})

test('errors keep their meaning', async () => {
  plane.register = () => Promise.reject(new AppError('not_found', 'who?'))
  expect(await codeOf(server.register(me))).toBe('not_found')
  plane.register = () => Promise.reject(new AppError('failed_precondition', 'another session'))
  expect(await codeOf(server.register(me))).toBe('failed_precondition')
  plane.away = true
  expect(await codeOf(server.heartbeat([]))).toBe('unavailable')
})

test('a call has a deadline, and a claim its wait on top', async () => {
  plane.heartbeat = () => new Promise(() => {})
  const begun = performance.now()
  expect(await codeOf(server.heartbeat([]))).toBe('deadline_exceeded')
  expect(performance.now() - begun).toBeLessThan(2_000)
  expect(await server.claim(ask(900), AbortSignal.timeout(5_000))).toEqual([])
})

test('no socket, a cut link and a restarted server are all `unavailable`, then it works again', async () => {
  await server.register(me)
  const waiting = codeOf(server.claim(ask(5_000), AbortSignal.timeout(10_000)))
  await new Promise((resolve) => setTimeout(resolve, 50))
  served.cut()
  expect(await waiting).toBe('unavailable')
  await served.close()
  expect(await codeOf(server.heartbeat([]))).toBe('unavailable')
  served = await serveFake(plane, join(dir, 's'))
  expect(await codeOf(server.heartbeat([]))).toBe('no error')
})

test('cancels arrive as they happen', async () => {
  await server.register(me)
  const over = new AbortController()
  const seen: [string, boolean][] = []
  const watching = (async () => {
    for await (const { ref, now } of server.cancels(over.signal)) seen.push([ref.jobKey, now])
  })().catch(() => {})
  const attempt = plane.submit({ command: ['a'] })
  await server.claim(ask(0), AbortSignal.timeout(1_000))
  plane.cancel(attempt)
  await eventually(() => seen).toEqual([['1', false]])
  plane.cancel(attempt, { force: true })
  await eventually(() => seen).toEqual([
    ['1', false],
    ['1', true],
  ])
  over.abort()
  await watching
})
