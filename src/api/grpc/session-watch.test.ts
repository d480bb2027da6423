/** Promise G3 and the end of G4: what a certificate has opened ends with it, within five seconds. */
import net from 'node:net'
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { callHeaders, endHeaders, frame, frameTypes, headerBlock, rawHttp2 } from '../../../test/raw-http2.ts'
import { secureServer, type SecureServer } from '../../../test/secure-server.ts'
import { until } from '../../../test/until.ts'
import { AppError } from '../../lib/app-error.ts'
import { createAuthority } from '../../x509/authority.ts'
import { issue } from '../../x509/issue.ts'
import { generateKeyPair } from '../../x509/key-pair.ts'
import { createRequest } from '../../x509/request.ts'
import type { CertificateHolder } from '../../access/authenticate.ts'
import { JobService as SeedJobService } from './gen/job_service_pb.js'
import { Health } from './gen/grpc/health/v1/health_pb.js'
import { JobService } from './gen/runyard/v1/job_service_pb.js'
import { healthRoutes } from './health.ts'
import { listenSecurely } from './secure-listener.ts'

let server: SecureServer
beforeAll(async () => {
  server = await secureServer()
})
afterAll(() => server.close())

interface Stream {
  over: Promise<ConnectError | 'ended'>
  isOver(): boolean
}

function reading(stream: AsyncIterable<unknown>): Stream {
  let isOver = false
  const read = async (): Promise<ConnectError | 'ended'> => {
    try {
      for await (const _ of stream);
      return 'ended'
    } catch (error) {
      return ConnectError.from(error)
    } finally {
      isOver = true
    }
  }
  return { over: read(), isOver: () => isOver }
}

test('G3: a revoked certificate’s open streams are cut within 5 s; everybody else’s go on', async () => {
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  const [who, other] = [await server.issue('viewer'), await server.issue('viewer')]
  const seed = server.as(SeedJobService, who)
  const jobs = server.as(JobService, who)
  const stays = server.as(JobService, other)
  onTestFinished(() => [seed, jobs, stays].forEach((client) => client.close()))
  const cut = [
    reading(seed.subscribeOutput({ jobId: id })),
    reading(jobs.subscribeOutput({ jobId: id })),
    reading(server.as(Health, who).watch({})),
  ]
  const kept = reading(stays.subscribeOutput({ jobId: id }))
  expect((await jobs.whoAmI({})).username).toBe(who.name)
  expect((await stays.whoAmI({})).username).toBe(other.name)

  const begun = performance.now()
  await server.revoke(who)
  for (const { over } of cut) expect(await over).toMatchObject({ code: Code.Unauthenticated })
  expect(performance.now() - begun).toBeLessThan(5_000)
  expect(kept.isOver()).toBe(false)
  expect((await stays.whoAmI({})).username).toBe(other.name)
  await expect(jobs.whoAmI({})).rejects.toMatchObject({ code: Code.Unauthenticated })
  await until(async () => {
    const { rows } = await server.db.query(
      `select 1 from audit_log where result = 'refused' and target = 'certificate:${who.fingerprint.toString('hex')}'`,
    )
    return rows.length > 0
  }, 'the audit row')
})

test('G4: a stream ends when its certificate does', async () => {
  const who = await server.issue('viewer', 'short', 4 / 86_400)
  const health = server.as(Health, who)
  onTestFinished(() => health.close())
  const begun = performance.now()
  const watching = reading(health.watch({}))
  expect((await health.check({})).status).toBe(1)
  expect(await watching.over).toBeInstanceOf(ConnectError)
  const lasted = performance.now() - begun
  expect(lasted).toBeGreaterThan(1_500)
  expect(lasted).toBeLessThan(9_000)
})

