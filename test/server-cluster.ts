/** Several servers on one database, each with a data directory of its own; and a runner that speaks to any of them. */
import { randomBytes, randomUUID } from 'node:crypto'
import net from 'node:net'
import { join } from 'node:path'
import { createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { initAuthority } from '../src/access/certificates/index.ts'
import { createSealer } from '../src/access/secrets.ts'
import { createApiClient, type ApiClient } from '../src/api/client.ts'
import { RunnerService, type AttemptRef } from '../src/api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { loadConfig } from '../src/config/config.ts'
import type { Db } from '../src/db/pool.ts'
import { runnerProtocol } from '../src/job/runner-protocol.ts'
import { startServer, type RunningServer } from '../src/server/server.ts'
import { testDatabase } from './database.ts'
import { adminPassword } from './running-server.ts'
import { removeScratch, scratchDir } from './scratch.ts'
import { until } from './until.ts'

export interface ClusterServer extends RunningServer {
  /** In the database. */
  name: string
  dataDir: string
  client: ApiClient
  fetch(path: string, init?: RequestInit): Promise<Response>
  runners: Client<typeof RunnerService>
}

export interface Cluster {
  db: Db
  /** The same label again, when that one was stopped: the same data directory. */
  start(label: string, env?: Record<string, string>): Promise<ClusterServer>
  close(): Promise<void>
}

export async function cluster(common: Record<string, string> = {}): Promise<Cluster> {
  const database = await testDatabase()
  const dir = scratchDir('c')
  const secretKey = randomBytes(32).toString('base64')
  const running = new Set<RunningServer>()
  let ready = false
  return {
    db: database.db,
    async start(label, env = {}) {
      const dataDir = join(dir, label)
      const config = loadConfig({
        env: {
          RUNYARD_DATA_DIR: dataDir,
          RUNYARD_RUN_DIR: join(dir, `${label}-run`),
          DATABASE_URL: database.url,
          RUNYARD_PORT: '0',
          RUNYARD_GRPC_PORT: '0',
          RUNYARD_ADMIN_PASSWORD: adminPassword,
          RUNYARD_SECRET_KEY: secretKey,
          RUNYARD_JWT_SECRET: secretKey,
          ...common,
          ...env,
        },
      })
      if (!ready) {
        const sealer = createSealer(Buffer.from(secretKey, 'base64'))
        await database.db.tx((tx) => initAuthority(tx, sealer, { name: 'Test', years: 1 }))
        ready = true
      }
      const server = await startServer(config, { version: '0.0.0-test', webRoot: join(dir, 'web') })
      running.add(server)
      // Where the others find it.
      const name = await until(async () => {
        const { rows } = await database.db.query<{ name: string; address: string }>('select name, address from servers')
        return rows.find((row) => row.address === server.grpcAddress())?.name
      }, `the address of server ${label}`)
      const transport = createGrpcTransport({
        baseUrl: 'http://runner',
        nodeOptions: { createConnection: () => net.connect(server.runnerSocket) },
      })
      return {
        ...server,
        name,
        dataDir,
        client: createApiClient({ baseUrl: server.url, token: server.localToken }),
        fetch(path, init = {}) {
          const headers = new Headers(init.headers)
          headers.set('authorization', `Bearer ${server.localToken}`)
          return fetch(`${server.url}/api/v1${path}`, { ...init, headers })
        },
        runners: createClient(RunnerService, transport),
        async stop() {
          running.delete(server)
          await server.stop()
        },
      }
    },
    async close() {
      await Promise.all([...running].map((server) => server.stop()))
      await database.drop()
      removeScratch(dir)
    },
  }
}

/** Registered with one server, it may go on with any. */
export async function roamingRunner(at: ClusterServer) {
  const session = randomUUID()
  const description = { name: `roaming-${session.slice(0, 8)}`, session, version: 'test', hostname: 'test', slots: 100 }
  const room = { cpuMillis: 64_000, memoryMib: 64_000 }
  const { runnerId } = await at.runners.register({
    ...{ ...description, ...room, protocol: runnerProtocol },
    ...{ executors: ['sandbox'], facilitiesJson: '{}' },
  })
  const who = { runnerId, session }
  const held: AttemptRef[] = []
  return {
    async claim(from: ClusterServer): Promise<{ ref: AttemptRef; jobId: string }> {
      const { assignments } = await from.runners.claim({ ...who, ...room, slots: 1, held, waitMs: 5_000 })
      const [assignment] = assignments
      if (assignment?.ref === undefined) throw new Error('nothing to claim within 5 s')
      held.push(assignment.ref)
      const started = [{ ref: assignment.ref, startedAtMs: BigInt(Date.now()), unenforced: [] }]
      await from.runners.reportStarted({ ...who, started })
      return { ref: assignment.ref, jobId: assignment.jobId }
    },
    /** Answers what the server has then. */
    async append(to: ClusterServer, ref: AttemptRef, file: Buffer, offset: number, end: number): Promise<number> {
      const bytes = new Uint8Array(file.subarray(offset, end))
      const { results } = await to.runners.appendLog({ ...who, chunks: [{ ref, offset: BigInt(offset), bytes }] })
      if (results[0]!.stale) throw new Error('stale')
      return Number(results[0]!.accepted)
    },
    /** As a runner does, from where the server stands until it has all. */
    async ship(to: ClusterServer, ref: AttemptRef, file: Buffer, from = 0, step = 300_000): Promise<void> {
      for (let at = from; at < file.length;) at = await this.append(to, ref, file, at, Math.min(file.length, at + step))
    },
    /** `log`: all of it with the report. */
    async finish(to: ClusterServer, ref: AttemptRef, logLength: number, log?: Buffer): Promise<number> {
      const outcome = { state: 'succeeded', exit_code: 0, remaining_processes: 0 }
      const report = { ref, outcomeJson: JSON.stringify(outcome), logLength: BigInt(logLength) }
      const reports = [{ ...report, ...(log && { log: new Uint8Array(log) }) }]
      const { results } = await to.runners.finish({ ...who, reports })
      const at = held.findIndex(({ token }) => token === ref.token)
      if (at >= 0 && results[0] === 1) held.splice(at, 1)
      return results[0]!
    },
  }
}
