import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { onFact } from '../../lib/facts.ts'
import { startMessageRunner } from '../../../test/message-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'

let server: TestServer
let operator: Person
let stopRunner: () => Promise<void>
let runnerOptions: { socketPath: string; dir: string }
let receiver: {
  url: string
  got: { headers: IncomingHttpHeaders; body: string }[]
  status: number
  hangs: boolean
  close(): void
}
const facts: string[] = []
const unlisten = onFact((fact) => void facts.push(JSON.stringify(fact)))

/** Part of every address, password and header value that is given here. */
const canary = 'c4n4ry7'

beforeAll(async () => {
  server = await runningServer({
    RUNYARD_PUBLIC_URL: 'https://runyard.example',
    ...{ RUNYARD_HEARTBEAT_SECONDS: '0.5', RUNYARD_LEASE_SECONDS: '3', RUNYARD_GRACE_SECONDS: '1' },
  })
  operator = await server.person('operator')
  const web = createServer((req, res) => {
    let body = ''
    req.on('data', (part) => (body += part))
    req.on('end', () => {
      receiver.got.push({ headers: req.headers, body })
      if (!receiver.hangs) res.writeHead(receiver.status).end(`you asked for ${req.url}`)
    })
  })
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/${canary}-path/${canary}-token`
  const close = () => {
    web.closeAllConnections()
    web.close()
  }
  receiver = { url, got: [], status: 200, hangs: false, close }
  runnerOptions = { socketPath: server.runnerSocket, dir: server.config.dataDir }
  stopRunner = startMessageRunner(runnerOptions)
})

afterAll(async () => {
  await stopRunner?.()
  await server?.close()
  receiver?.close()
  unlisten()
})

const put = (over: object = {}) =>
  server.client.calls.channels.put({
    name: 'team',
    settings: { kind: 'webhook', url: receiver.url, headers: { 'x-key': `${canary}-header` } },
    ...over,
  })

const deliveryOf = async (about: string) =>
  (await operator.client.calls.messageDeliveries.list({ about })).deliveries[0]

test('only an administrator changes channels, and what is wrong is named', async () => {
  const refused = { name: 'x', settings: { kind: 'slack' as const, url: receiver.url } }
  await expect(operator.client.calls.channels.put(refused)).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(operator.client.calls.channels.delete({ name: 'team' })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  await expect(operator.client.calls.channels.test({ name: 'team' })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  const field = (path: string) => ({ code: 'invalid_argument', fields: [expect.objectContaining({ field: path })] })
  await expect(put({ settings: { kind: 'webhook', url: 'ftp://x' } })).rejects.toMatchObject(field('settings.url'))
  await expect(put({ settings: { kind: 'slack', url: receiver.url, extra: 1 } })).rejects.toMatchObject({
    code: 'invalid_argument',
  })
  const quiet = (time_zone: string, to = '07:00') => ({ quiet: [{ from: '00:00', to, time_zone }] })
  await expect(put(quiet('Mars/Olympus'))).rejects.toMatchObject(field('quiet[0].time_zone'))
  await expect(put(quiet('UTC', '00:00'))).rejects.toMatchObject(field('quiet'))
  const bad = { kind: 'webhook', url: receiver.url, headers: { 'x-key': 'a\r\nb' } }
  await expect(put({ settings: bad })).rejects.toMatchObject({ code: 'invalid_argument' })
})

test('a batch that ends is told: one message, signed, and its delivery shows the answer', async () => {
  const { secret } = await put()
  expect(secret).toMatch(/^whsec_/)
  const { channels } = await operator.client.calls.channels.list()
  expect(channels).toMatchObject([{ name: 'team', kind: 'webhook', destination: new URL(receiver.url).host }])
  expect(JSON.stringify(channels)).not.toContain(canary)

  const unknown = { name: 'b', jobs: [{ command: ['true'] }], notify: [{ channel: 'tema' }] }
  await expect(operator.client.calls.batches.create(unknown)).rejects.toMatchObject({
    code: 'invalid_argument',
    fields: [{ field: 'notify[0].channel' }],
  })
  const batch = await operator.client.calls.batches.create({
    name: 'nightly',
    jobs: [{ command: ['true'] }, { name: 'second', command: ['false'] }],
    notify: [{ channel: 'team' }],
  })
  await expect
    .poll(() => deliveryOf(`batch:${batch.id}`), { timeout: 10_000 })
    .toMatchObject({
      ...{ channel: 'team', state: 'succeeded', attempts: 1, subject: 'Batch nightly failed: 1 of 2 jobs' },
      result: 'sent: 200 OK: you asked for ***',
    })
  expect(receiver.got).toHaveLength(1)
  const { headers, body } = receiver.got[0]!
  const delivery = (await deliveryOf(`batch:${batch.id}`))!
  expect(headers).toMatchObject({ 'webhook-id': delivery.id, 'x-key': `${canary}-header` })
  expect(JSON.parse(body)).toMatchObject({
    type: 'batch.ended',
    data: {
      url: `https://runyard.example/batches/${batch.id}`,
      batch: { id: batch.id, status: 'failed', failed_jobs: ['second'] },
    },
  })
  const job = await operator.client.calls.jobs.get({ id: delivery.job_id! })
  expect(job).toMatchObject({
    executor: 'message',
    queue: 'messages',
    message: { channel: 'team' },
    effective_limits: {},
  })
  await expect(operator.client.calls.jobs.rerun({ id: job.id })).rejects.toMatchObject({ code: 'failed_precondition' })
})

