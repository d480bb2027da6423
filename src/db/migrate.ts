/** Brings the database to the code's version. Servers that start together wait for each other here. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type pg from 'pg'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { asAppError } from './db-errors.ts'
import type { Db } from './pool.ts'

export interface Migration {
  /** File name without `.sql`, e.g. `001_spine`; they run in the order of their names. */
  version: string
  sql: string
  checksum: string
}

/** Held while migrations run. Any number that no other program is likely to lock. */
export const migrationLock = 7_286_010_001
const oldestServer = 150_000

export async function readMigrations(dir = new URL('./migrations/', import.meta.url)): Promise<Migration[]> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (name) => {
      const sql = await readFile(new URL(name, dir), 'utf8')
      return { version: name.slice(0, -4), sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

interface Applied {
  version: string
  checksum: string
}

/** What is still to be run; refuses a database that this code does not know. */
export function planMigrations(known: Migration[], applied: Applied[]): Migration[] {
  const byVersion = new Map(known.map((migration) => [migration.version, migration]))
  for (const { version, checksum } of applied) {
    const ours = byVersion.get(version)
    if (!ours) {
      throw new AppError(
        'failed_precondition',
        `the database is newer than this Runyard: it has migration ${version}. Start the newer version.`,
      )
    }
    if (ours.checksum !== checksum) {
      throw new AppError('failed_precondition', `migration ${version} was changed after it had been applied`)
    }
  }
  const done = new Set(applied.map(({ version }) => version))
  const missing = known.filter(({ version }) => !done.has(version))
  const newest = applied
    .map(({ version }) => version)
    .sort()
    .at(-1)
  const late = missing.find(({ version }) => newest !== undefined && version < newest)
  if (late)
    throw new AppError('failed_precondition', `migration ${late.version} comes before ${newest}, which is applied`)
  return missing
}

export const migrationsTable = `create table if not exists schema_migrations (
  version text primary key, checksum text not null, applied_at timestamptz not null default now())`

/** In the caller's transaction. */
export async function applyMigration(
  client: { query(sql: string, values?: unknown[]): Promise<unknown> },
  { version, sql, checksum }: Migration,
): Promise<void> {
  await client.query(sql)
  await client.query('insert into schema_migrations (version, checksum) values ($1, $2)', [version, checksum])
}

async function migrateOn(client: pg.ClientBase, known: Migration[]): Promise<string[]> {
  const server = await client.query<{ number: number; text: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as text",
  )
  if ((server.rows[0]?.number ?? 0) < oldestServer) {
    throw new AppError(
      'failed_precondition',
      `PostgreSQL ${server.rows[0]?.text} is too old; Runyard needs 15 or later`,
    )
  }
  // The wait for another server's migrations may be long; ours may be, too.
  await client.query('set statement_timeout = 0; set lock_timeout = 0; set client_min_messages = warning')
  await client.query('select pg_advisory_lock($1)', [migrationLock])
  try {
    await client.query(migrationsTable)
    const applied = await client.query<Applied>('select version, checksum from schema_migrations order by version')
    const todo = planMigrations(known, applied.rows)
    for (const { version, sql, checksum } of todo) {
      await client.query('begin')
      try {
        await applyMigration(client, { version, sql, checksum })
        await client.query('commit')
      } catch (error) {
        await client.query('rollback').catch(() => {})
        throw error
      }
      emitFact({ name: 'db.migrated', version })
    }
    return todo.map(({ version }) => version)
  } finally {
    await client.query('select pg_advisory_unlock($1)', [migrationLock]).catch(() => {})
  }
}

/** Returns the versions that it applied. */
export async function migrate(db: Pick<Db, 'pool'>, known?: Migration[]): Promise<string[]> {
  const migrations = known ?? (await readMigrations())
  let client: pg.PoolClient | undefined
  try {
    client = await db.pool.connect()
    return await migrateOn(client, migrations)
  } catch (error) {
    throw asAppError(error)
  } finally {
    // Its session settings must not go back to the pool.
    client?.release(true)
  }
}