/** A listener without a database: whether a certificate holds is for the test to say. */
async function bareListener({ lookMs = 50, pingMs = 60_000, lastsMs = 3_600_000 } = {}) {
  const authority = await createAuthority({ name: 'Bare', years: 1 })
  const issued = async (role: 'viewer' | 'server') => {
    const keys = await generateKeyPair()
    const request = await createRequest(keys, role)
    const notAfter = new Date(Date.now() + lastsMs)
    const made = await issue(authority, { request, name: role, role, uri: 'runyard:x', notAfter, hosts: ['localhost'] })
    return { cert: made.certificatePem, key: keys.privateKeyPem, fingerprint: made.fingerprint, notAfter }
  }
  const [own, viewer] = [await issued('server'), await issued('viewer')]
  const holder: CertificateHolder = {
    certificateId: '1',
    name: 'vera',
    role: 'viewer',
    notAfter: viewer.notAfter,
    principal: { kind: 'certificate', userId: '1', username: 'vera', role: 'viewer' },
  }
  const state: { says: 'holds' | 'holds not' | 'is away'; asked: number } = { says: 'holds', asked: 0 }
  const away = (): AppError => new AppError('unavailable', 'the database is away for the moment')
  const listener = await listenSecurely({
    host: '127.0.0.1',
    port: 0,
    credentials: { certificatePem: own.cert, privateKeyPem: own.key, authorityPems: [authority.certificatePem] },
    calls: {
      routes: healthRoutes({ services: [], isServing: () => true }),
      frequent: [],
      noteRefused: () => Promise.resolve(),
      requestMs: 300,
    },
    async holderOf() {
      if (state.says === 'is away') throw away()
      return holder
    },
    async stillHold(fingerprints) {
      state.asked += 1
      if (state.says === 'is away') throw away()
      return new Map(state.says === 'holds' ? fingerprints.map((one) => [one.toString('hex'), holder]) : [])
    },
    onTurnedAway: () => {},
    lookMs,
    pingMs,
  })
  onTestFinished(() => listener.stop(0))
  const client = (port = listener.address.port): Client<typeof Health> => {
    const baseUrl = `https://localhost:${port}`
    const tls = { cert: viewer.cert, key: viewer.key, ca: authority.certificatePem }
    const sessionManager = new Http2SessionManager(baseUrl, {}, { ...tls, host: '127.0.0.1' })
    onTestFinished(() => sessionManager.abort())
    return createClient(Health, createGrpcTransport({ baseUrl, sessionManager }))
  }
  return { listener, state, client, tls: { cert: viewer.cert, key: viewer.key, ca: authority.certificatePem } }
}

test('without any notice the next look ends a session', async () => {
  const { client, state } = await bareListener()
  const stream = reading(client().watch({}))
  await until(() => state.asked > 2)
  expect(stream.isOver()).toBe(false)
  state.says = 'holds not'
  expect(await stream.over).toBeInstanceOf(ConnectError)
})

test('while the database is away open sessions stay and work; new ones are told to try again', async () => {
  const { client, state } = await bareListener()
  const old = client()
  const stream = reading(old.watch({}))
  expect((await old.check({})).status).toBe(1)
  state.says = 'is away'
  const { asked } = state
  await until(() => state.asked > asked + 3)
  expect((await old.check({})).status).toBe(1)
  await expect(client().check({})).rejects.toMatchObject({ code: Code.Unavailable })
  expect(stream.isOver()).toBe(false)
  state.says = 'holds'
  expect((await client().check({})).status).toBe(1)
})

test('while nobody can say, a session still ends with its certificate', async () => {
  const { client, state } = await bareListener({ lastsMs: 3_000 })
  const health = client()
  const stream = reading(health.watch({}))
  expect((await health.check({})).status).toBe(1)
  state.says = 'is away'
  expect(await stream.over).toMatchObject({ code: Code.Unauthenticated, rawMessage: 'the certificate has ended' })
})

test('a request that never ends gives its stream back; one that has come may be answered for as long as it takes', async () => {
  const { client, listener, tls } = await bareListener()
  const stream = reading(client().watch({}))
  const raw = await rawHttp2({ port: listener.address.port, ...tls })
  onTestFinished(() => raw.end())
  raw.send(frame(frameTypes.headers, endHeaders, 1, headerBlock(callHeaders('/grpc.health.v1.Health/Check'))))
  const ended = await until(() => raw.frames.find(({ type }) => type === frameTypes.rst))
  expect(ended.stream).toBe(1)
  expect([stream.isOver(), raw.isClosed()]).toEqual([false, false])
})

test('a peer that is gone without a word is found by pings', async () => {
  const { client, listener } = await bareListener({ pingMs: 100 })
  let silent = false
  const upstream = new Set<net.Socket>()
  const closed = new Set<net.Socket>()
  const proxy = net.createServer((near) => {
    const far = net.connect(listener.address.port, '127.0.0.1')
    upstream.add(far)
    near.on('data', (bytes) => void (silent || far.write(bytes)))
    far.on('data', (bytes) => void (silent || near.write(bytes)))
    for (const one of [near, far]) one.on('error', () => {})
    far.on('close', () => closed.add(far))
    near.on('close', () => far.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const health = client((proxy.address() as net.AddressInfo).port)
  const stream = reading(health.watch({}))
  await health.check({})
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect([stream.isOver(), closed.size]).toEqual([false, 0])
  silent = true
  await until(() => closed.size === upstream.size, 'the end of the dead connection', 3_000)
})
