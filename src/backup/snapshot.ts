/** The database as it is at one moment, while everything goes on: one transaction sees all tables in the same state. */
import { to as copyTo } from 'pg-copy-streams'
import pg from 'pg'
import { migrationLock, planMigrations, readMigrations } from '../db/migrate.ts'
import { AppError } from '../lib/app-error.ts'
import { tablePart, type Counts, type Manifest } from './format.ts'
import type { ArchiveWriter } from './archive-writer.ts'
import { ownObjects } from './own-objects.ts'
import type { DatabaseSession } from './session.ts'

/** Runs `work` in one snapshot. While it begins no migration may be under way: the snapshot would be of neither schema. */
export async function inSnapshot<T>(
  session: DatabaseSession,
  signal: AbortSignal,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  await session.query('select pg_advisory_lock_shared($1)', [migrationLock])
  return session.inTransaction('begin isolation level repeatable read, read only', signal, async () => {
    const snapshot = await readSnapshot(session)
    await session.query('select pg_advisory_unlock_shared($1)', [migrationLock])
    return work(snapshot)
  })
}

export type Snapshot = Pick<Manifest, 'postgres_version' | 'schema' | 'secret_key_id' | 'tables' | 'sequences'> & {
  createdAt: Date
}

const tablesSql = `
  select c.relname as name,
    (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
  from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname = any ($1)
  order by c.relname collate "C"`

const sequencesSql = `
  select c.relname as name from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'S'
    and (c.relname = any ($1) or exists (select from pg_depend d join pg_class t on t.oid = d.refobjid
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and t.relname = any ($2)))
  order by c.relname collate "C"`

/** From here on the tables keep their columns: a later migration waits for the end of the transaction. */
async function readSnapshot(session: DatabaseSession): Promise<Snapshot> {
  const migrations = await readMigrations()
  const own = ownObjects(migrations)
  const found = await session.query<{ name: string | null }>(`select to_regclass('schema_migrations')::text as name`)
  if (found.rows[0]?.name == null) throw new AppError('failed_precondition', 'there is no Runyard in this database')
  const { rows: tables } = await session.query<Manifest['tables'][number]>(tablesSql, [own.table])
  await session.query(
    `lock table ${tables.map(({ name }) => pg.escapeIdentifier(name)).join(', ')} in access share mode`,
  )
  const { rows: schema } = await session.query<Manifest['schema'][number]>(
    'select version, checksum from schema_migrations order by version',
  )
  planMigrations(migrations, schema)
  const { rows: owned } = await session.query<{ name: string }>(sequencesSql, [own.sequence, own.table])
  const sequences: Manifest['sequences'] = []
  for (const { name } of owned) {
    const { rows } = await session.query<{ last_value: string; is_called: boolean }>(
      `select last_value, is_called from ${pg.escapeIdentifier(name)}`,
    )
    sequences.push({ name, ...rows[0]! })
  }
  const { rows: facts } = await session.query<{ at: Date; version: string; key: string | null }>(
    `select now() as at, current_setting('server_version') as version, secret_key_id as key from installation`,
  )
  const { at, version, key } = facts[0]!
  return { createdAt: at, postgres_version: version, schema, secret_key_id: key, tables, sequences }
}

const pieceBytes = 1024 * 1024

/** All rows of all tables; returns how many each has. */
export async function writeTables(
  session: DatabaseSession,
  tables: Manifest['tables'],
  to: ArchiveWriter,
  onProgress: (table: string) => void,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { name, columns } of tables) {
    const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ')
    const rows = session.client.query(copyTo(`copy ${pg.escapeIdentifier(name)} (${list}) to stdout`))
    let piece: Buffer[] = []
    let size = 0
    let number = 0
    const put = async (): Promise<void> => {
      await to.add(`${tablePart(name)}/${++number}`, Buffer.concat(piece))
      piece = []
      size = 0
      onProgress(name)
    }
    for await (const chunk of rows as AsyncIterable<Buffer>) {
      piece.push(chunk)
      size += chunk.length
      if (size >= pieceBytes) await put()
    }
    if (size > 0) await put()
    counts[name] = rows.rowCount
  }
  return counts
}

export interface Attempts {
  /** Of their logs. */
  keys: string[]
  /** Those whose log has something in it. */
  withOutput: Set<string>
  /** Those whose log is in the shared store. */
  shared: Set<string>
}

export async function attemptsOf(session: DatabaseSession): Promise<Attempts> {
  const keys: string[] = []
  const withOutput = new Set<string>()
  const shared = new Set<string>()
  const inStore = (await hasSharedLogs(session)) ? 'log_shared' : 'false'
  for (let last: [string, number] = ['0', 0]; ;) {
    const { rows } = await session.query<{ job_id: string; number: number; output: boolean; shared: boolean }>(
      `select job_id, number, coalesce((log->>'length')::bigint, 0) > 0 as output, ${inStore} as shared from attempts
       where (job_id, number) > ($1, $2) order by job_id, number limit 10000`,
      last,
    )
    for (const row of rows) {
      const key = `${row.job_id}-${row.number}`
      keys.push(key)
      if (row.output) withOutput.add(key)
      if (row.shared) shared.add(key)
    }
    const end = rows.at(-1)
    if (!end) return { keys, withOutput, shared }
    last = [end.job_id, end.number]
  }
}

/** A database of an older Runyard has none. */
async function hasSharedLogs(session: DatabaseSession): Promise<boolean> {
  const { rowCount } = await session.query(
    `select from pg_attribute where attrelid = 'attempts'::regclass and attname = 'log_shared' and not attisdropped`,
  )
  return rowCount > 0
}

/**
 * How many of these attempts there are now, outside the snapshot: the log of one that is gone was removed with its job.
 * Logs go before their rows, in one transaction, so rows that are just being deleted are waited for.
 */
export async function stillThere(session: DatabaseSession, keys: string[]): Promise<number> {
  let there = 0
  for (let at = 0; at < keys.length; at += 10_000) {
    const some = keys.slice(at, at + 10_000).map((key) => key.split('-'))
    const { rowCount } = await session.query(
      `select from unnest($1::bigint[], $2::int[]) as k(job_id, number)
       join attempts a on a.job_id = k.job_id and a.number = k.number
       join jobs j on j.id = a.job_id order by j.id for key share of j`,
      [some.map(([jobKey]) => jobKey), some.map(([, number]) => number)],
    )
    there += rowCount
  }
  return there
}

export async function countsOf(session: DatabaseSession): Promise<Pick<Counts, 'jobs' | 'users' | 'running'>> {
  const { rows } = await session.query<{ jobs: number; users: number; running: number }>(
    `select (select count(*)::int from jobs) as jobs, (select count(*)::int from users) as users,
       (select count(*)::int from jobs where state in ('leased', 'running', 'unknown')) as running`,
  )
  return rows[0]!
}
