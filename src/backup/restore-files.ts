/** The files of a restore: gathered beside, put in their places just before the database commits, or taken out again. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, opendir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import type { ShortLog } from '../logs/log-store.ts'
import { longestShortLog, shortLog } from '../logs/short-log.ts'
import { readStoredCopies, writeStoredCopy } from '../logs/stored-copies.ts'
import type { Entry } from './archive-reader.ts'
import { damaged } from './format.ts'

export interface RestoreFiles {
  logsDir: string
  /** There are logs that the restored system has nothing to do with. */
  replacesLogs: boolean
  takeLog(entry: Entry): Promise<void>
  place(): Promise<void>
  /** The database has committed: what was replaced goes. */
  keep(): Promise<void>
  undo(): Promise<void>
  close(): Promise<void>
}

const logName = /^logs\/([1-9][0-9]{0,18}-[1-9][0-9]{0,8})\.(sealed|records|short)$/

/**
 * `join`: the data directory is of the same installation, which moves to another database: logs that are there are the
 * same or newer than the backup's and stay.
 */
export async function openRestoreFiles(dataDir: string, join_: boolean): Promise<RestoreFiles> {
  const logsDir = join(dataDir, 'logs')
  const hadLogs = !(await isEmpty(logsDir))
  const joins = hadLogs && join_
  const draft = await mkdtemp(join(dataDir, '.restore-'))
  const fresh = join(draft, 'logs')
  const before = join(draft, 'before')
  await mkdir(fresh, { mode: 0o700 })
  const store = createLocalLogStore(fresh)
  const there = readStoredCopies(logsDir)
  const shorts: { attemptKey: string; log: ShortLog }[] = []
  let shortBytes = 0
  const unsealed: string[] = []
  const added: string[] = []
  let replaced = false

  const has = async (key: string): Promise<boolean> => {
    const copy = await there.open(key)
    await copy?.close()
    return copy !== null
  }

  const moveIn = async (): Promise<void> => {
    for (const folder of await readdir(fresh)) {
      await mkdir(join(logsDir, folder), { recursive: true, mode: 0o700 })
      for (const name of await readdir(join(fresh, folder))) {
        await rename(join(fresh, folder, name), join(logsDir, folder, name))
        added.push(join(logsDir, folder, name))
      }
    }
  }

  /** Many at once: each call is a write to the disk. */
  const storeShorts = async (): Promise<void> => {
    const sealed = await store.sealShort(shorts)
    if (sealed.includes(null)) throw damaged('a log is in it twice')
    shorts.length = shortBytes = 0
  }

  const takeShort = async (attemptKey: string, entry: Entry): Promise<void> => {
    shorts.push({ attemptKey, log: await shortLogOf(entry) })
    shortBytes += entry.size
    if (shorts.length >= 500 || shortBytes > 4 * 1024 * 1024) await storeShorts()
  }

  return {
    logsDir,
    replacesLogs: hadLogs && !joins,
    async takeLog(entry) {
      const [, key, kind] = logName.exec(entry.name) ?? []
      if (key === undefined) throw damaged(`nothing of ours is called ${entry.name}`)
      if (joins && (await has(key))) return
      // Packs of the same jobs may be there already, which are no files to be moved in.
      if (kind === 'short' && !joins) return takeShort(key, entry)
      await writeStoredCopy(fresh, key, kind === 'sealed' ? 'sealed' : 'records', entry.chunks)
      if (kind !== 'sealed') unsealed.push(key)
    },
    async place() {
      await storeShorts()
      for (const key of unsealed) await store.seal(key)
      await store.close()
      // One call for the file system instead of one for each of perhaps a hundred thousand files.
      await promisify(execFile)('sync', ['-f', draft]).catch(() => {})
      if (joins) return moveIn()
      if (await stat(logsDir).catch(() => null)) await rename(logsDir, before)
      replaced = true
      await rename(fresh, logsDir)
    },
    async keep() {
      for (const name of ['local.token', 'first-login.json']) await rm(join(dataDir, 'secrets', name), { force: true })
    },
    async undo() {
      for (const path of added) await rm(path, { force: true })
      if (!replaced) return
      await rm(logsDir, { recursive: true, force: true })
      await rename(before, logsDir).catch(() => {}) // there may have been none
    },
    async close() {
      await store.close().catch(() => {}) // what it was to keep goes
      await rm(draft, { recursive: true, force: true })
    },
  }
}

async function shortLogOf(entry: Entry): Promise<ShortLog> {
  if (entry.size > longestShortLog) throw damaged(`${entry.name} is too long`)
  const parts: Buffer[] = []
  for await (const chunk of entry.chunks) parts.push(chunk)
  try {
    return shortLog(Buffer.concat(parts), entry.size)
  } catch (error) {
    throw damaged(`${entry.name} is no log`, error)
  }
}

async function isEmpty(dir: string): Promise<boolean> {
  try {
    for await (const _ of await opendir(dir)) return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return true
}