test('a refused message is dead until it is sent again, with the same id', async () => {
  await put()
  receiver.status = 410
  const { job_id } = await server.client.calls.channels.test({ name: 'team' })
  const dead = async () => (await server.client.calls.messageDeliveries.list({ state: 'failed,lost' })).deliveries
  await expect.poll(dead, { timeout: 10_000 }).toMatchObject([{ job_id, attempts: 1, state: 'failed' }])
  const [delivery] = await dead()
  expect(delivery!.result).toBe('refused for good: 410 Gone: you asked for ***')
  const id = delivery!.id
  // It was an administrator's; an operator does not see it, nor may one send it.
  expect(await deliveryOf(delivery!.about)).toBeUndefined()
  await expect(operator.client.calls.messageDeliveries.redeliver({ id })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  receiver.status = 200
  const again = await server.client.calls.messageDeliveries.redeliver({ id })
  await expect
    .poll(async () => (await server.client.calls.jobs.get({ id: again.job_id })).state, { timeout: 10_000 })
    .toBe('succeeded')
  expect(receiver.got.slice(-2).map(({ headers }) => headers['webhook-id'])).toEqual([id, id])
  expect(await dead()).toEqual([])
  expect((await server.client.calls.channels.get({ name: 'team' })).last_delivery).toMatchObject({ state: 'succeeded' })
  const { rows } = await server.db.query<{ action: string }>(`select distinct action from audit_log order by 1`)
  expect(rows.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['channel.put', 'channel.test', 'delivery.redeliver']),
  )
})

test('failures that repeat open an incident, and a channel hears of it, once; of its end too', async () => {
  await put()
  const { incidents } = server.client.calls
  await incidents.putRules({ channels: ['team'] })
  receiver.got = []
  for (let i = 0; i < 3; i++) await operator.client.calls.jobs.submit({ name: `shard ${i}`, command: ['false'] })
  await expect.poll(() => receiver.got.length, { timeout: 10_000 }).toBe(1)
  const [incident] = (await incidents.list({})).incidents
  expect(incident).toMatchObject({ kind: 'repeated', state: 'open', owner: operator.username })
  const told = (i: number) => JSON.parse(receiver.got[i]!.body) as object
  expect(told(0)).toMatchObject({
    type: 'incident.opened',
    data: {
      url: `https://runyard.example/incidents/${incident!.id}`,
      incident: { id: incident!.id, trouble: 'repeated' },
    },
  })
  await operator.client.calls.jobs.submit({ name: 'shard 4', command: ['false'] })
  await expect.poll(async () => (await incidents.get({ id: incident!.id })).failures, { timeout: 10_000 }).toBe(4)
  await incidents.act({ id: incident!.id, action: 'close' })
  await incidents.putRules({ channels: [] })
  await expect.poll(() => receiver.got.length, { timeout: 10_000 }).toBe(2)
  expect(told(1)).toMatchObject({ type: 'incident.closed', data: { incident: { failures: 4 } } })
  const { timeline } = await incidents.get({ id: incident!.id })
  expect(timeline.map(({ kind }) => kind)).toEqual(['opened', 'notified', 'failure', 'closed', 'notified'])
})

test('a message that is on its way is not sent a second time; one that waits to be tried again can be cancelled', async () => {
  await put()
  receiver.status = 503
  const { job_id } = await server.client.calls.channels.test({ name: 'team' })
  const list = () => server.client.calls.messageDeliveries.list({ state: 'scheduled' })
  await expect
    .poll(async () => (await list()).deliveries[0], { timeout: 10_000 })
    .toMatchObject({
      ...{ job_id, attempts: 1, result: 'not sent: 503 Service Unavailable: you asked for ***' },
    })
  const { id } = (await list()).deliveries[0]!
  await expect(server.client.calls.messageDeliveries.redeliver({ id })).rejects.toMatchObject({ code: 'conflict' })
  await server.client.calls.jobs.cancel({ id: job_id })
  expect((await server.client.calls.jobs.get({ id: job_id })).state).toBe('cancelled')
  receiver.status = 200
})

