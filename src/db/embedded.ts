/**
 * A PostgreSQL of our own: unix socket only, data under the data directory, one Runyard per data directory. It dies
 * with us; when it dies alone it is started again.
 */
import { chown, mkdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { ensurePrivateDir, passableMode } from '../lib/private-dir.ts'
import { isAway, sqlStateOf } from './db-errors.ts'
import { accountFor, closedTo } from './embedded/account.ts'
import { majorVersion, placeBinaries } from './embedded/binaries.ts'
import { adminRole, databasePassword, ensureCluster } from './embedded/cluster.ts'
import { findPostmaster, startPostmaster, stopOrphan, type Postmaster } from './embedded/postmaster.ts'

const database = 'runyard'
const role = 'runyard'
/** Held by the one process that owns the cluster, in its database `postgres`. */
const ownerKey = 7_286_010_002

/** Small: it shares the machine with the jobs. */
const baseSettings: Record<string, string> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '64MB',
  effective_cache_size: '512MB',
  max_wal_size: '512MB',
  checkpoint_timeout: '15min',
  wal_compression: 'on',
  // The readers of version 18 would be three more processes; ours reads from the page cache.
  io_method: 'sync',
  max_parallel_workers_per_gather: '0',
  // A process that waits for subscriptions, which we never have.
  max_logical_replication_workers: '0',
  // A busy queue makes dead rows fast, and the first of its index are what every claim walks over.
  autovacuum_naptime: '20s',
  jit: 'off',
  huge_pages: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
}

export interface EmbeddedOptions {
  dataDir: string
  runDir: string
  /** Further settings of the server, e.g. `fsync=off` in tests. */
  settings?: Record<string, string>
  /** For tests only: make the cluster without fsync. */
  fast?: boolean
}

export interface Embedded {
  url: string
  /** The superuser, for tests that make databases. */
  adminUrl: string
  pid(): number
  stop(): Promise<void>
}

const urlOf = (user: string, password: string, socketDir: string, name: string): string =>
  `postgresql://${user}:${encodeURIComponent(password)}@/${name}?host=${encodeURIComponent(socketDir)}`

/** Runyard's own database in a cluster that runs. */
export const embeddedUrl = (password: string, socketDir: string): string => urlOf(role, password, socketDir, database)

async function connectAdmin(password: string, socketDir: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: urlOf(adminRole, password, socketDir, 'postgres'),
    application_name: `runyard owner ${process.pid}`,
    connectionTimeoutMillis: 5000,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function holdOwnership(client: pg.Client): Promise<boolean> {
  const got = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [ownerKey])
  return got.rows[0]?.held === true
}

