/** The client against a server that behaves as it is told, over real mutual TLS. */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createAuthority } from '../../x509/authority.ts'
import { issue } from '../../x509/issue.ts'
import { generateKeyPair } from '../../x509/key-pair.ts'
import { createRequest } from '../../x509/request.ts'
import type { FollowEvent } from '../client.ts'
import { toConnectError } from './call-errors.ts'
import { JobService, type SubscribeOutputRequest } from './gen/runyard/v1/job_service_pb.js'
import { createJobClient, type ClientCredentials, type JobClient } from './job-client.ts'
import { wrongField } from './job-calls.ts'

type Certified = ClientCredentials
async function certified(hosts: string[] = []): Promise<(role: 'server' | 'admin') => Promise<Certified>> {
  const authority = await createAuthority({ name: 'Test', years: 1 })
  return async (role) => {
    const keys = await generateKeyPair()
    const notAfter = new Date(Date.now() + 3_600_000)
    const uri = `runyard:certificate:${crypto.randomUUID()}`
    const request = await createRequest(keys, role)
    const issued = await issue(authority, {
      request,
      name: role,
      role,
      uri,
      notAfter,
      ...(role === 'server' ? { hosts } : {}),
    })
    return { cert: issued.certificatePem, key: keys.privateKeyPem, ca: authority.certificatePem }
  }
}

let own: Certified
let admin: Certified
let stranger: Certified
beforeAll(async () => {
  const ours = await certified(['127.0.0.1'])
  ;[own, admin] = [await ours('server'), await ours('admin')]
  stranger = await (await certified())('admin')
})

const open: { server?: Http2SecureServer; sessions: Set<ServerHttp2Session>; clients: JobClient[] } = {
  sessions: new Set(),
  clients: [],
}
afterEach(async () => {
  for (const client of open.clients.splice(0)) client.close()
  await stop()
})
async function stop(): Promise<void> {
  for (const session of open.sessions) session.destroy()
  const { server } = open
  open.server = undefined
  if (server) await new Promise((resolve) => server.close(resolve))
}