test('nothing that is secret stands in the database, in logs, in facts or in answers', async () => {
  await put({ name: 'gone', settings: { kind: 'slack', url: receiver.url } })
  const mail = `smtp://me:${canary}-pw@127.0.0.1:1`
  const settings = { kind: 'email' as const, smtp_url: mail, from: 'a@example.com', to: ['b@example.com'] }
  await put({ name: 'mail', settings })
  const { job_id } = await server.client.calls.channels.test({ name: 'mail' })
  await expect
    .poll(async () => (await server.client.calls.jobs.get({ id: job_id })).attempts_spent, { timeout: 10_000 })
    .toBe(1)
  await server.client.calls.channels.delete({ name: 'gone' })
  const { rows: tables } = await server.db.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`,
  )
  let dump = ''
  for (const { name } of tables) {
    const { rows } = await server.db.query<{ row: string }>(`select t::text as row from ${name} t`)
    dump += rows.map(({ row }) => row).join('\n')
  }
  expect(dump).toContain('Batch nightly failed')
  const { jobs } = await server.client.calls.jobs.list({ queue: 'messages' })
  const logs = await Promise.all(jobs.map(async ({ id }) => (await server.fetch(`/jobs/${id}/logs?stream=all`)).text()))
  expect(logs.join()).toMatch(
    /POST to http:\/\/127\.0\.0\.1:\d+, \d+ bytes\nanswered 200 OK after \d+ ms: you asked for \*\*\*/,
  )
  const shown = await Promise.all(jobs.map(({ id }) => server.client.calls.jobs.get({ id })))
  const all = [dump, ...logs, JSON.stringify(shown), ...facts].join('\n')
  for (const form of [
    canary,
    Buffer.from(canary).toString('hex'),
    Buffer.from(canary).toString('base64').slice(0, 9),
  ]) {
    expect(all).not.toContain(form)
  }
})

test('a runner that is killed while it sends loses the attempt, and the next one sends the same id', async () => {
  await stopRunner()
  await put()
  receiver.got = []
  receiver.hangs = true
  const program = new URL('../../../test/message-runner.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [program, JSON.stringify(runnerOptions)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const { job_id } = await server.client.calls.channels.test({ name: 'team' })
  const state = async () => (await server.client.calls.jobs.get({ id: job_id })).state
  await expect.poll(async () => [receiver.got.length, await state()], { timeout: 10_000 }).toEqual([1, 'running'])
  child.kill('SIGKILL')
  await once(child, 'exit')
  receiver.hangs = false
  await expect.poll(state, { timeout: 15_000 }).toBe('scheduled')
  await server.db.query(`update jobs set not_before = now() where public_id = $1`, [job_id]) // not 20 s
  stopRunner = startMessageRunner(runnerOptions)
  await expect.poll(state, { timeout: 10_000 }).toBe('succeeded')
  const { attempts } = await server.client.calls.jobs.attempts({ id: job_id })
  expect(attempts.map((attempt) => attempt.state).toSorted()).toEqual(['lost', 'succeeded'])
  const ids = receiver.got.map(({ headers }) => headers['webhook-id'])
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(1)
}, 40_000)

test('a receiver that hangs holds up no job, no batch and no other channel', async () => {
  let asked = 0
  const hung = createServer(() => void asked++)
  await new Promise<void>((resolve) => hung.listen(0, '127.0.0.1', resolve))
  try {
    await put()
    await put({
      name: 'hung',
      settings: { kind: 'webhook', url: `http://127.0.0.1:${(hung.address() as AddressInfo).port}/` },
    })
    const batch = (channel: string) => ({ name: 'b', jobs: [{ command: ['true'] }], notify: [{ channel }] })
    await Promise.all(Array.from({ length: 20 }, () => operator.client.calls.batches.create(batch('hung'))))
    const waiting = async () => (await server.client.calls.jobs.list({ queue: 'messages', state: ['queued'] })).jobs
    await expect.poll(async () => [asked, (await waiting()).length], { timeout: 10_000 }).toEqual([2, 18])

    const { id } = await operator.client.calls.batches.create(batch('team'))
    const told = async () => (await deliveryOf(`batch:${id}`))?.state
    await expect.poll(told, { timeout: 8_000 }).toBe('succeeded')
    expect(asked).toBe(2)
    const { runners } = await server.client.calls.runners.list()
    expect(runners.find(({ state }) => state === 'online')).toMatchObject({ slots: 4, slots_used: 0 })
    expect(await server.client.calls.jobs.get({ id: (await waiting())[0]!.id })).toMatchObject({
      waiting_reason: { code: 'no_capacity', text: expect.stringContaining('2 messages to channel hung') },
    })
  } finally {
    hung.closeAllConnections()
    hung.close()
  }
}, 40_000)
