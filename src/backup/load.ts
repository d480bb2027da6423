/** Fills a database from a backup: its own schema first, then the rows, then what slows loading down. */
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import pg from 'pg'
import { migrationsTable, planMigrations, type Migration } from '../db/migrate.ts'
import type { Entry } from './archive-reader.ts'
import { damaged, type Manifest } from './format.ts'
import type { DatabaseSession } from './session.ts'

const quoted = (name: string): string => pg.escapeIdentifier(name)

/** The schema as it was in the backup: our own migrations up to its version. */
export async function makeSchema(session: DatabaseSession, manifest: Manifest, migrations: Migration[]): Promise<void> {
  planMigrations(migrations, manifest.schema)
  const wanted = new Set(manifest.schema.map(({ version }) => version))
  await session.query(migrationsTable)
  for (const { version, sql } of migrations) if (wanted.has(version)) await session.query(sql)
}

/**
 * Triggers must not count or refuse what only comes back. Foreign keys and plain indexes are made after the rows: it is
 * several times faster, and tables need no order. All in the one transaction; a row that breaks a key still fails it.
 */
export async function setAside(session: DatabaseSession): Promise<() => Promise<void>> {
  const { rows: keys } = await session.query<{ table: string; name: string; definition: string }>(
    `select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where connamespace = 'public'::regnamespace and contype = 'f' order by 1, 2`,
  )
  const { rows: indexes } = await session.query<{ name: string; definition: string }>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
     from pg_index i join pg_class c on c.oid = i.indexrelid
     where c.relnamespace = 'public'::regnamespace and not i.indisunique
       and not exists (select from pg_constraint k where k.conindid = i.indexrelid) order by 1`,
  )
  const tables = await ourTables(session)
  for (const table of tables) await session.query(`alter table ${quoted(table)} disable trigger user`)
  for (const { table, name } of keys) await session.query(`alter table ${table} drop constraint ${quoted(name)}`)
  for (const { name } of indexes) await session.query(`drop index ${name}`)
  return async () => {
    for (const { definition } of indexes) await session.query(definition)
    for (const { table, name, definition } of keys) {
      await session.query(`alter table ${table} add constraint ${quoted(name)} ${definition}`)
    }
    for (const table of tables) await session.query(`alter table ${quoted(table)} enable trigger user`)
  }
}

async function ourTables(session: DatabaseSession): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** Migrations make rows of their own, which the backup has too. */
export async function clearTables(session: DatabaseSession, manifest: Manifest): Promise<void> {
  const tables = await ourTables(session)
  const missing = manifest.tables.find(({ name }) => !tables.includes(name))
  if (missing) throw damaged(`its version has no table ${missing.name}`)
  for (const table of tables) {
    // From the audit log not even its owner may delete, and a migration leaves nothing in it.
    const { rowCount } = await session.query(`select from ${quoted(table)} limit 1`)
    if (rowCount !== 0) await session.query(`delete from ${quoted(table)}`)
  }
}

/** Takes the pieces of one table after another. */
export function tableLoader(session: DatabaseSession, manifest: Manifest, onProgress: (table: string) => void) {
  const columns = new Map(manifest.tables.map((table) => [table.name, table.columns]))
  const rows: Record<string, number> = {}
  let table: string | undefined
  let pipe: PassThrough | undefined
  let loading: Promise<void> | undefined

  const endTable = async (): Promise<void> => {
    pipe?.end()
    await loading
    pipe = loading = table = undefined
  }

  const beginTable = (name: string): void => {
    const list = columns.get(name)?.map(quoted).join(', ')
    if (list === undefined || rows[name] !== undefined) throw damaged(`rows of ${name} come unexpectedly`)
    table = name
    const copy = session.client.query(copyFrom(`copy ${quoted(name)} (${list}) from stdin`))
    pipe = new PassThrough()
    loading = pipeline(pipe, copy).then(() => void (rows[name] = copy.rowCount))
    loading.catch(() => {}) // told by whoever waits next
  }

  return {
    async piece(entry: Entry): Promise<void> {
      const name = entry.name.split('/')[1]!
      if (name !== table) {
        await endTable()
        beginTable(name)
      }
      for await (const chunk of entry.chunks) {
        if (!pipe!.destroyed && !pipe!.write(chunk)) await drained(pipe!)
        if (pipe!.destroyed) await loading
      }
      onProgress(name)
    },
    abort: () => void pipe?.destroy(new Error('the restore was broken off')),
    /** How many rows each table got. */
    async end(): Promise<Record<string, number>> {
      await endTable()
      return rows
    },
  }
}

const drained = (stream: PassThrough): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      stream.off('drain', over).off('close', over)
      resolve()
    }
    stream.on('drain', over).on('close', over)
  })

export async function setSequences(session: DatabaseSession, manifest: Manifest): Promise<void> {
  for (const { name, last_value, is_called } of manifest.sequences) {
    await session.query('select setval($1::regclass, $2::bigint, $3)', [quoted(name), last_value, is_called])
  }
}