async function serve(service: Partial<ServiceImpl<typeof JobService>>, port = 0): Promise<number> {
  const handler = connectNodeAdapter({ routes: (router) => void router.service(JobService, service) })
  const server = createSecureServer(
    { ...own, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' },
    handler,
  )
  server.on('session', (session) => {
    open.sessions.add(session)
    session.on('close', () => open.sessions.delete(session))
  })
  open.server = server
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
function clientOf(port: number, credentials = admin): JobClient {
  const client = createJobClient({ host: '127.0.0.1', port }, credentials)
  open.clients.push(client)
  return client
}
async function collect(events: AsyncIterable<FollowEvent>): Promise<string> {
  let text = ''
  for await (const event of events) text += event.type === 'end' ? `[${event.state}]` : event.bytes.toString()
  return text
}

const output = Buffer.from('0123456789abcdefghij')
/** Of `output`, from where it is asked for, in pieces of three. */
async function* pieces({ offset }: SubscribeOutputRequest, breakAt = Infinity) {
  for (let at = Number(offset); at < output.length; at += 3) {
    if (at >= breakAt) return
    const stdout = output.subarray(at, at + 3)
    yield { attempt: 1, offset: BigInt(at), stdout, nextOffset: BigInt(at + stdout.length) }
  }
  yield { attempt: 1, nextOffset: BigInt(output.length), end: { state: 'succeeded' } }
}

test('a follower goes on at its byte: after a stream that just ended, a cut session, a server that was away', async () => {
  const asked: SubscribeOutputRequest[] = []
  let port = 0
  const subscribeOutput = async function* (request: SubscribeOutputRequest) {
    asked.push(request)
    if (asked.length === 1) return yield* pieces(request, 4)
    if (asked.length === 4) return yield* pieces(request)
    yield* pieces(request, Number(request.offset) + 1)
    if (asked.length === 2) for (const session of open.sessions) session.destroy()
    else setImmediate(() => void stop().then(() => setTimeout(() => void serve({ subscribeOutput }, port), 300)))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  port = await serve({ subscribeOutput })
  expect(await collect(clientOf(port).followLog({ jobId: 'abcdefghijkl' }))).toBe(`${output}[succeeded]`)
  expect(asked).toHaveLength(4)
  expect(asked[0]).toMatchObject({ attempt: 0, onward: false, offset: 0n })
  expect(asked[1]).toMatchObject({ attempt: 1, onward: true, offset: 6n })
  // What was on its way when the session was cut may have come or not.
  for (const later of asked.slice(2)) expect(later).toMatchObject({ attempt: 1, onward: true })
})

test('a refusal is no broken link, and a server that was never there is not waited for', async () => {
  let asked = 0
  const port = await serve({
    async *subscribeOutput() {
      asked++
      yield* []
      throw new ConnectError('there is no such job', Code.NotFound)
    },
  })
  const client = clientOf(port)
  await expect(collect(client.followLog({ jobId: 'abcdefghijkl' }))).rejects.toMatchObject({ code: 'not_found' })
  expect(asked).toBe(1)
  await stop()
  await vi.waitFor(() =>
    expect(client.calls.jobs.get({ id: 'abcdefghijkl' })).rejects.toMatchObject({
      code: 'unavailable',
      message: `no server answers at 127.0.0.1:${port} any more`,
    }),
  )
  const follow = collect(clientOf(port).followLog({ jobId: 'abcdefghijkl' }))
  await expect(follow).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('nobody listens'),
  })
})

test('a follower that is told to stop does', async () => {
  const port = await serve({
    async *subscribeOutput(request, { signal }) {
      yield* pieces(request, 1)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  })
  const enough = new AbortController()
  const events = clientOf(port).followLog({ jobId: 'abcdefghijkl' }, enough.signal)
  expect(await events.next()).toMatchObject({ value: { type: 'log', stream: 'stdout' } })
  enough.abort(new Error('enough'))
  await expect(events.next()).rejects.toThrow('enough')
})

test('a range of the log, and how much there is', async () => {
  const port = await serve({
    async *subscribeOutput(request) {
      if (request.tailBytes === undefined) return yield* pieces(request)
      yield { attempt: 1, nextOffset: BigInt(output.length), end: { state: 'succeeded' } }
    },
  })
  const { readLog } = clientOf(port)
  const read = async (offset: number, limit?: number) => {
    const { bytes, size } = await readLog({ jobId: 'abcdefghijkl', offset, limit })
    return [bytes.toString(), size]
  }
  expect(await read(0, 1)).toEqual(['0', 20])
  expect(await read(4, 7)).toEqual(['456789a', 20])
  expect(await read(15)).toEqual(['fghij', 20])
  expect(await read(20)).toEqual(['', 20])
})

test('wrong fields have the names of the job document; what gRPC has not says where it is', async () => {
  const port = await serve({
    start: () => {
      throw toConnectError(wrongField('spec_json.limits.memory_bytes', 'at least 4 MiB'), 'Start')
    },
  })
  const { calls } = clientOf(port)
  await expect(calls.jobs.submit({ command: ['true'] })).rejects.toMatchObject({
    code: 'invalid_argument',
    message: 'limits.memory_bytes: at least 4 MiB',
    fields: [{ field: 'limits.memory_bytes', message: 'at least 4 MiB' }],
  })
  for (const call of [() => calls.jobs.stats(), () => calls.users.list(), () => calls.health()]) {
    await expect(call()).rejects.toThrow('--server http://HOST:8000')
  }
})

test('both sides check the other', async () => {
  const port = await serve({ whoAmI: () => ({ username: 'ann', role: 'admin' }) })
  expect(await clientOf(port).whoAmI()).toEqual({ username: 'ann', role: 'admin', notAfter: null })
  const told = (credentials: Certified) =>
    clientOf(port, credentials)
      .whoAmI()
      .catch(({ code, message }: { code: string; message: string }) => `${code}: ${message}`)
  const at = `127.0.0.1:${port}`
  expect(await told({ ...admin, ca: stranger.ca })).toBe(
    `unauthenticated: the server at ${at} is of another authority than --ca names: take the ca.crt of that server`,
  )
  expect(await told({ ...stranger, ca: admin.ca })).toContain(
    `unauthenticated: the server at ${at} refused the certificate`,
  )
})
