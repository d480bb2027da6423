/** `runyard backup`: one file of a system that goes on working. */
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { audit } from '../access/audit.ts'
import { systemPrincipal } from '../access/permissions.ts'
import type { Config } from '../config/config.ts'
import { newPublicId } from '../lib/ids.ts'
import { openBlobStore } from '../logs/blobs/open-blob-store.ts'
import { readSharedCopies } from '../logs/shared-copies.ts'
import { readStoredCopies, type StoredCopies, type StoredCopy } from '../logs/stored-copies.ts'
import { createArchiveWriter, type ArchiveWriter } from './archive-writer.ts'
import { noSpace, openDraft } from './draft-file.ts'
import { formatVersion, manifestName, type Counts, type KeyName, type Manifest } from './format.ts'
import { keysOf, requireKeyFor, type KeyTexts } from './keys.ts'
import { withSession, type DatabaseSession } from './session.ts'
import { attemptsOf, countsOf, inSnapshot, stillThere, writeTables, type Attempts, type Snapshot } from './snapshot.ts'

export interface BackupOptions {
  config: Config
  databaseUrl: string
  version: string
  /** A file, a directory to make one in, or a stream that is already open. */
  to: string | Writable
  withoutKeys: boolean
  overwrite: boolean
  signal: AbortSignal
  onProgress(text: string, bytes: number): void
}

export interface BackupResult {
  manifest: Manifest
  counts: Counts
  /** Null for a stream. */
  path: string | null
  bytes: number | null
}

export async function createBackup(options: BackupOptions): Promise<BackupResult> {
  const { to, signal } = options
  if (typeof to !== 'string') {
    const { manifest, counts } = await writeBackup(options, to)
    return { manifest, counts, path: null, bytes: null }
  }
  const draft = await openDraft(to, `runyard-${stamp(new Date())}.tar.zst`, options.overwrite)
  try {
    const { manifest, counts } = await writeBackup(options, draft.stream)
    signal.throwIfAborted()
    const bytes = await draft.keep()
    return { manifest, counts, path: draft.path, bytes }
  } catch (error) {
    await draft.discard()
    throw noSpace(error, dirname(draft.path))
  }
}

/** `20250131T235959Z` */
const stamp = (at: Date): string => at.toISOString().replaceAll(/[-:]|\.\d+/g, '')

async function writeBackup(options: BackupOptions, stream: Writable): Promise<{ manifest: Manifest; counts: Counts }> {
  const { databaseUrl, signal } = options
  const writer = createArchiveWriter(stream, new Date())
  const stopped = (): void => void writer.abort(signal.reason as Error)
  signal.addEventListener('abort', stopped, { once: true })
  try {
    const { manifest, counts, attempts } = await withSession(databaseUrl, 'backup', (session) =>
      writeDatabase(options, session, writer),
    )
    // The snapshot has ended: it would keep the database from cleaning up for as long as the logs take.
    const { missing, ...logs } = await writeLogs(attempts, writer, options)
    return await withSession(databaseUrl, 'backup', async (session) => {
      const lost = await stillThere(session, missing)
      const all = { ...counts, ...logs, logs_missing: lost, logs_removed: missing.length - lost }
      await writer.finish(all)
      await auditBackup(session, options, manifest, all)
      return { manifest, counts: all }
    })
  } catch (error) {
    await writer.abort(error as Error)
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', stopped)
  }
}

async function writeDatabase(options: BackupOptions, session: DatabaseSession, writer: ArchiveWriter) {
  return inSnapshot(session, options.signal, async (snapshot) => {
    const keys = await keysOf(options.config)
    if (!options.withoutKeys) requireKeyFor(snapshot.secret_key_id, keys)
    const manifest = manifestOf(options, snapshot)
    await writer.add(manifestName, Buffer.from(JSON.stringify(manifest, null, 1)))
    if (manifest.keys_included) await writeKeyEntries(keys, writer)
    const rows = await writeTables(session, snapshot.tables, writer, (table) =>
      options.onProgress(`database: ${table}`, writer.written()),
    )
    return { manifest, counts: { ...(await countsOf(session)), rows }, attempts: await attemptsOf(session) }
  })
}

const manifestOf = (options: BackupOptions, { createdAt, ...snapshot }: Snapshot): Manifest => ({
  kind: 'runyard-backup',
  format: formatVersion,
  id: newPublicId(),
  created_at: createdAt.toISOString(),
  runyard_version: options.version,
  ...snapshot,
  keys_included: !options.withoutKeys,
})

async function writeKeyEntries(keys: KeyTexts, writer: ArchiveWriter): Promise<void> {
  for (const [name, text] of Object.entries(keys) as [KeyName, string | null][]) {
    if (text !== null) await writer.add(`keys/${name}`, Buffer.from(text))
  }
}

/** Logs may be written, sealed and removed meanwhile: each is taken as it is found. */
async function writeLogs(
  { keys, withOutput, shared }: Attempts,
  writer: ArchiveWriter,
  { signal, onProgress, config }: BackupOptions,
): Promise<Pick<Counts, 'logs' | 'log_bytes'> & { missing: string[] }> {
  const sum = { logs: 0, log_bytes: 0, missing: [] as string[] }
  for await (const { key, copy } of openedInOrder(await copiesOf(config, shared), keys)) {
    signal.throwIfAborted()
    if (copy === null) {
      if (withOutput.has(key)) sum.missing.push(key)
      continue
    }
    await writer.addStream(`logs/${key}.${copy.kind}`, copy.size, copy.chunks())
    sum.logs += 1
    sum.log_bytes += copy.size
    onProgress(`logs: ${sum.logs} of ${keys.length}`, writer.written())
  }
  return sum
}

/** What this data directory has, and what the shared store has; the backup is whole without either. */
async function copiesOf(config: Config, shared: ReadonlySet<string>): Promise<StoredCopies> {
  const here = readStoredCopies(join(config.dataDir, 'logs'))
  if (config.logStore === undefined || shared.size === 0) return here
  const there = readSharedCopies(await openBlobStore(config.logStore))
  return { open: async (key) => (await here.open(key)) ?? (shared.has(key) ? there.open(key) : null) }
}

/** Most logs are small, and opening them takes longer than reading them. */
const openAtOnce = 8

async function* openedInOrder(
  copies: StoredCopies,
  keys: string[],
): AsyncGenerator<{ key: string; copy: StoredCopy | null }> {
  const ahead: Promise<StoredCopy | null>[] = []
  let asked = 0
  try {
    for (const key of keys) {
      while (asked < keys.length && ahead.length < openAtOnce) {
        const opening = copies.open(keys[asked++]!)
        opening.catch(() => {}) // told when its turn comes
        ahead.push(opening)
      }
      const copy = await ahead.shift()!
      try {
        yield { key, copy }
      } finally {
        await copy?.close()
      }
    }
  } finally {
    for (const opening of ahead) await opening.then((copy) => copy?.close()).catch(() => {})
  }
}

/** Who on this machine took a copy of everything, and whether with the keys. */
async function auditBackup(
  session: DatabaseSession,
  { to }: BackupOptions,
  manifest: Manifest,
  counts: Counts,
): Promise<void> {
  await audit(session, {
    actor: systemPrincipal,
    action: 'backup.create',
    target: `backup:${manifest.id}`,
    result: 'done',
    detail: {
      file: typeof to === 'string' ? to : '-',
      os_user: osUser(),
      keys_included: manifest.keys_included,
      jobs: counts.jobs,
      logs: counts.logs,
    },
  })
}

export function osUser(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}
