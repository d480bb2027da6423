/** The database that a backup is to go into: what is in it, who uses it, and how it is emptied. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { migrationLock, type Migration } from '../db/migrate.ts'
import { AppError } from '../lib/app-error.ts'
import { ownObjects, type OwnObjects } from './own-objects.ts'
import type { DatabaseSession } from './session.ts'

export interface Target {
  /** A Runyard is there, perhaps without a single job. */
  made: boolean
  jobs: number
  users: number
}

const oldestServer = 150_000

/** Nothing is changed; refuses a database that is not ours alone. */
export async function lookAtTarget(session: DatabaseSession, migrations: Migration[]): Promise<Target> {
  const { rows: server } = await session.query<{ number: number; text: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as text",
  )
  if (server[0]!.number < oldestServer) {
    throw new AppError('failed_precondition', `PostgreSQL ${server[0]!.text} is too old; Runyard needs 15 or later`)
  }
  const { rows } = await session.query<{ name: string }>(
    `select relname as name from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
     order by relname`,
  )
  const own = new Set(ownObjects(migrations).table)
  const foreign = rows.map(({ name }) => name).filter((name) => !own.has(name))
  if (foreign.length > 0) {
    throw new AppError(
      'failed_precondition',
      `the database holds tables that are not Runyard's (${foreign.slice(0, 5).join(', ')}); give it a database of its own`,
    )
  }
  const has = (name: string): boolean => rows.some((row) => row.name === name)
  const count = async (table: string): Promise<number> =>
    has(table) ? (await session.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]!.n : 0
  return { made: rows.length > 0, jobs: await count('jobs'), users: await count('users') }
}

/** A session that has just ended is still listed for a moment, on a busy host for longer. */
const lingersMs = 2_000

/** In the transaction of the restore. A server that starts now waits for its end; one that runs makes us refuse. */
export async function claimTarget(session: DatabaseSession): Promise<void> {
  const patient = performance.now() + lingersMs
  for (;;) {
    const { rows: lock } = await session.query<{ held: boolean }>('select pg_try_advisory_xact_lock($1) as held', [
      migrationLock,
    ])
    const { rows: others } = await session.query<{ name: string }>(
      `select distinct application_name as name from pg_stat_activity
       where datname = current_database() and application_name like 'runyard %' and pid <> pg_backend_pid()`,
    )
    if (lock[0]!.held && others.length === 0) return
    if (performance.now() > patient) throw inUse(others.map(({ name }) => name.split(' ').slice(1).join(' ')))
    await sleep(100)
    // Within a transaction the list is that of its first look, until it is told to look again.
    await session.query('select pg_stat_clear_snapshot()')
  }
}

const inUse = (who: string[]): AppError =>
  new AppError(
    'conflict',
    `another Runyard is using this database (process ${who.join(', ') || 'unknown'}); stop it first: runyard down. ` +
      'One that was killed is gone after half a minute',
  )

/** Drops what our migrations made, and nothing else. */
export async function emptyTarget(session: DatabaseSession, migrations: Migration[]): Promise<void> {
  const own = ownObjects(migrations)
  const kinds: [keyof OwnObjects, string][] = [
    ['view', 'view'],
    ['table', 'table'],
    ['sequence', 'sequence'],
    ['function', 'function'],
    ['type', 'type'],
  ]
  for (const [kind, word] of kinds) {
    for (const name of own[kind]) await session.query(`drop ${word} if exists ${pg.escapeIdentifier(name)} cascade`)
  }
}
