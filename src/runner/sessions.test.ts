/** Several servers, links that die without a word, credentials that change: over real TLS. */
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { SecureServerOptions } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RunnerService } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { createFakeControlPlane } from './fake-control-plane.ts'
import { serveFake, type FakeServer } from './fake-server.ts'
import { fromConnect } from './grpc-errors.ts'
import { createUnary } from './grpc-unary.ts'
import { replaceCredentials } from './identity-files.ts'
import { createResolver } from './resolve-endpoints.ts'
import { parseServers, type CredentialFiles } from './server-address.ts'
import { createSessions, type SessionOptions } from './sessions.ts'
import { blockableWay, tlsRig, type TlsRig } from './tls-rig.ts'

let dir: string
let rig: TlsRig
let files: CredentialFiles
let undo: (() => unknown)[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ry-tls-'))
  rig = await tlsRig()
  files = await rig.runnerFiles(dir)
  undo = [() => rm(dir, { recursive: true })]
})
afterEach(async () => {
  for (const step of undo.toReversed()) await step()
})

async function served(options?: SecureServerOptions): Promise<FakeServer> {
  const server = await serveFake(createFakeControlPlane(), options ?? (await rig.serverOptions()))
  undo.push(() => server.close())
  return server
}

/** Nobody listens there. */
async function closedPort(): Promise<number> {
  const server = await serveFake(createFakeControlPlane(), await rig.serverOptions())
  await server.close()
  return server.port
}

function linkTo(ports: number[], options: SessionOptions = {}, host = '127.0.0.1') {
  const sessions = createSessions({ servers: ports.map((port) => ({ host, port })), files }, options)
  undo.push(() => sessions.abort())
  const unary = createUnary(sessions)
  const beat = (timeoutMs = 10_000) =>
    unary(RunnerService.method.heartbeat, { runnerId: '7', session: 's', held: [] }, { timeoutMs }).then(
      () => 'ok',
      (error: unknown) => fromConnect(error).message,
    )
  return { sessions, unary, beat }
}

test('of several servers one that is not there is passed over, and one that dies is replaced', async () => {
  const [one, two] = [await served(), await served()]
  const { beat } = linkTo([await closedPort(), one.port, two.port])
  expect(await beat()).toBe('ok')
  await one.close()
  expect(await beat()).toMatch(/ok|cut|closed|reset/i)
  expect(await beat()).toBe('ok')
  await two.close()
  await beat()
  expect(await beat()).toMatch(/^127\.0\.0\.1:\d+: .*ECONNREFUSED/)
})

test('the order is random, and addresses that just failed come last', async () => {
  const servers = parseServers('10.0.0.1:1,10.0.0.2:2,10.0.0.3:3')
  const order = async (resolver: ReturnType<typeof createResolver>) =>
    (await resolver.targets()).map(({ port }) => port)
  const values = [0.5, 0.9, 0.1]
  const resolver = createResolver(servers, () => values[0] ?? 0)
  expect(await order(createResolver(servers, () => values.shift()!))).toEqual([3, 1, 2])
  resolver.failed({ host: '10.0.0.1', ip: '10.0.0.1', port: 1 })
  expect(await order(resolver)).toEqual([2, 3, 1])
  expect((await createResolver(parseServers('localhost:9')).targets()).every(({ host }) => host === 'localhost')).toBe(
    true,
  )
})

test('a link that drops everything without a word is given up, and a new one is tried', async () => {
  const { port } = await served()
  const way = await blockableWay(port)
  undo.push(() => way.close())
  const { beat } = linkTo([way.port], { silenceMs: 2_000, connectMs: 2_000 })
  expect(await beat()).toBe('ok')
  way.block(true)
  const begun = performance.now()
  // The call's own deadline is far longer than it takes to see that the link is dead.
  expect(await beat(20_000)).toMatch(/nothing was heard|cut/)
  expect(performance.now() - begun).toBeLessThan(12_000)
  expect(await beat()).toMatch(/no connection within 2 s/)
  expect(way.connections()).toBe(2)
  way.block(false)
  expect(await beat()).toBe('ok')
})

test('an idle link is watched as well', async () => {
  const { port } = await served()
  const way = await blockableWay(port)
  undo.push(() => way.close())
  const { beat, sessions } = linkTo([way.port], { silenceMs: 2_000 })
  await beat()
  const stream = await sessions.request('POST', '/none', {}, {})
  const session = stream.session!
  stream.on('error', () => {}).destroy()
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  expect(session.destroyed).toBe(false) // it answers pings
  way.block(true)
  await new Promise<void>((resolve) => session.once('close', resolve))
})

test('a server of another authority, or under another name, is none of ours', async () => {
  const stranger = await served(await (await tlsRig()).serverOptions())
  expect(await linkTo([stranger.port]).beat()).toMatch(/self.signed|unable to (get|verify)/i)
  const elsewhere = await served(await rig.serverOptions(['runyard.example']))
  expect(await linkTo([elsewhere.port]).beat()).toMatch(/IP: 127\.0\.0\.1 is not in the cert/)
  const named = await served(await rig.serverOptions(['localhost']))
  expect(await linkTo([named.port], {}, 'localhost').beat()).toBe('ok')
  const old = createServer({ ...(await rig.serverOptions()), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve))
  undo.push(() => old.close())
  expect(await linkTo([(old.address() as { port: number }).port]).beat()).toMatch(/protocol version|alert/i)
})

test('renewed credentials are used from the next call on, and a call in progress is not cut', async () => {
  const serials: string[] = []
  const { port } = await served()
  const probe = createServer({ ...(await rig.serverOptions()), ALPNProtocols: ['h2'] }, (socket: TLSSocket) => {
    serials.push(socket.getPeerX509Certificate()!.serialNumber)
    socket.on('error', () => {}).destroy()
  })
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  undo.push(() => probe.close())
  const before = linkTo([(probe.address() as { port: number }).port])
  await before.beat()

  const { sessions, unary, beat } = linkTo([port])
  const me = { runnerId: '7', session: 's' }
  const waiting = unary(RunnerService.method.claim, { ...me, slots: 1, waitMs: 700 }, { timeoutMs: 5_000 })
  await new Promise((resolve) => setTimeout(resolve, 200))
  const renewed = await rig.issue('runner', 'r')
  await replaceCredentials(files, renewed, true)
  sessions.retire()
  expect(await beat()).toBe('ok')
  expect((await waiting).assignments).toEqual([])

  before.sessions.retire()
  await before.beat()
  expect(serials.at(-1)).toBe(new X509Certificate(renewed.certificatePem).serialNumber)
  expect(serials[0]).not.toBe(serials.at(-1))
})

test('addresses are host:port, in words when they are not', () => {
  expect(parseServers('a.example:1, [::1]:2,b')).toEqual([
    { host: 'a.example', port: 1 },
    { host: '::1', port: 2 },
    { host: 'b', port: 50_051 },
  ])
  for (const wrong of ['http://a:1', 'a:0', 'a:70000', '', 'a:1,,b:2', '[nothing]:1', 'user@a:1', 'a:1/x']) {
    expect(() => parseServers(wrong), wrong).toThrow(/is not host:port/)
  }
})
