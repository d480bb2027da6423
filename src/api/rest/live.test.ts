/** The WebSocket with real sockets: what is told, to whom, and what a stalled follower costs. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { readFileSync } from 'node:fs'
import { changePassword, findUser } from '../../access/users.ts'
import { liveSocket, type LiveSocket } from '../../../test/live-socket.ts'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { clientMessage, serverMessage } from '../contract/live.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
const open: WebSocket[] = []

beforeAll(async () => {
  server = await runningServer()
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
})
afterEach(() => {
  for (const socket of open.splice(0)) socket.terminate()
})
afterAll(() => server.close())

const wsUrl = (): string => `${server.url.replace('http', 'ws')}/api/v1/ws`

async function connect(token: string): Promise<LiveSocket> {
  const live = await liveSocket(server.url, token)
  open.push(live.socket)
  return live
}

const statusOfUpgrade = (headers: Record<string, string>): Promise<number | 'open'> =>
  new Promise((resolve) => {
    const socket = new WebSocket(wsUrl(), { headers })
    open.push(socket)
    socket.on('open', () => resolve('open'))
    socket.on('error', () => {})
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
  })

test('W1: no upgrade without a principal or from a foreign page', async () => {
  expect(await statusOfUpgrade({})).toBe(401)
  expect(await statusOfUpgrade({ authorization: 'Bearer garbage' })).toBe(401)
  const authorization = `Bearer ${anna.token}`
  expect(await statusOfUpgrade({ authorization, origin: 'http://evil.example' })).toBe(403)
  expect(await statusOfUpgrade({ authorization, origin: server.url })).toBe('open')
  const cookie = `runyard_session=${anna.token}`
  expect(await statusOfUpgrade({ cookie })).toBe(403)
  expect(await statusOfUpgrade({ cookie, origin: server.url })).toBe('open')
  expect((await server.fetch('/ws')).status).toBe(426)
})

test('changes reach those who may see the job, as they happen', async () => {
  const [mine, others, admins] = await Promise.all([
    connect(anna.token),
    connect(ben.token),
    connect(server.localToken),
  ])
  for (const live of [mine, others, admins]) {
    live.send({ type: 'subscribe', id: 'all', topic: 'jobs' })
    await live.until((m) => m.type === 'subscribed')
  }
  const { id } = await anna.client.calls.jobs.submit({ command: ['true'], env: { A: 'hidden' } })
  await runner.run('')
  for (const live of [mine, admins]) {
    await live.until((m) => m.type === 'job' && m.job.id === id && m.job.state === 'succeeded')
  }
  expect(JSON.stringify(admins.came)).not.toContain('hidden')
  // Ben hears of his own and never heard of hers.
  const own = await ben.client.calls.jobs.submit({ command: ['true'] })
  await others.until((m) => m.type === 'job' && m.job.id === own.id)
  expect(JSON.stringify(others.came)).not.toContain(id)
  await runner.run('')
})

test('one job: its state now, its changes, its end; a job of another is not found', async () => {
  const { id } = await anna.client.calls.jobs.submit({ command: ['true'] })
  const other = await connect(ben.token)
  other.send({ type: 'subscribe', id: 's', topic: 'job', job_id: id })
  expect(await other.until((m) => m.type === 'error')).toMatchObject({ sub: 's', code: 'not_found' })
  other.send({ type: 'subscribe', id: 'l', topic: 'log', job_id: id })
  expect(await other.until((m) => m.type === 'error' && m.sub === 'l')).toMatchObject({ code: 'not_found' })

  const live = await connect(anna.token)
  live.send({ type: 'subscribe', id: 's', topic: 'job', job_id: id })
  await live.until((m) => m.type === 'job' && m.job.state === 'queued')
  await runner.run('')
  await live.until((m) => m.type === 'job' && m.job.state === 'succeeded')
  await anna.client.calls.jobs.delete({ id })
})

test('a log is followed from before its start to its end, over a retry, without a gap', async () => {
  const { id } = await anna.client.calls.jobs.submit({
    command: ['true'],
    max_attempts: 2,
    retry: { backoff_seconds: 0 },
  })
  const events: string[] = []
  const following = (async () => {
    for await (const event of anna.client.followLog({ jobId: id })) {
      events.push(
        event.type === 'log' ? `${event.attempt} ${event.stream} ${event.offset} ${event.bytes}` : event.state,
      )
    }
  })()
  const first = await runner.claimOne()
  await runner.started(first)
  await runner.write(first, 'one')
  await runner.write(first, 'two', 'stderr')
  await runner.finish(first, { state: 'failed', error_class: 'exit', exit_code: 1 })
  await runner.run('again')
  await following
  expect(events).toEqual(['1 stdout 0 one', '1 stderr 3 two', '2 stdout 0 again', 'succeeded'])

  const late: string[] = []
  for await (const event of anna.client.followLog({ jobId: id, attempt: 1, stream: 'stderr', offset: 1 })) {
    late.push(event.type === 'log' ? `${event.offset} ${event.bytes}` : `end ${event.attempt}`)
  }
  expect(late).toEqual(['1 wo', 'end 1'])
})

test('a follower that stalls holds up nobody, and gets every byte when it goes on', async () => {
  const { id } = await anna.client.calls.jobs.submit({ command: ['true'] })
  const assignment = await runner.claimOne()
  await runner.started(assignment)
  const live = await connect(anna.token)
  live.send({ type: 'subscribe', id: 'l', topic: 'log', job_id: id })
  await live.until((m) => m.type === 'subscribed')
  live.socket.pause()
  const piece = Buffer.alloc(60_000, 'x')
  const pieces = 400
  for (let i = 0; i < pieces; i++) await runner.write(assignment, piece)
  await runner.finish(assignment, { state: 'succeeded', exit_code: 0 })
  live.socket.resume()
  await live.until((m) => m.type === 'log_end')
  const bytes = live.came.reduce((sum, m) => sum + (m.type === 'log' ? Buffer.from(m.data, 'base64').length : 0), 0)
  expect(bytes).toBe(pieces * piece.length)
})

test('what is no message of the protocol is answered, not obeyed', async () => {
  const live = await connect(anna.token)
  for (const text of [
    'nonsense',
    '{"type":"admin"}',
    '{"type":"subscribe","id":"x","topic":"jobs","as":"ben"}',
    '{"type":"subscribe","id":"x"}',
    '{"type":"subscribe","id":"x","topic":"job"}',
    '{"type":"subscribe","id":"x","topic":"log","job_id":"abcdefghijkl","offset":"0"}',
  ]) {
    live.socket.send(text)
  }
  await live.until(() => live.came.length === 6)
  expect(live.came.every((m) => m.type === 'error' && m.code === 'invalid_argument')).toBe(true)
  expect(live.came.map((m) => (m.type === 'error' ? m.message : ''))).toEqual([
    'a message is one JSON object, sent as text; see docs/websocket.md',
    'type: must be one of "subscribe", "unsubscribe"; see docs/websocket.md',
    'as: is not a known field; see docs/websocket.md',
    'topic: is required; see docs/websocket.md',
    'job_id: is required; see docs/websocket.md',
    'offset: must be a number; see docs/websocket.md',
  ])
})

test('R3: a changed password closes the open socket within 5 s', async () => {
  const carl = await server.person('operator', 'carl')
  const live = await connect(carl.token)
  const closed = new Promise<number>((resolve) => live.socket.on('close', resolve))
  const user = await findUser(server.db, 'carl')
  const begun = performance.now()
  await changePassword(server.db, user!.id, 'a quite different password')
  expect(await closed).toBe(4401)
  expect(performance.now() - begun).toBeLessThan(5_000)
})

test('R3: another role closes the open socket within 5 s', async () => {
  const dora = await server.person('admin', 'dora')
  const { access_token } = await server.client.passwordGrant('dora', dora.password)
  const live = await connect(access_token)
  const closed = new Promise<number>((resolve) => live.socket.on('close', resolve))
  const begun = performance.now()
  // Past what ends the session of such a change anyway: the socket looks for itself.
  await server.db.query(`update users set role = 'viewer' where username = 'dora'`)
  expect(await closed).toBe(4401)
  expect(performance.now() - begun).toBeLessThan(5_000)
})

test('docs/websocket.md shows messages as they are', () => {
  const text = readFileSync(new URL('../../../docs/websocket.md', import.meta.url), 'utf8')
  const examples = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map((found) => JSON.parse(found[1]!))
  const types = serverMessage.options.map((option) => option.shape.type.value)
  const fromServer = examples.filter((example) => types.includes(example.type))
  expect(new Set(fromServer.map((example) => example.type))).toEqual(new Set(types))
  for (const example of fromServer) {
    // The job itself is shortened there.
    if (example.type !== 'job') expect(serverMessage.safeParse(example).error).toBeUndefined()
  }
  const fromClient = examples.filter((example) => !types.includes(example.type))
  expect(fromClient.length).toBeGreaterThan(3)
  for (const example of fromClient) expect(clientMessage.safeParse(example).error).toBeUndefined()
})
