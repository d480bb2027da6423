/**
 * A fleet under test: two servers, three runners and one PostgreSQL. Servers and runners have each a machine of their own
 * (a network namespace); all that passes between runner and server, server and database, user and server passes through
 * a proxy of the rig. Needs root.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { createGrpcTransport } from '@connectrpc/connect-node'
import pg from 'pg'
import { startPostgres } from '../../e2e/outages/postgres.ts'
import { until } from '../../e2e/system.ts'
import type { ProcessId } from '../host.ts'
import { managed, type Managed } from '../managed.ts'
import { jobsOf, killAllUnder, launcherOf, makePlace, repository } from '../place.ts'
import { stands, stoodDown } from '../stand.ts'
import { makeAccounts, type Tokens } from './accounts.ts'
import { answers, cliOf, issueRunner, type Credential } from './credentials.ts'
import { mountDisk, type Disk } from './disk.ts'
import { ghostName, type Fleet, type FleetOptions, type FleetRunner, type FleetServer } from './fleet.ts'
import { makeNetwork, type Machine, type Network } from './network.ts'
import { openProxy, type Proxy, type Target } from './proxy.ts'

/** Each server has a machine of its own. */
const webPort = 8000
const grpcPort = 50_051

const shiftedClock = new URL('../../e2e/outages/shifted-clock.ts', import.meta.url).href

