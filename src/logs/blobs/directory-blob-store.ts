/** Blobs as files below one directory that all servers see (a shared file system), or that one server has. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, opendir, rename, rm, rmdir, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { createDirectorySync } from '../directory-sync.ts'
import { readAt, writeAll } from '../sealed-file.ts'
import { checkBlobName, misconfigured, storeAway, type Blob, type BlobStore, type StoredBlob } from './blob-store.ts'

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
/** No blob's name begins with a dot. */
const draftsName = '.drafts'
/** A draft so old is of a server that died over it. */
const deadDraftMs = 24 * 3600_000

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? ''

export function createDirectoryBlobStore(root: string, shown = `file://${root}`): BlobStore {
  const syncDirectory = createDirectorySync()
  const drafts = join(root, draftsName)
  const pathOf = (name: string): string => {
    checkBlobName(name)
    return join(root, name)
  }

  const inWords = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      const code = codeOf(error)
      if (error instanceof AppError || !/^E[A-Z0-9]+$/.test(code)) throw error
      throw storeAway(shown, reasons[code] ?? `fails: ${code}`, error)
    }
  }

  /** Each new folder's name is durable before anything in it counts. */
  const makeFolder = async (folder: string): Promise<void> => {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 })
    if (first === undefined) return
    for (let made = folder; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
  }

  const writeDraft = async (path: string, blob: Blob): Promise<void> => {
    const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      let at = 0
      for await (const chunk of blob.chunks()) {
        await writeAll(file, chunk, at)
        at += chunk.length
      }
      if (at !== blob.size) throw new AppError('internal', `a blob has ${at} of ${blob.size} bytes`)
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  const opened = async (name: string): Promise<FileHandle | null> => {
    try {
      return await open(pathOf(name), O_RDONLY | O_NOFOLLOW)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      // The same code says that the whole store is gone, e.g. not mounted.
      await stat(root)
      return null
    }
  }

  return {
    shown,
    put: (name, blob) =>
      inWords(async () => {
        const path = pathOf(name)
        // A root that is not there is not made: where a share is not mounted, nobody else would see the logs.
        await stat(root)
        await makeFolder(drafts)
        const draft = join(drafts, randomBytes(12).toString('hex'))
        try {
          await writeDraft(draft, blob)
          await makeFolder(dirname(path))
          await rename(draft, path)
          await syncDirectory(dirname(path))
        } catch (error) {
          await rm(draft, { force: true }).catch(() => {})
          throw error
        }
      }),
    get: (name, offset, length) =>
      inWords(async () => {
        const file = await opened(name)
        if (file === null) return null
        try {
          return await readAt(file, offset, length)
        } finally {
          await file.close()
        }
      }),
    stat: (name) =>
      inWords(async () => {
        const file = await opened(name)
        if (file === null) return null
        try {
          return { size: (await file.stat()).size }
        } finally {
          await file.close()
        }
      }),
    delete: (name) =>
      inWords(async () => {
        const path = pathOf(name)
        await stat(root)
        await rm(path, { force: true })
        if (dirname(path) !== root) await rmdir(dirname(path)).catch(() => {}) // others are in it
      }),
    async *list(prefix = '') {
      if (prefix !== '') checkBlobName(prefix)
      const found = below(root, prefix)
      for (;;) {
        const next = await inWords(() => found.next())
        if (next.done) return
        yield next.value
      }
    },
    async check() {
      await inWords(async () => {
        if (!(await stat(root)).isDirectory()) throw storeAway(shown, 'is not a directory')
        await makeFolder(drafts)
        for await (const { name } of await opendir(drafts)) {
          const path = join(drafts, name)
          const found = await stat(path).catch(() => null)
          if (found && Date.now() - found.mtimeMs > deadDraftMs) await rm(path, { force: true })
        }
      }).catch((error: unknown) => {
        throw isAppError(error) && !passing.has(codeOf(error.cause)) ? misconfigured(error) : error
      })
    },
  }
}

/** What a file system says that is away or full for the moment. */
const passing = new Set(['ESTALE', 'EIO', 'ETIMEDOUT', 'ENOSPC', 'EDQUOT'])

const reasons: Record<string, string> = {
  ENOENT: 'is not there: is it mounted?',
  ENOSPC: 'has no space left: make room there',
  EDQUOT: 'has no space left: make room there',
  EACCES: 'refuses access: the server’s user must be able to read and write there',
  EPERM: 'refuses access: the server’s user must be able to read and write there',
  EROFS: 'is mounted read-only',
  ESTALE: 'is away: its file system was lost',
}

async function* below(root: string, folder: string): AsyncGenerator<StoredBlob> {
  let entries
  try {
    entries = await opendir(join(root, folder))
  } catch (error) {
    if (folder === '' || codeOf(error) !== 'ENOENT') throw error
    return
  }
  for await (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) yield* below(root, name)
    else {
      const found = await stat(join(root, name)).catch(() => null) // deleted meanwhile
      if (found) yield { name, size: found.size }
    }
  }
}
