/** A PostgreSQL that a scenario starts, kills and starts again; the product sees it as somebody else's server. */
import { execFile } from 'node:child_process'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { accountFor } from '../../src/db/embedded/account.ts'
import { placeBinaries } from '../../src/db/embedded/binaries.ts'
import { adminRole, cleanEnv, ensureCluster } from '../../src/db/embedded/cluster.ts'
import { startPostmaster, type Postmaster } from '../../src/db/embedded/postmaster.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { until } from '../system.ts'

const run = promisify(execFile)

export interface OwnPostgres {
  /** What the product gets. */
  url: string
  socket: string
  pid(): number
  /** Returns when it is gone. `immediate` is `pg_ctl stop -m immediate`. */
  down(how: 'kill' | 'immediate'): Promise<void>
  /** Returns when it takes connections. */
  up(): Promise<void>
  query<R extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<R[]>
  close(): Promise<void>
}

export interface OwnPostgresOptions {
  /** Environment of its server, e.g. a preloaded library. */
  preload?: Record<string, string>
  settings?: Record<string, string>
}

export async function startPostgres({ preload = {}, settings = {} }: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const dir = scratchDir('pg')
  const pgData = join(dir, 'cluster')
  const account = await accountFor(pgData)
  const binaries = await placeBinaries(dir, account)
  await ensureCluster({ dataDir: dir, pgData, binaries, account, password: 'word', fast: true })
  const socketDir = join(dir, 's')
  await mkdir(socketDir)
  if (account) await chown(socketDir, account.uid, account.gid)
  const url = (user: string, name: string) => `postgresql://${user}:word@/${name}?host=${encodeURIComponent(socketDir)}`
  const program = await preloading(dir, binaries, preload)

  const ask = async <R extends pg.QueryResultRow>(to: string, sql: string, values?: unknown[]): Promise<R[]> => {
    const client = new pg.Client({ connectionString: to, connectionTimeoutMillis: 5000 })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<R>(sql, values)).rows
    } finally {
      await client.end()
    }
  }
  let postmaster: Postmaster | undefined
  const own: OwnPostgres = {
    url: url('runyard', 'runyard'),
    socket: join(socketDir, '.s.PGSQL.5432'),
    pid: () => postmaster?.pid ?? -1,
    query: (sql, values) => ask(url(adminRole, 'runyard'), sql, values),
    async down(how) {
      if (how === 'kill') process.kill(own.pid(), 'SIGKILL')
      else {
        const pgCtl = join(binaries, 'bin', 'pg_ctl')
        await run(pgCtl, ['stop', '-m', 'immediate', '-D', pgData], { cwd: '/', env: cleanEnv, ...account })
      }
      await postmaster?.gone
    },
    async up() {
      await until(
        'PostgreSQL',
        async () => {
          if (postmaster === undefined || postmaster.isGone()) {
            postmaster = await startPostmaster({
              binaries: program,
              pgData,
              socketDir,
              logFile: join(dir, 'log'),
              account,
              settings: {
                ...{ listen_addresses: '', max_connections: '60', shared_buffers: '32MB', timezone: 'UTC' },
                ...settings,
              },
            })
          }
          return ask(url(adminRole, 'postgres'), 'select 1')
        },
        30_000,
      )
    },
    async close() {
      await postmaster?.stop()
      removeScratch(dir)
    },
  }
  try {
    await own.up()
    await ask(url(adminRole, 'postgres'), `create role runyard login password 'word'`)
    await ask(url(adminRole, 'postgres'), 'create database runyard owner runyard')
    return own
  } catch (error) {
    await own.close()
    throw error
  }
}

/** Binaries whose server starts with these variables, e.g. a preloaded library. */
async function preloading(dir: string, binaries: string, env: Record<string, string>): Promise<string> {
  const words = Object.entries(env).map(([name, value]) => `${name}='${value}'`)
  if (words.length === 0) return binaries
  await mkdir(join(dir, 'bin'))
  const script = `#!/bin/sh\nexec env ${words.join(' ')} '${join(binaries, 'bin', 'postgres')}' "$@"\n`
  await writeFile(join(dir, 'bin', 'postgres'), script, { mode: 0o755 })
  return dir
}