export async function makeFleet(options: FleetOptions = {}): Promise<Fleet> {
  const { root = repository, settings = {}, slots = 4 } = options
  const { dir, at, logs, witness, env } = makePlace()
  /** Taken apart from the last to the first. */
  const undo: (() => unknown)[] = [() => options.keep || rmSync(dir, { recursive: true, force: true, maxRetries: 5 })]
  let removed: Promise<void> | undefined
  let network: Network | undefined
  const remove = (): Promise<void> =>
    (removed ??= (async () => {
      const failures: unknown[] = []
      for (const step of undo.toReversed()) {
        // Whatever fails, the rest goes.
        await Promise.resolve()
          .then(step)
          .catch((error: unknown) => failures.push(error))
      }
      stoodDown(standing)
      if (failures.length > 0) throw failures[0]
      const left = network?.leftovers() ?? []
      if (left.length > 0) throw new Error(`the rig itself left ${left.join(', ')}`)
    })())
  // From here on, so that a rig that is told to end half-way leaves nothing.
  const standing = { remove }
  stands(standing)

  try {
    const names = (word: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${word}${i + 1}`)
    const serverNames = names('server', options.servers ?? 2)
    const runnerNames = names('runner', options.runners ?? 3)
    const made = await makeNetwork([...serverNames, ...runnerNames])
    network = made
    undo.push(() => made.remove())
    const machineOf = (name: string): Machine => made.machines.find((machine) => machine.name === name)!
    const gates = made.machines.map(({ gate }) => gate)
    const proxy = async (host: string, target: Target): Promise<Proxy> => {
      const made = await openProxy(host, () => target)
      undo.push(() => made.close())
      return made
    }
    const disk = async (path: string): Promise<Disk | null> => {
      if (!options.disks) return null
      const made = await mountDisk(path)
      undo.push(() => made.remove())
      return made
    }
    const postgres = await startPostgres({ settings: { max_connections: '120' } })
    undo.push(() => postgres.close())

    const common: NodeJS.ProcessEnv = {
      ...env,
      RUNYARD_JWT_SECRET: randomBytes(32).toString('base64'),
      RUNYARD_SECRET_KEY: randomBytes(32).toString('base64'),
      ...settings,
    }
    const own = (name: string): { dataDir: string; runDir: string; env: NodeJS.ProcessEnv } => {
      const [dataDir, runDir] = [at(name, 0o711), at(`${name}.run`, 0o711)]
      return { dataDir, runDir, env: { ...common, RUNYARD_DATA_DIR: dataDir, RUNYARD_RUN_DIR: runDir } }
    }
    const clocks = at('clocks', 0o711)
    const program = (name: string, machine: Machine, words: string[], env: NodeJS.ProcessEnv): Managed =>
      managed({
        name,
        command: [...machine.enter, process.execPath, join(root, 'bin', 'runyard.js'), ...words],
        env: {
          ...env,
          TEST_CLOCK_FILE: join(clocks, name),
          NODE_OPTIONS: `--import=${shiftedClock}`,
        },
        logFile: join(logs, `${name}.log`),
      })

    const servers: FleetServer[] = []
    for (const name of serverNames) {
      const machine = machineOf(name)
      const { dataDir, runDir, env } = own(name)
      const database = await proxy(machine.gate, { path: postgres.socket })
      const rest = await proxy('127.0.0.1', { host: machine.address, port: webPort })
      // The rig's end of its cable is where the other servers reach it.
      const cluster = await proxy(machine.gate, { host: machine.address, port: grpcPort })
      const process = program(name, machine, ['server'], {
        ...env,
        DATABASE_URL: `postgresql://runyard:word@${database.host}:${database.port}/runyard`,
        RUNYARD_HOST: machine.address,
        RUNYARD_PORT: String(webPort),
        RUNYARD_GRPC_HOST: machine.address,
        RUNYARD_GRPC_PORT: String(grpcPort),
        RUNYARD_GRPC_NAMES: gates.join(','),
        RUNYARD_GRPC_ADDRESS: `${cluster.host}:${cluster.port}`,
      })
      const logDisk = await disk(join(dataDir, 'logs'))
      const url = `http://127.0.0.1:${rest.port}`
      servers.push({ name, process, machine, dataDir, runDir, url, rest, database, cluster, logDisk })
    }

    const runners: FleetRunner[] = []
    for (const [nr, name] of runnerNames.entries()) {
      const machine = machineOf(name)
      const { dataDir, runDir, env } = own(name)
      const links: Proxy[] = []
      for (const server of servers)
        links.push(await proxy(machine.gate, { host: server.machine.address, port: grpcPort }))
      const process_ = program(name, machine, ['runner'], {
        ...env,
        RUNYARD_RUNNER_NAME: name,
        RUNYARD_RUNNER_SLOTS: String(slots),
        // Each has users of its own: on hosts of their own they would not share any.
        RUNYARD_RUNNER_UID_BASE: String(600_000 + 1000 * nr),
        RUNYARD_RUNNER_UID_COUNT: '100',
      })
      const spoolDisk = await disk(join(dataDir, 'runner'))
      const launcher = (): ProcessId | null => launcherOf(runDir)
      runners.push({ name, process: process_, machine, dataDir, runDir, links, spoolDisk, launcher })
    }
    undo.push(async () => {
      for (const { process } of [...runners, ...servers]) await process.kill()
      await killAllUnder(dir)
    })

    const pool = new pg.Pool({
      connectionString: postgres.url,
      max: 4,
      connectionTimeoutMillis: 2000,
      query_timeout: 20_000,
    })
    pool.on('error', () => {}) // its server dies now and then
    undo.push(() => pool.end().catch(() => {}))

    let tokens: Tokens | undefined
    const cli = cliOf(root)
    const certificates = at('certificates', 0o700)
    const credentials = new Map<string, Credential>()
    const [first] = servers as [FleetServer]
    const asAdmin = { ...common, RUNYARD_DATA_DIR: first.dataDir, RUNYARD_RUN_DIR: first.runDir }
    // On the machine of its server: seen from elsewhere, no server would run on that data directory.
    const admin = (words: string[]): Promise<string> => cli(words, asAdmin, first.machine.enter)
    const ask: Fleet['ask'] = (server, method, path, body) =>
      fetch(`${server.url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${tokens?.admin}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      })
    const words = (each: { process: Managed }[]): string => each.map(({ process }) => process.words()).join('\n')

    const fleet: Fleet = {
      dir,
      witness,
      servers,
      runners,
      postgres,
      ask,
      setClock: (name, seconds) => writeFileSync(join(clocks, name), String(seconds * 1000)),
      processes: () => [...servers, ...runners].map(({ process }) => process),
      jobs: () => jobsOf(witness),
      door(nr) {
        // Each of the users has another server that he asks first.
        const order = servers.map((_, i) => servers[(nr + i) % servers.length]!.url)
        return { urls: order, token: tokens?.admin ?? '', viewerToken: tokens?.viewer }
      },
      async sql<R extends object>(text: string, values: unknown[] = []) {
        return (await pool.query<R>(text, values)).rows
      },
      async fetch(path) {
        let answer: Response | undefined
        for (const server of servers) {
          answer = await ask(server, 'GET', path)
          if (answer.ok) break
        }
        return answer!
      },
      async transportOf(server, name) {
        let credential = credentials.get(name)
        if (credential === undefined) {
          credential = await issueRunner(admin, name, certificates)
          credentials.set(name, credential)
        }
        return createGrpcTransport({
          baseUrl: `https://${server.machine.address}:${grpcPort}`,
          nodeOptions: credential,
          defaultTimeoutMs: 10_000,
        })
      },
      isServing: async (server) =>
        (await fetch(`${server.url}/api/v1/ready`, { signal: AbortSignal.timeout(2000) }).catch(() => null))?.ok ===
        true,
      async sessionOf({ name }) {
        const rows = await fleet
          .sql<{ session: string }>(`select session from runners where name = $1 and state = 'online'`, [name])
          .catch(() => [] as { session: string }[])
        return rows[0]?.session ?? null
      },
      async serverReady() {
        for (const server of servers) {
          await until(`${server.name}`, () => fleet.isServing(server), 60_000).catch((error: unknown) => {
            throw new Error(`${String(error)}\n${words([server])}`)
          })
        }
        tokens ??= await makeAccounts(first.url)
      },
      async startServers() {
        // The first one migrates; two at once would only wait for each other.
        for (const { process } of servers) if (process.id() === null) process.start()
        await fleet.serverReady()
        if (credentials.size === 0) await enrol()
      },
      async startRunners() {
        for (const { process } of runners) if (process.id() === null) process.start()
        for (const runner of runners) {
          await until(runner.name, () => fleet.sessionOf(runner), 60_000).catch((error: unknown) => {
            throw new Error(`${String(error)}\n${words([runner])}`)
          })
        }
      },
      emptyPlaces: () => [
        ...runners.flatMap(({ dataDir, runDir }) => [join(dataDir, 'runner'), runDir]),
        ...servers.map(({ runDir }) => runDir),
        join(dir, 'tmp'),
      ],
      openPlaces: () => [
        logs,
        ...servers.map(({ dataDir }) => join(dataDir, 'logs')),
        ...runners.map(({ dataDir }) => join(dataDir, 'runner')),
      ],
      async stop() {
        const codes: Record<string, number | null> = {}
        // The last of the servers goes when all runners have reported.
        await Promise.all(runners.map(async ({ name, process }) => void (codes[name] = await process.stop())))
        for (const { name, process } of servers) codes[name] = await process.stop()
        return codes
      },
      remove,
    }
    /** Every machine of a runner learns who it is and where the servers are: a token from here, spent there. */
    const enrol = async (): Promise<void> => {
      await admin(['certs', 'init'])
      for (const { machine } of servers) await until('the gRPC port', () => answers(machine.address, grpcPort), 30_000)
      for (const { name, machine, dataDir, runDir, links } of runners) {
        const reached = links.map(({ host, port }) => `${host}:${port}`).join(',')
        const token = await admin(['runner', 'token', name, '--servers', reached])
        const there = { ...common, RUNYARD_DATA_DIR: dataDir, RUNYARD_RUN_DIR: runDir }
        await cli(['runner', 'enrol', token.trim()], there, machine.enter)
      }
      await fleet.transportOf(first, ghostName)
    }
    return fleet
  } catch (error) {
    await remove().catch(() => {})
    throw error
  }
}
