/** The life of the secure port: when it opens, what it shows, how it is renewed and how it ends. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { Code, ConnectError } from '@connectrpc/connect'
import { expect, onTestFinished, test } from 'vitest'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { runningServer } from '../../test/running-server.ts'
import { secureServer, type SecureServer, type Tls } from '../../test/secure-server.ts'
import { until } from '../../test/until.ts'
import { initAuthority, trustedAuthorities } from '../access/certificates/index.ts'
import { ensureKeys } from '../access/keys.ts'
import { createSealer } from '../access/secrets.ts'
import { Health, HealthCheckResponse_ServingStatus as Status } from '../api/grpc/gen/grpc/health/v1/health_pb.js'
import { JobService } from '../api/grpc/gen/runyard/v1/job_service_pb.js'
import { AppError } from '../lib/app-error.ts'
import { onFact, type Fact } from '../lib/facts.ts'
import type { Deps } from '../operations/deps.ts'
import { openSecurePort } from './grpc.ts'
import { readServerFile } from './places.ts'
import { startServer } from './server.ts'

const makeAuthority = async (server: Pick<SecureServer, 'db' | 'config'>, rotate = false): Promise<void> => {
  const sealer = createSealer((await ensureKeys(server.config)).secretKey)
  await server.db.tx((tx) => initAuthority(tx, sealer, { name: 'Test', years: 1, rotate }))
}

function factsNamed(name: string): Fact[] {
  const heard: Fact[] = []
  onTestFinished(onFact((fact) => void (fact.name === name && heard.push(fact))))
  return heard
}

test('closed without an authority; open within seconds of one, on every server, and found in server.json', async () => {
  const key = randomBytes(32).toString('base64')
  const server = await runningServer({ RUNYARD_SECRET_KEY: key, RUNYARD_JWT_SECRET: key })
  onTestFinished(() => server.close())
  expect(server.grpcAddress()).toBeUndefined()
  expect((await readServerFile(server.config.dataDir))?.grpc).toBeUndefined()
  const dir = scratchDir('two')
  const elsewhere = { ...server.config, dataDir: join(dir, 'data'), runDir: join(dir, 'run') }
  const other = await startServer(elsewhere, { version: '0', webRoot: '/nowhere' })
  onTestFinished(async () => {
    await other.stop()
    removeScratch(dir)
  })
  await makeAuthority(server)
  const begun = performance.now()
  const address = await until(() => server.grpcAddress())
  await until(() => other.grpcAddress())
  expect(performance.now() - begun).toBeLessThan(5_000)
  const file = await until(async () => {
    const found = await readServerFile(server.config.dataDir)
    return found?.grpc === undefined ? undefined : found
  })
  expect(file).toMatchObject({ grpc: address, url: server.url, pid: process.pid })
  await server.stop()
  expect(await readServerFile(server.config.dataDir)).toBeNull()
}, 60_000)

test('a database that goes away between the first words of a server and its gRPC port is waited for', async () => {
  const server = await runningServer()
  onTestFinished(() => server.close())
  await makeAuthority(server)
  let away = true
  const { db, config } = server
  const port = await openSecurePort({
    deps: { db, config, sealer: createSealer((await ensureKeys(config)).secretKey) } as Deps,
    watch: {
      isAway: () => away,
      whileThere: async (work) => {
        if (away) throw new AppError('unavailable', 'the database does not answer')
        return work()
      },
      stop: async () => {},
    },
    calls: { routes: () => {}, frequent: [], noteRefused: async () => {} },
    name: 'late',
    onOpen: async () => {},
  })
  onTestFinished(() => port.stop(100))
  expect(port.address()).toBeUndefined()
  away = false
  port.accessChanged()
  expect(await until(() => port.address())).toMatch(/^127\.0\.0\.1:\d+$/)
}, 30_000)

test('a port in use: said once and tried again while the server runs, a refusal to start when it starts', async () => {
  const blocker = net.createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void blocker.close())
  await once(blocker, 'listening')
  const port = String((blocker.address() as net.AddressInfo).port)
  const said = factsNamed('grpc.not_listening')
  const server = await runningServer({ RUNYARD_GRPC_PORT: port })
  onTestFinished(() => server.close())
  await makeAuthority(server)
  await until(() => said.length > 0)
  expect(String(said[0]!.error)).toMatch(new RegExp(`127.0.0.1 port ${port} is in use.*--grpc-port`))
  expect((await server.fetch('/health', { token: '' })).status).toBe(200)

  await server.stop()
  const again = startServer(server.config, { version: '0', webRoot: '/nowhere' })
  await expect(again).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringMatching(/in use.*--grpc-port/),
  })
  expect(said).toHaveLength(1)
  blocker.close()
  const last = await startServer(server.config, { version: '0', webRoot: '/nowhere' })
  onTestFinished(() => last.stop())
  expect(last.grpcAddress()).toBe(`127.0.0.1:${port}`)
})

/** Serial number of what the port shows to a new client. */
async function shown(server: SecureServer, { cert, key, ca }: Tls): Promise<string> {
  const socket = connect({
    host: '127.0.0.1',
    port: server.grpcPort,
    servername: 'localhost',
    cert,
    key,
    ca,
    ALPNProtocols: ['h2'],
  })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

test('a new server certificate and a new authority need no restart and end no session', async () => {
  const server = await secureServer()
  onTestFinished(() => server.close())
  const who = await server.issue('viewer')
  const jobs = server.as(JobService, who)
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  let over = false
  const reading = (async () => {
    for await (const _ of jobs.subscribeOutput({ jobId: id }));
  })().then(
    () => (over = true),
    () => (over = true),
  )
  await jobs.whoAmI({})
  const before = await shown(server, who)

  const { rows } = await server.db.query<{ id: string }>(`select max(id) as id from certificates where role = 'server'`)
  await server.revoke(rows[0]!)
  await until(async () => (await shown(server, who)) !== before, 'the new certificate')

  await makeAuthority(server, true)
  const newcomer = await server.issue('viewer')
  const fresh = { ...newcomer, ca: (await trustedAuthorities(server.db)).join('') }
  await until(async () => {
    const client = server.as(JobService, fresh)
    return client.whoAmI({}).then(
      () => true,
      () => false,
    )
  }, 'trust in the new authority')
  expect((await jobs.whoAmI({})).username).toBe(who.name)
  expect(over).toBe(false)
  jobs.close()
  await reading
})

test('a server that stops says so: streams end as unavailable, health as not serving', async () => {
  const server = await secureServer()
  onTestFinished(() => server.close())
  const who = await server.issue('viewer')
  const jobs = server.as(JobService, who)
  const health = server.as(Health, who)
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  const seen: Status[] = []
  const watching = (async () => {
    for await (const { status } of health.watch({})) seen.push(status)
  })().catch(ConnectError.from)
  const reading = (async () => {
    for await (const _ of jobs.subscribeOutput({ jobId: id }));
  })().catch(ConnectError.from)
  await jobs.whoAmI({})
  await until(() => seen.length > 0)
  const begun = performance.now()
  await server.stop()
  expect(performance.now() - begun).toBeLessThan(8_000)
  expect(await reading).toMatchObject({ code: Code.Unavailable })
  expect(await watching).toMatchObject({ code: Code.Unavailable })
  expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING])
})
