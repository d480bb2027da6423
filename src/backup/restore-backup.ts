/** `runyard restore`: a system from a backup, into an empty place or, when told so, in the place of another. */
import type { Readable } from 'node:stream'
import { audit } from '../access/audit.ts'
import { systemPrincipal } from '../access/permissions.ts'
import type { Config } from '../config/config.ts'
import { applyMigration, planMigrations, readMigrations, type Migration } from '../db/migrate.ts'
import { AppError } from '../lib/app-error.ts'
import { fenceOffThePast, loseHeld, pauseAll } from '../queue/restored.ts'
import { openArchive, type ArchiveReader, type Entry } from './archive-reader.ts'
import { osUser } from './create-backup.ts'
import { noSpace } from './draft-file.ts'
import { damaged, keyNames, type Counts, type KeyName, type Manifest } from './format.ts'
import { checkedKey, planKeys, writeKeys } from './keys.ts'
import { clearTables, makeSchema, setAside, setSequences, tableLoader } from './load.ts'
import { openRestoreFiles, type RestoreFiles } from './restore-files.ts'
import { withSession, type DatabaseSession } from './session.ts'
import { claimTarget, emptyTarget, lookAtTarget, type Target } from './target.ts'

export interface OpenedBackup {
  manifest: Manifest
  migrations: Migration[]
  archive: ArchiveReader
}

/** Refuses what this Runyard cannot restore, from the first bytes. */
export async function openBackup(from: Readable): Promise<OpenedBackup> {
  const archive = await openArchive(from)
  try {
    const migrations = await readMigrations()
    planMigrations(migrations, archive.manifest.schema)
    return { manifest: archive.manifest, migrations, archive }
  } catch (error) {
    archive.close()
    const known = error instanceof AppError && error.message.startsWith('the database is newer')
    if (!known) throw error
    const { runyard_version: version } = archive.manifest
    throw new AppError(
      'failed_precondition',
      `the backup is of Runyard ${version}, which is newer; restore it with that`,
    )
  }
}

/** Reads it all and changes nothing; resolves when every byte is what was written. */
export async function checkBackup({ archive }: OpenedBackup): Promise<Counts> {
  for await (const _ of archive.entries());
  return archive.end().counts
}

export interface RestoreOptions {
  config: Config
  databaseUrl: string
  version: string
  backup: OpenedBackup
  force: boolean
  /** Asked before anything that is there is replaced. */
  confirm(what: string): Promise<boolean>
  /** Leave all queues paused. */
  paused: boolean
  signal: AbortSignal
  onProgress(text: string): void
}

export interface RestoreResult {
  counts: Counts
  /** Versions that the backup's schema did not have yet. */
  migrated: string[]
  /** Jobs that a runner had at the backup: those that run again, and those that do not. */
  again: number
  lost: number
  waiting: number
}

/** Undefined when the answer was no. */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult | undefined> {
  const { config, databaseUrl, backup, force, signal } = options
  const keys = await planKeys(config, backup.manifest, force)
  return withSession(databaseUrl, 'restore', async (session) => {
    const target = await lookAtTarget(session, backup.migrations)
    const files = await openRestoreFiles(config.dataDir, keys.sameInstallation && target.jobs === 0)
    let takeKeysBack = async (): Promise<void> => {}
    try {
      if (!(await mayReplace(options, target, files))) return undefined
      const result = await session.inTransaction('begin', signal, async () => {
        await claimTarget(session)
        await emptyTarget(session, backup.migrations)
        const { keys: given, ...loaded } = await load(options, session, files)
        takeKeysBack = await writeKeys(config.dataDir, only(keys.write, given))
        await files.place()
        return loaded
      })
      await files.keep()
      return result
    } catch (error) {
      await files.undo()
      await takeKeysBack()
      throw noSpace(error, config.dataDir)
    } finally {
      await files.close()
    }
  })
}

/** Only what is empty is filled without a question. */
async function mayReplace(options: RestoreOptions, { jobs, users }: Target, files: RestoreFiles): Promise<boolean> {
  const used = jobs > 0 || users > 0
  const what = [
    ...(used ? [`the database with its ${jobs} jobs and ${users} users`] : []),
    ...(files.replacesLogs ? [`the logs in ${files.logsDir}`] : []),
  ].join(' and ')
  if (what === '') return true
  if (!options.force) {
    throw new AppError(
      'failed_precondition',
      `there is something already: ${what}. Restore elsewhere (--data-dir, DATABASE_URL), or replace it with --force`,
    )
  }
  return options.confirm(what)
}

