/**
 * A Runyard under test, all of it in one directory: server (with its embedded PostgreSQL), runner and launcher as
 * processes of their own, and the witnesses' directory. The rig sees it from outside: REST, SQL, pids, files.
 */
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { freePort, until } from '../e2e/system.ts'
import { commandOf, environmentOf, pids, processOf, processesUnder, signal, type ProcessId } from './host.ts'
import { managed, type Managed } from './managed.ts'

export const victims = ['server', 'runner', 'launcher', 'postgres'] as const
export type Victim = (typeof victims)[number]

export interface StandOptions {
  /** The checkout under test; this one when missing. */
  root?: string
  settings?: Record<string, string>
  /** Keeps the directory for a look at it. */
  keep?: boolean
}

export interface Stand {
  dir: string
  dataDir: string
  runDir: string
  url: string
  token(): string
  server: Managed
  runner: Managed
  /** One more runner, elsewhere: its own data, its own name, its own launcher, the same server. */
  secondRunner(name: string): Managed
  /** What a job runs to be a witness: words before the plan, and what must be bound. */
  witness: { dir: string; command: string[]; binds: { path: string; mode: 'ro' | 'rw' }[] }
  victim(which: Victim): ProcessId | null
  /** Live processes of jobs. */
  jobs(): ProcessId[]
  /** Where its database is, for connections of one's own. */
  database(): pg.ClientConfig
  sql<R extends object>(text: string, values?: unknown[]): Promise<R[]>
  fetch(path: string): Promise<Response>
  /** Server and runner are there and speak to each other. */
  ready(): Promise<void>
  serverReady(): Promise<void>
  runnerReady(name?: string): Promise<void>
  /** SIGTERM to runner and server, in this order; answers their exit codes. */
  stop(): Promise<{ runner: number | null; server: number | null }>
  /** Kills what still runs of it and removes the directory. */
  remove(): Promise<void>
}

/** Another checkout is tried with RUNYARD_CHAOS_ROOT=DIR. */
export const repository = process.env['RUNYARD_CHAOS_ROOT'] ?? fileURLToPath(new URL('..', import.meta.url))
const password = 'correct horse battery'

/** Short enough for a run of a minute, long enough for a machine that has other things to do. */
export const shortLeases = {
  RUNYARD_HEARTBEAT_SECONDS: '1',
  RUNYARD_LEASE_SECONDS: '8',
  RUNYARD_GRACE_SECONDS: '4',
}

const standing = new Set<Stand>()

/** For a rig that is told to end. */
export const removeAll = async (): Promise<void> => {
  await Promise.all([...standing].map((stand) => stand.remove()))
}

export async function makeStand({ root = repository, settings = {}, keep = false }: StandOptions): Promise<Stand> {
  const dir = mkdtempSync(join(tmpdir(), 'ry-chaos-'))
  // Jobs and PostgreSQL run as other users and must pass.
  chmodSync(dir, 0o711)
  const at = (name: string, mode: number): string => {
    mkdirSync(join(dir, name))
    chmodSync(join(dir, name), mode)
    return join(dir, name)
  }
  const [dataDir, runDir, logs] = [at('data', 0o711), at('run', 0o711), at('logs', 0o700)]
  const [witnessDir, bin, tmp] = [at('witness', 0o777), at('bin', 0o755), at('tmp', 0o711)]
  const node = join(bin, 'node')
  placeNode(node)
  copyFileSync(fileURLToPath(new URL('./witness.mjs', import.meta.url)), join(bin, 'witness.mjs'))

  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: at('home', 0o700),
    TMPDIR: tmp,
    NODE_COMPILE_CACHE: at('cache', 0o700),
    RUNYARD_DATA_DIR: dataDir,
    RUNYARD_RUN_DIR: runDir,
    RUNYARD_PORT: String(port),
    RUNYARD_ADMIN_PASSWORD: password,
    RUNYARD_ALLOW_ISOLATION_NONE: 'true',
    RUNYARD_ALLOWED_READ_ONLY_BINDS: bin,
    RUNYARD_ALLOWED_READ_WRITE_BINDS: witnessDir,
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
    witness: {
      dir: witnessDir,
      command: [node, '--no-warnings', join(bin, 'witness.mjs'), witnessDir],
      binds: [
        { path: bin, mode: 'ro' },
        { path: witnessDir, mode: 'rw' },
      ],
    },
    victim(which) {
      if (which === 'server') return server.id()
      if (which === 'runner') return runner.id()
      return which === 'launcher' ? launcherOf(runDir) : postmasterOf(dataDir)
    },
    jobs: () => processesUnder(witnessDir).filter(({ pid }) => !environmentOf(pid).includes('RUNYARD_DATA_DIR=')),
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
      await until(
        'the end of all processes',
        async () => {
          const left = processesUnder(dir)
          for (const id of left) signal(id, 'SIGKILL')
          return left.length === 0
        },
        20_000,
      )
      standing.delete(stand)
      if (!keep) rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  standing.add(stand)
  return stand
}

/** Jobs need a Node that every user may run; where this one lies, perhaps not everybody may go. */
function placeNode(path: string): void {
  try {
    linkSync(process.execPath, path)
  } catch {
    copyFileSync(process.execPath, path)
  }
}

async function signIn(url: string): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'password', username: 'admin', password })
  return until(
    'a sign-in',
    async () => {
      const response = await fetch(`${url}/api/v1/auth/token`, { method: 'POST', body })
      return response.ok && ((await response.json()) as { access_token: string }).access_token
    },
    30_000,
  )
}

/** The process that has the runner's launcher socket in its command; the oldest, should it have a co-process. */
function launcherOf(runDir: string): ProcessId | null {
  const found = pids()
    .filter((pid) => {
      const command = commandOf(pid)
      return command.includes(`${runDir}/`) && command.includes('launcher')
    })
    .flatMap((pid) => processOf(pid) ?? [])
  return found.toSorted((a, b) => Number(a.startTime) - Number(b.startTime))[0] ?? null
}

function postmasterOf(dataDir: string): ProcessId | null {
  for (const name of readdirSync(dataDir).filter((each) => /^pg\d+$/.test(each))) {
    try {
      const pid = Number(readFileSync(join(dataDir, name, 'postmaster.pid'), 'utf8').split('\n')[0])
      // The file of a dead one may name a stranger by now.
      if (commandOf(pid).includes(join(dataDir, name))) return processOf(pid)
    } catch {
      // Not running.
    }
  }
  return null
}
