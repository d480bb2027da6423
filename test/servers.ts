/** The PostgreSQL servers that tests run on: our embedded one, and an external one (Debian's 15). */
import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startEmbedded } from '../src/db/embedded.ts'
import { accountFor } from '../src/db/embedded/account.ts'
import { removeScratch, scratchDir } from './scratch.ts'

export interface TestServer {
  /** A superuser's, to make databases with. */
  adminUrl: string
  /** What the product gets: owner of its database, and no more. */
  userUrl: string
  stop(): Promise<void>
}

/** Durability is tested elsewhere; here it would only make every test wait for the disk. */
const quick = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '120' }

export async function embeddedServer(): Promise<TestServer> {
  const dir = scratchDir()
  try {
    const embedded = await startEmbedded({
      dataDir: join(dir, 'data'),
      runDir: join(dir, 'run'),
      settings: quick,
      fast: true,
    })
    return {
      adminUrl: embedded.adminUrl,
      userUrl: embedded.url,
      async stop() {
        await embedded.stop()
        removeScratch(dir)
      },
    }
  } catch (error) {
    removeScratch(dir)
    throw error
  }
}

const packaged = '/usr/lib/postgresql'

/** Where Debian keeps the oldest PostgreSQL that we support and find, or undefined. */
export function externalBinaries(): string | undefined {
  const versions = existsSync(packaged)
    ? readdirSync(packaged)
        .map(Number)
        .filter((v) => v >= 15)
    : []
  const dirs = versions.sort((a, b) => a - b).map((v) => join(packaged, String(v), 'bin'))
  return dirs.find((dir) => existsSync(join(dir, 'postgres')) && existsSync(join(dir, 'initdb')))
}

/** Why there is no external server to test on, or undefined when there is one. */
export function externalMissing(): string | undefined {
  if (process.env.RUNYARD_TEST_DATABASE_URL || externalBinaries()) return undefined
  return 'no PostgreSQL in /usr/lib/postgresql (apt-get install postgresql-15) and no RUNYARD_TEST_DATABASE_URL'
}

/** The same watcher as the embedded one's: it ends when we do, whatever ends us. */
const startScript = `exec 3<&0 </dev/null
(read -r _ <&3 || kill -INT $$) &
exec "$@" 3<&-`

/** Waits until it answers, then makes the product's role. */
async function ready(url: string, isGone: () => boolean, log: string): Promise<void> {
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
    try {
      await client.connect()
      await client.query("create role runyard login password 'test'")
      return await client.end()
    } catch (error) {
      if (isGone()) throw new Error(`PostgreSQL did not start:\n${readFileSync(log, 'utf8')}`, { cause: error })
      await sleep(50)
    }
  }
}

export async function externalServer(): Promise<TestServer> {
  const given = process.env.RUNYARD_TEST_DATABASE_URL
  if (given) return { adminUrl: given, userUrl: given, stop: async () => {} }
  const binaries = externalBinaries()
  if (!binaries) throw new Error(externalMissing())
  const dir = scratchDir()
  const data = join(dir, 'data')
  const log = join(dir, 'log')
  mkdirSync(data, { mode: 0o700 })
  writeFileSync(join(dir, 'password'), 'test', { mode: 0o600 })
  const account = await accountFor(data)
  if (account) for (const path of [data, dir, join(dir, 'password')]) chownSync(path, account.uid, account.gid)
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  execFileSync(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'runyard_admin', '--auth=scram-sha-256', `--pwfile=${dir}/password`, '-E', 'UTF8', '--no-sync'],
    { cwd: '/', env, ...account, stdio: 'pipe' },
  )
  const settings = Object.entries({ ...quick, listen_addresses: '', timezone: 'UTC' }).flatMap(([k, v]) => [
    '-c',
    `${k}=${v}`,
  ])
  const out = openSync(log, 'a')
  const child = spawn(
    '/bin/sh',
    ['-c', startScript, 'sh', join(binaries, 'postgres'), '-D', data, '-k', dir, ...settings],
    {
      cwd: '/',
      env,
      detached: true,
      stdio: ['pipe', out, out],
      ...account,
    },
  )
  child.stdin?.on('error', () => {})
  let isGone = false
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  void gone.then(() => {
    isGone = true
    if (!child.stdin?.writableEnded) child.stdin?.end('done\n')
  })
  const adminUrl = `postgresql://runyard_admin:test@/postgres?host=${encodeURIComponent(dir)}`
  const stop = async (): Promise<void> => {
    child.stdin?.end('done\n')
    if (!isGone) child.kill('SIGINT')
    await gone
    removeScratch(dir)
  }
  try {
    await ready(adminUrl, () => isGone, log)
  } catch (error) {
    await stop()
    throw error
  }
  return { adminUrl, userUrl: adminUrl.replace('runyard_admin', 'runyard'), stop }
}
