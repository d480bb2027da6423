/** The files of a restore: gathered beside, put in their places just before the database commits, or taken out again. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, opendir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import { openStoredCopy, writeStoredCopy, type CopyKind } from '../logs/stored-copies.ts'
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

const logName = /^logs\/([1-9][0-9]{0,18}-[1-9][0-9]{0,8})\.(sealed|records)$/

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
  const unsealed: string[] = []
  const added: string[] = []
  let replaced = false

  const moveIn = async (): Promise<void> => {
    for (const folder of await readdir(fresh)) {
      await mkdir(join(logsDir, folder), { recursive: true, mode: 0o700 })
      for (const name of await readdir(join(fresh, folder))) {
        await rename(join(fresh, folder, name), join(logsDir, folder, name))
        added.push(join(logsDir, folder, name))
      }
    }
  }

  return {
    logsDir,
    replacesLogs: hadLogs && !joins,
    async takeLog(entry) {
      const [, key, kind] = logName.exec(entry.name) ?? []
      if (key === undefined) throw damaged(`nothing of ours is called ${entry.name}`)
      if (joins && (await has(logsDir, key))) return
      await writeStoredCopy(fresh, key, kind as CopyKind, entry.chunks)
      if (kind === 'records') unsealed.push(key)
    },
    async place() {
      const store = createLocalLogStore(fresh)
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
    close: () => rm(draft, { recursive: true, force: true }),
  }
}

async function has(logsDir: string, key: string): Promise<boolean> {
  const copy = await openStoredCopy(logsDir, key)
  await copy?.close()
  return copy !== null
}

async function isEmpty(dir: string): Promise<boolean> {
  try {
    for await (const _ of await opendir(dir)) return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return true
}
