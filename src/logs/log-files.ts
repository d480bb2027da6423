/** Where the logs of one directory lie: a thousand jobs to a folder, `<key>.live` or `<key>.sealed`. */
import { constants, existsSync } from 'node:fs'
import { mkdir, open, opendir, rename, rm, rmdir, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { LiveFile } from './live-log.ts'
import type { StoredLog } from './log-store.ts'
import { readSealedIndex, writeSealed, type SealedIndex } from './sealed-file.ts'

export interface LogFiles {
  live(attemptKey: string): LiveFile
  openSealed(attemptKey: string): Promise<FileHandle>
  /** Null when there is none or only a part of one. */
  sealedIndex(attemptKey: string): Promise<SealedIndex | null>
  /** Durable when this resolves; nothing is left behind when it fails. */
  seal(attemptKey: string, blocks: AsyncIterable<Buffer>, truncatedBytes: number): Promise<SealedIndex>
  /** Whether a file of this log may be here. A look at a local directory: two microseconds, where a promise costs fifty. */
  known(attemptKey: string): boolean
  removeLive(attemptKey: string): Promise<void>
  removeAll(attemptKey: string): Promise<void>
  list(): AsyncGenerator<StoredLog>
}

const namePattern = /^([1-9][0-9]{0,18}-[1-9][0-9]{0,8})\.(live|sealed)$/
const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants

const missing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

const folderOf = (root: string, key: string): string => join(root, key.slice(0, key.indexOf('-')).slice(0, -3) || '0')
export const logPath = (root: string, key: string, suffix: 'live' | 'sealed' | 'sealing'): string =>
  join(folderOf(root, key), `${key}.${suffix}`)

export function createLogFiles(root: string, syncDirectory: (path: string) => Promise<void>): LogFiles {
  const folder = (key: string): string => folderOf(root, key)
  const path = (key: string, suffix: 'live' | 'sealed' | 'sealing'): string => logPath(root, key, suffix)

  /** The folder may go at any moment, when the last log in it is removed. */
  const create = async (key: string, suffix: 'live' | 'sealing', flags: number): Promise<FileHandle> => {
    for (let tries = 0; ; tries++) {
      try {
        return await open(path(key, suffix), flags | O_CREAT | O_NOFOLLOW, 0o600)
      } catch (error) {
        if (!missing(error) || tries >= 3) throw error
        await mkdir(folder(key), { recursive: true, mode: 0o700 })
        await syncDirectory(root)
      }
    }
  }

  return {
    live: (key) => ({
      path: path(key, 'live'),
      create: () => create(key, 'live', O_RDWR),
      syncName: () => syncDirectory(folder(key)),
    }),
    openSealed: (key) => open(path(key, 'sealed'), O_RDONLY | O_NOFOLLOW),
    async sealedIndex(key) {
      let file: FileHandle
      try {
        file = await open(path(key, 'sealed'), O_RDONLY | O_NOFOLLOW)
      } catch (error) {
        if (missing(error)) return null
        throw error
      }
      try {
        return await readSealedIndex(file)
      } finally {
        await file.close()
      }
    },
    async seal(key, blocks, truncatedBytes) {
      const draft = path(key, 'sealing')
      try {
        const file = await create(key, 'sealing', O_WRONLY | O_TRUNC)
        let index: SealedIndex
        try {
          index = await writeSealed(file, blocks, truncatedBytes)
          await file.datasync()
        } finally {
          await file.close()
        }
        await rename(draft, path(key, 'sealed'))
        await syncDirectory(folder(key))
        return index
      } catch (error) {
        await rm(draft, { force: true }).catch(() => {})
        throw error
      }
    },
    known: (key) =>
      existsSync(folder(key)) && (['live', 'sealed'] as const).some((suffix) => existsSync(path(key, suffix))),
    removeLive: (key) => rm(path(key, 'live'), { force: true }),
    async removeAll(key) {
      if (!existsSync(folder(key))) return
      for (const suffix of ['live', 'sealed', 'sealing'] as const) await rm(path(key, suffix), { force: true })
      await rmdir(folder(key)).catch(() => {}) // other logs are in it
    },
    async *list() {
      for await (const entry of entries(root)) {
        for await (const name of entries(join(root, entry))) {
          const [, attemptKey, kind] = namePattern.exec(name) ?? []
          if (attemptKey === undefined) continue
          const found = await stat(join(root, entry, name)).catch(() => null)
          if (found) yield { attemptKey, bytes: found.size, sealed: kind === 'sealed' }
        }
      }
    },
  }
}

async function* entries(path: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(path)) yield entry.name
  } catch (error) {
    if (!missing(error)) throw error
  }
}