async function ownerOf(client: pg.Client): Promise<string> {
  const found = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32 | l.objid::bigint) = $1`,
    [ownerKey],
  )
  return found.rows[0]?.name.replace('runyard owner', 'process') ?? 'another process'
}

async function ensureDatabase(client: pg.Client, password: string): Promise<void> {
  const has = async (sql: string, name: string): Promise<boolean> =>
    ((await client.query(sql, [name])).rowCount ?? 0) > 0
  if (!(await has('select 1 from pg_roles where rolname = $1', role))) {
    await client.query(`create role ${role} login password ${pg.escapeLiteral(password)}`)
  }
  if (!(await has('select 1 from pg_database where datname = $1', database))) {
    await client.query(`create database ${database} owner ${role}`)
  }
}

async function lastLogLines(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-6).join('\n')
}

export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  // As root the PostgreSQL user must reach its own part; what else is in there is 0600 or 0700.
  const mode = passableMode()
  await ensurePrivateDir(options.dataDir, mode)
  await ensurePrivateDir(options.runDir, mode)
  const dataDir = await realpath(options.dataDir)
  const runDir = await realpath(options.runDir)
  await ensurePrivateDir(join(dataDir, 'secrets'))
  const pgData = join(dataDir, `pg${majorVersion}`)
  const socketDir = join(runDir, 'pg')
  const logFile = join(dataDir, 'postgresql.log')

  const account = await accountFor(pgData)
  for (const dir of [dataDir, runDir]) {
    const closed = await closedTo(account, dir)
    if (!closed) continue
    throw new AppError(
      'failed_precondition',
      `PostgreSQL does not run as root, and its user (uid ${account?.uid}) may not pass ${closed}: ` +
        `chmod o+x ${closed}, or choose another --data-dir`,
    )
  }
  await mkdir(socketDir, { recursive: true, mode: 0o700 })
  if (account) await chown(socketDir, account.uid, account.gid)
  const password = await databasePassword(dataDir)
  const binaries = await placeBinaries(dataDir, account)
  await ensureCluster({ dataDir, pgData, binaries, account, password, fast: options.fast })

  let child: Postmaster | undefined
  let owner: pg.Client | undefined
  let stopping = false

  /** Connects to what runs on the data directory; undefined when it is going down or not up yet. */
  const tryConnect = async (dir: string): Promise<pg.Client | undefined> => {
    try {
      return await connectAdmin(password, dir)
    } catch (error) {
      if (sqlStateOf(error) === '28P01') {
        throw new AppError('failed_precondition', `${dataDir}/secrets/postgres.password is not the database's password`)
      }
      if (isAway(error)) return undefined
      throw error
    }
  }

  /** True when it belongs to nobody any more and was stopped. */
  const takeDown = async (pid: number, dir: string, unreachableSince: number): Promise<boolean> => {
    const client = await tryConnect(dir)
    if (!client) {
      // Its socket may have been swept away; nobody can own what nobody can reach.
      if (performance.now() - unreachableSince < 10_000) return false
      emitFact({ name: 'db.orphan_stopped', level: 'warn', pid, reason: 'unreachable' })
      await stopOrphan(pid)
      return true
    }
    try {
      // A predecessor that was killed this moment still has its session for an instant.
      for (let tries = 0; tries < 15; tries++) {
        if (await holdOwnership(client)) {
          emitFact({ name: 'db.orphan_stopped', level: 'warn', pid, reason: 'its owner is gone' })
          await stopOrphan(pid)
          return true
        }
        await sleep(100)
      }
      throw new AppError(
        'conflict',
        `another Runyard (${await ownerOf(client)}) is using the data directory ${dataDir}; ` +
          'stop it (runyard down) or choose another --data-dir',
      )
    } catch (error) {
      if (isAway(error)) return false
      throw error
    } finally {
      await client.end().catch(() => {})
    }
  }

  /** False when the server died under it: it is brought up again. */
  const isMade = async (client: pg.Client): Promise<boolean> => {
    try {
      await ensureDatabase(client, password)
      return true
    } catch (error) {
      if (isAway(error)) return false
      throw error
    }
  }

  /** Brings it up and makes us its owner. */
  const own = async (): Promise<void> => {
    const begun = performance.now()
    let failedStarts = 0
    while (!stopping) {
      if (!child || child.isGone()) {
        const found = await findPostmaster(pgData)
        if (found) {
          if (!(await takeDown(found.pid, found.socketDir || socketDir, begun))) await sleep(100)
          continue
        }
        child = await startPostmaster({
          binaries,
          pgData,
          socketDir,
          logFile,
          account,
          settings: { ...baseSettings, ...options.settings },
        })
      }
      const client = await tryConnect(socketDir)
      if (client) {
        const lost = new Promise<void>((resolve) => client.once('end', () => resolve()))
        if ((await holdOwnership(client).catch(() => false)) && (await isMade(client))) {
          owner = client
          void lost.then(() => recover(client))
          return
        }
        await client.end().catch(() => {})
      }
      if (child.isGone()) {
        // Lost the race to another start, or the children of a killed postmaster still hold its shared memory.
        if (!(await findPostmaster(pgData)) && ++failedStarts >= 20) {
          throw new AppError('unavailable', `the embedded PostgreSQL does not start:\n${await lastLogLines(logFile)}`)
        }
        await sleep(Math.min(100 * failedStarts, 1000))
      } else {
        await sleep(25)
      }
    }
    await child?.stop()
  }

  const recover = async (lost: pg.Client): Promise<void> => {
    if (stopping || owner !== lost) return
    emitFact({ name: 'db.embedded_lost', level: 'error' })
    owner = undefined
    while (!stopping && !owner) {
      try {
        await own()
        if (owner) emitFact({ name: 'db.embedded_restarted', level: 'warn' })
      } catch (error) {
        emitFact({ name: 'db.embedded_restart_failed', level: 'error', message: (error as Error).message })
        await sleep(2000)
      }
    }
  }

  const stop = async (): Promise<void> => {
    stopping = true
    await owner?.end().catch(() => {})
    await child?.stop()
  }
  try {
    await own()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url: embeddedUrl(password, socketDir),
    adminUrl: urlOf(adminRole, password, socketDir, 'postgres'),
    pid: () => child?.pid ?? -1,
    stop,
  }
}
