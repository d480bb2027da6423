/** A system of rows, logs and keys for the tests of backup and restore, without a server. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { emptyDatabase } from './database.ts'
import { queueWorld, type QueueWorld } from './queue-world.ts'
import { removeScratch, scratchDir } from './scratch.ts'
import { createKeyring } from '../src/access/keyring.ts'
import { claimSecretKey } from '../src/access/sealing-keys.ts'
import { ensureKeys } from '../src/access/keys.ts'
import { loadConfig, type Config } from '../src/config/config.ts'
import { openDb, type Db } from '../src/db/pool.ts'
import { createLocalLogStore } from '../src/logs/local-log-store.ts'
import { encodeRecord } from '../src/logs/records.ts'
import { shortLog } from '../src/logs/short-log.ts'
import { attemptKey, type AttemptRef } from '../src/queue/types.ts'
import { createBackup, openBackup, restoreBackup } from '../src/backup/index.ts'

const never = new AbortController().signal

export interface Place {
  config: Config
  dataDir: string
}

export function place(env: NodeJS.ProcessEnv = {}): Place {
  const dataDir = scratchDir('b')
  onTestFinished(() => removeScratch(dataDir))
  return { dataDir, config: loadConfig({ env, argvFlags: { dataDir, runDir: join(dataDir, 'run') } }) }
}

export interface Source extends QueueWorld, Place {
  file: string
  backup(over?: Partial<Parameters<typeof createBackup>[0]>): ReturnType<typeof createBackup>
  log(ref: AttemptRef, text: string, sealed: boolean): Promise<void>
  /** As a short job's comes with its end: into a pack. */
  shortLog(ref: AttemptRef, text: string): Promise<void>
}

/** A system with keys, as a server leaves it. */
export async function source(): Promise<Source> {
  const world = await queueWorld()
  const { config, dataDir } = place()
  const { secretKey } = await ensureKeys(config)
  await claimSecretKey(world.db, createKeyring([secretKey]))
  const file = join(dataDir, 'backup.tar.zst')
  return {
    ...world,
    config,
    dataDir,
    file,
    backup: (over = {}) =>
      createBackup({
        ...{ config, databaseUrl: world.url, version: '1.2.3', to: file, withoutKeys: false, overwrite: false },
        ...{ signal: never, onProgress() {}, ...over },
      }),
    async log(ref, text, sealed) {
      const store = createLocalLogStore(join(dataDir, 'logs'))
      const record = encodeRecord('stdout', 1, Buffer.from(text))
      await store.append(attemptKey(ref), 0, record)
      if (sealed) await store.seal(attemptKey(ref), record.length)
      await store.close()
    },
    async shortLog(ref, text) {
      const store = createLocalLogStore(join(dataDir, 'logs'))
      const record = encodeRecord('stdout', 1, Buffer.from(text))
      await store.sealShort([{ attemptKey: attemptKey(ref), log: shortLog(record, record.length) }])
      await store.close()
    },
  }
}

export async function empty(): Promise<string> {
  const { url, drop } = await emptyDatabase()
  onTestFinished(() => drop())
  return url
}

export async function restored(file: string, to: Place, databaseUrl: string, over: object = {}) {
  const backup = await openBackup(createReadStream(file))
  try {
    return await restoreBackup({
      ...{ config: to.config, databaseUrl, version: '2.0.0', backup, force: false, paused: false, signal: never },
      ...{ confirm: async () => false, onProgress() {}, ...over },
    })
  } finally {
    backup.archive.close()
  }
}

export function opened(url: string): Db {
  const db = openDb(url)
  onTestFinished(() => db.end())
  return db
}

export const text = async (dataDir: string, ref: AttemptRef): Promise<{ bytes: string; sealed: boolean }> => {
  const store = createLocalLogStore(join(dataDir, 'logs'))
  const { bytes, sealed } = await store.read(attemptKey(ref), { stream: 'stdout', offset: 0, limit: 1000 })
  await store.close()
  return { bytes: bytes.toString(), sealed }
}

export const rowsOf = async (db: Db, table: string, without: string[] = []): Promise<unknown[]> =>
  (
    await db.query<{ row: unknown }>(
      `select to_jsonb(t) - $1::text[] as row from ${table} t order by to_jsonb(t) - $1::text[]`,
      [without],
    )
  ).rows.map(({ row }) => row)