type GivenKeys = Partial<Record<KeyName, string>>

const only = (names: KeyName[], keys: GivenKeys): GivenKeys =>
  Object.fromEntries(Object.entries(keys).filter(([name]) => names.includes(name as KeyName)))

async function load(
  options: RestoreOptions,
  session: DatabaseSession,
  files: RestoreFiles,
): Promise<RestoreResult & { keys: GivenKeys }> {
  const { manifest, migrations } = options.backup
  await makeSchema(session, manifest, migrations)
  const putBack = await setAside(session)
  await clearTables(session, manifest)
  const { counts, keys } = await readParts(options, session, files)
  options.onProgress('indexes')
  await putBack()
  await setSequences(session, manifest)
  const migrated = await migrateFurther(session, manifest, migrations)
  const settled = await beginAnew(options, session, manifest, counts)
  for (const { name } of manifest.tables) await session.query(`analyze ${name}`)
  return { counts, migrated, keys, ...settled }
}

/** The file from its keys to its end; what it says of itself is true when this resolves. */
async function readParts(
  options: RestoreOptions,
  session: DatabaseSession,
  files: RestoreFiles,
): Promise<{ counts: Counts; keys: GivenKeys }> {
  const { manifest, archive } = options.backup
  const tables = tableLoader(session, manifest, (table) => options.onProgress(`database: ${table}`))
  const keys: GivenKeys = {}
  let logs = 0
  try {
    for await (const entry of archive.entries()) {
      options.signal.throwIfAborted()
      const kind = entry.name.split('/')[0]
      if (kind === 'keys') await takeKey(entry, keys, manifest)
      else if (kind === 'database') await tables.piece(entry)
      else if (kind === 'logs') {
        await files.takeLog(entry)
        options.onProgress(`logs: ${++logs}`)
      } else throw damaged(`nothing of ours is called ${entry.name}`)
    }
    const { counts } = archive.end()
    sameRows(await tables.end(), counts)
    return { counts, keys }
  } catch (error) {
    tables.abort()
    throw error
  }
}

async function takeKey(entry: Entry, keys: GivenKeys, manifest: Manifest): Promise<void> {
  const name = keyNames.find((known) => entry.name === `keys/${known}`)
  if (name === undefined || entry.size > 4096) throw damaged(`nothing of ours is called ${entry.name}`)
  const parts: Buffer[] = []
  for await (const chunk of entry.chunks) parts.push(chunk)
  keys[name] = checkedKey(name, Buffer.concat(parts).toString(), manifest)
}

function sameRows(loaded: Record<string, number>, { rows }: Counts): void {
  for (const [table, count] of Object.entries(rows)) {
    if ((loaded[table] ?? 0) !== count) throw damaged(`${table} has ${loaded[table] ?? 0} of its ${count} rows`)
  }
}

async function migrateFurther(
  session: DatabaseSession,
  manifest: Manifest,
  migrations: Migration[],
): Promise<string[]> {
  const missing = planMigrations(migrations, manifest.schema)
  for (const migration of missing) await applyMigration(session, migration)
  return missing.map(({ version }) => version)
}

/** From here on it is a system of its own, which the runners of the old one have no part in. */
async function beginAnew(
  { config, version, paused }: RestoreOptions,
  session: DatabaseSession,
  manifest: Manifest,
  counts: Counts,
): Promise<Pick<RestoreResult, 'again' | 'lost' | 'waiting'>> {
  await fenceOffThePast(session)
  const { again, over } = await loseHeld(session, {
    message: 'it was running when the backup was taken from which this system was restored; its log ends there',
    quietSeconds: config.leaseSeconds + config.graceSeconds,
  })
  if (paused) await pauseAll(session)
  await audit(session, {
    actor: systemPrincipal,
    action: 'backup.restore',
    target: `backup:${manifest.id}`,
    result: 'done',
    detail: {
      taken_at: manifest.created_at,
      taken_by_version: manifest.runyard_version,
      version,
      os_user: osUser(),
      jobs: counts.jobs,
      jobs_lost: over,
      jobs_again: again,
    },
  })
  const { rows } = await session.query<{ n: number }>(
    `select count(*)::int as n from jobs where state in ('blocked', 'scheduled', 'queued')`,
  )
  return { again, lost: over, waiting: rows[0]!.n }
}
