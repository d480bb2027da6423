/**
 * A Runyard under test, all of it in one directory: server (with its embedded PostgreSQL), runner and launcher as
 * processes of their own, and the witnesses' directory. The rig sees it from outside: REST, SQL, pids, files.
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { freePort, until } from '../e2e/system.ts'
import type { ProcessId } from './host.ts'
import { managed, type Managed } from './managed.ts'
import { jobsOf, killAllUnder, launcherOf, makePlace, postmasterOf, repository, signIn, type Witness } from './place.ts'

export const victims = ['server', 'runner', 'launcher', 'postgres'] as const
export type Victim = (typeof victims)[number]

export interface StandOptions {
  /** The checkout under test; this one when missing. */
  root?: string
  settings?: Record<string, string>
  /** Keeps the directory for a look at it. */
  keep?: boolean
}

/** What every Runyard under test shows of itself, however many processes it is. */
export interface Grounds {
  dir: string
  /** What a job runs to be a witness: words before the plan, and what must be bound. */
  witness: Witness
  /** Servers and runners, as the rig started them. */
  processes(): Managed[]
  /** Live processes of jobs. */
  jobs(): ProcessId[]
  sql<R extends object>(text: string, values?: unknown[]): Promise<R[]>
  /** Where the n-th user asks, and as whom. */
  door(nr: number): { urls: string[]; token: string; viewerToken?: string }
  /** Asks whichever server answers, as an administrator. */
  fetch(path: string): Promise<Response>
  serverReady(): Promise<void>
  /** Directories in which nothing may remain after an orderly stop. */
  emptyPlaces(): string[]
  /** Directories in which no secret may be, at any time. */
  openPlaces(): string[]
  /** SIGTERM to runners and servers, in this order; answers their exit codes. */
  stop(): Promise<Record<string, number | null>>
  /** Kills what still runs of it and removes the directory. */
  remove(): Promise<void>
}

export interface Stand extends Grounds {
  dataDir: string
  runDir: string
  url: string
  token(): string
  server: Managed
  runner: Managed
  /** One more runner, elsewhere: its own data, its own name, its own launcher, the same server. */
  secondRunner(name: string): Managed
  victim(which: Victim): ProcessId | null
  /** Where its database is, for connections of one's own. */
  database(): pg.ClientConfig
  /** Server and runner are there and speak to each other. */
  ready(): Promise<void>
  runnerReady(name?: string): Promise<void>
}

/** Short enough for a run of a minute, long enough for a machine that has other things to do. */
export const shortLeases = {
  RUNYARD_HEARTBEAT_SECONDS: '1',
  RUNYARD_LEASE_SECONDS: '8',
  RUNYARD_GRACE_SECONDS: '4',
}

type Removable = Pick<Grounds, 'remove'>
const standing = new Set<Removable>()
export const stands = (stand: Removable): void => void standing.add(stand)
export const stoodDown = (stand: Removable): void => void standing.delete(stand)

/** For a rig that is told to end. */
export const removeAll = async (): Promise<void> => {
  await Promise.all([...standing].map((stand) => stand.remove()))
}

export async function makeStand({ root = repository, settings = {}, keep = false }: StandOptions): Promise<Stand> {
  const { dir, at, logs, witness, env: common } = makePlace()
  const [dataDir, runDir] = [at('data', 0o711), at('run', 0o711)]
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env: NodeJS.ProcessEnv = {
    ...common,
    RUNYARD_DATA_DIR: dataDir,
    RUNYARD_RUN_DIR: runDir,
    RUNYARD_PORT: String(port),
    RUNYARD_RUNNER_NAME: 'first',
    ...settings,
  }
  const process_ = (name: string, word: string, more: NodeJS.ProcessEnv = {}): Managed =>
    managed({
      name,
      command: [process.execPath, join(root, 'bin', 'runyard.js'), word],
      env: { ...env, ...more },
      logFile: join(logs, `${name}.log`),
    })
  const server = process_('server', 'server')
  const runner = process_('runner', 'runner')
  const others: Managed[] = []
  let token = ''
  let pool: pg.Pool | null = null

  const database = (): pg.ClientConfig => ({
    host: join(runDir, 'pg'),
    user: 'runyard',
    database: 'runyard',
    password: readFileSync(join(dataDir, 'secrets', 'postgres.password'), 'utf8').trim(),
    connectionTimeoutMillis: 2000,
    query_timeout: 10_000,
  })
  const connections = (): pg.Pool => {
    if (pool !== null) return pool
    pool = new pg.Pool({ ...database(), max: 3 })
    pool.on('error', () => {}) // its server dies now and then
    return pool
  }

  const stand: Stand = {
    dir,
    dataDir,
    runDir,
    url,
    token: () => token,
    database,
    server,
    runner,
    secondRunner(name) {
      const own = at(name, 0o711)
      mkdirSync(join(own, 'run'), { mode: 0o711 })
      symlinkSync(join(runDir, 'runner.sock'), join(own, 'run', 'runner.sock'))
      const other = process_(name, 'runner', {
        RUNYARD_DATA_DIR: join(own, 'data'),
        RUNYARD_RUN_DIR: join(own, 'run'),
        RUNYARD_RUNNER_NAME: name,
      })
      others.push(other)
      return other
    },
    witness,
    processes: () => [server, runner],
    door: () => ({ urls: [url], token }),
    emptyPlaces: () => [runDir, join(dataDir, 'runner'), join(dir, 'tmp')],
    openPlaces: () => [logs, join(dataDir, 'logs'), join(dataDir, 'runner')],
    victim(which) {
      if (which === 'server') return server.id()
      if (which === 'runner') return runner.id()
      return which === 'launcher' ? launcherOf(runDir) : postmasterOf(dataDir)
    },
    jobs: () => jobsOf(witness),
    async sql<R extends object>(text: string, values: unknown[] = []) {
      return (await connections().query<R>(text, values)).rows
    },
    fetch: (path) =>
      fetch(`${url}/api/v1${path}`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(30_000),
      }),
    async serverReady() {
      await until(
        'the server',
        async () => {
          if (server.id() === null) throw new Error('it has ended')
          return (await fetch(`${url}/api/v1/ready`, { signal: AbortSignal.timeout(2000) })).ok
        },
        60_000,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${server.words()}`)
      })
      token ||= await signIn(url)
    },
    async runnerReady(name = 'first') {
      const online = `select 1 from runners where name = $1 and state = 'online'`
      await until(`runner ${name}`, async () => (await stand.sql(online, [name])).length > 0, 60_000).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}\n${runner.words()}`)
        },
      )
    },
    async ready() {
      await stand.serverReady()
      await stand.runnerReady()
    },
    async stop() {
      for (const other of others) await other.stop()
      const codes = { runner: await runner.stop(), server: null as number | null }
      await pool?.end().catch(() => {})
      pool = null
      codes.server = await server.stop()
      return codes
    },
    async remove() {
      for (const each of [...others, runner, server]) await each.kill()
      await pool?.end().catch(() => {})
      await killAllUnder(dir)
      stoodDown(stand)
      if (!keep) rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  stands(stand)
  return stand
}
