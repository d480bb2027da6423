/** Batches over the WebSocket: what is told, to whom, how often, and when to read again. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { liveSocket, type LiveSocket } from '../../../test/live-socket.ts'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import type { ServerMessage } from '../contract/live.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
const open: LiveSocket[] = []

beforeAll(async () => {
  server = await runningServer()
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
})
afterEach(() => {
  for (const live of open.splice(0)) live.socket.terminate()
})
afterAll(() => server.close())

async function connect(token: string): Promise<LiveSocket> {
  const live = await liveSocket(server.url, token)
  open.push(live)
  return live
}
const jobs = (n: number) => Array.from({ length: n }, () => ({ command: ['true'] }))
const create = (n: number) => anna.client.calls.batches.create({ name: 'live', jobs: jobs(n) })
const batchesIn = (came: ServerMessage[]) => came.flatMap((m) => (m.type === 'batch' ? [m.batch] : []))

test('all batches: made, counted, ended, gone; to those who may see them, at most four times a second', async () => {
  const [mine, others, admins] = await Promise.all([
    connect(anna.token),
    connect(ben.token),
    connect(server.localToken),
  ])
  for (const live of [mine, others, admins]) {
    live.send({ type: 'subscribe', id: 'b', topic: 'batches' })
    await live.until((m) => m.type === 'subscribed')
  }
  const begun = performance.now()
  const { id } = await create(12)
  for (let i = 0; i < 12; i++) await runner.run('')
  for (const live of [mine, admins]) {
    await live.until((m) => m.type === 'batch' && m.batch.id === id && m.batch.status === 'passed')
  }
  const seconds = (performance.now() - begun) / 1000
  const told = batchesIn(mine.came)
  expect(told.length).toBeLessThanOrEqual(Math.ceil(seconds * 4) + 1)
  for (const { counts } of told) {
    expect(counts.waiting + counts.running + counts.passed + counts.failed + counts.cancelled).toBe(12)
  }
  await anna.client.calls.batches.delete({ id })
  for (const live of [mine, admins]) await live.until((m) => m.type === 'batch_gone' && m.batch_id === id)
  const own = await ben.client.calls.batches.create({ name: 'own', jobs: jobs(1) })
  await others.until((m) => m.type === 'batch' && m.batch.id === own.id)
  expect(JSON.stringify(others.came)).not.toContain(id)
  await runner.run('')
})

test('one batch: as it is now, its changes, its members when asked for, its end when it is deleted', async () => {
  const [batch, other] = [await create(2), await create(1)]
  const live = await connect(anna.token)
  live.send({ type: 'subscribe', id: 'plain', topic: 'batch', batch_id: batch.id })
  live.send({ type: 'subscribe', id: 'all', topic: 'batch', batch_id: batch.id, members: true })
  for (const sub of ['plain', 'all']) {
    await live.until((m) => m.type === 'batch' && m.sub === sub && m.batch.counts.waiting === 2)
  }
  for (let i = 0; i < 3; i++) await runner.run('')
  const done = new Set<string>()
  await live.until((m) => {
    if (m.type === 'job' && m.sub === 'all' && m.job.state === 'succeeded') done.add(m.job.id)
    return done.size === 2
  })
  for (const sub of ['plain', 'all']) {
    await live.until((m) => m.type === 'batch' && m.sub === sub && m.batch.status === 'passed')
  }
  expect(live.came.some((m) => m.type === 'job' && (m.sub === 'plain' || m.job.batch_id !== batch.id))).toBe(false)
  expect(batchesIn(live.came).every(({ id }) => id === batch.id)).toBe(true)
  await anna.client.calls.batches.delete({ id: batch.id })
  for (const sub of ['plain', 'all']) await live.until((m) => m.type === 'batch_gone' && m.sub === sub)
  // The subscription is over: its name is free.
  live.send({ type: 'subscribe', id: 'plain', topic: 'batch', batch_id: other.id })
  await live.until((m) => m.type === 'batch' && m.batch.id === other.id)
})

test('another’s batch is not found', async () => {
  const { id } = await create(1)
  const live = await connect(ben.token)
  live.send({ type: 'subscribe', id: 's', topic: 'batch', batch_id: id, members: true })
  expect(await live.until((m) => m.type === 'error')).toMatchObject({ sub: 's', code: 'not_found' })
  await anna.client.calls.batches.cancel({ id })
})

test('more members changed than are worth telling one by one: read the list again', async () => {
  // Those that a look takes up meanwhile (500 each 250 ms) are no longer waiting: of 2,500 too few were left.
  const { id } = await create(5_000)
  const live = await connect(anna.token)
  live.send({ type: 'subscribe', id: 'm', topic: 'batch', batch_id: id, members: true })
  await live.until((m) => m.type === 'batch')
  await anna.client.calls.batches.cancel({ id })
  await live.until((m) => m.type === 'resync')
  await live.until((m) => m.type === 'batch' && m.batch.status === 'cancelled' && m.batch.counts.cancelled === 5_000)
})
