/** A file that is there whole or not at all: written beside its name, renamed when it is on disk. Mode 0600. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm, stat, link } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Writable } from 'node:stream'
import { sqlStateOf } from '../db/db-errors.ts'
import { AppError } from '../lib/app-error.ts'
import { writeAll } from '../logs/sealed-file.ts'

export interface DraftFile {
  path: string
  stream: Writable
  /** Resolves with its size when it is durable under its name. */
  keep(): Promise<number>
  discard(): Promise<void>
}

export async function openDraft(wanted: string, nameInDirectory: string, overwrite: boolean): Promise<DraftFile> {
  const given = resolve(wanted)
  const found = await stat(given).catch(() => null)
  const path = found?.isDirectory() ? join(given, nameInDirectory) : given
  const there = (): AppError => new AppError('conflict', `${path} exists; choose another name, or --overwrite it`)
  if (!overwrite && (found?.isDirectory() ? await stat(path).catch(() => null) : found)) throw there()
  const draft = `${path}.${randomBytes(4).toString('hex')}.part`
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600).catch(
    (error: unknown) => {
      throw onDisk(error, dirname(path))
    },
  )
  let at = 0
  // A file handle's own stream would not give it back without closing it, and it is to be fsynced first.
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      void (async () => {
        const failure = await writeAll(file, chunk, at).catch((error: Error) => error)
        at += chunk.length
        done(failure ?? null)
      })()
    },
  })
  return {
    path,
    stream,
    async keep() {
      await file.sync()
      const { size } = await file.stat()
      await file.close()
      if (overwrite) await rename(draft, path)
      else {
        // Unlike rename, it does not replace what came meanwhile.
        await link(draft, path).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') throw there()
          throw error
        })
        await rm(draft)
      }
      const directory = await open(dirname(path), 'r')
      await directory.sync().finally(() => directory.close())
      return size
    },
    async discard() {
      stream.destroy()
      await file.close().catch(() => {})
      await rm(draft, { force: true })
    },
  }
}

function onDisk(error: unknown, place: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new AppError('not_found', `there is no directory ${place}`, { cause: error })
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return new AppError('permission_denied', `cannot write in ${place} (${code})`, { cause: error })
  return noSpace(error, place)
}

/** Full: the disk of this place, or (53100) that of the database. */
export function noSpace(error: unknown, place: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AppError('resource_exhausted', `no space left in ${place}; nothing was kept`, { cause: error })
  if (sqlStateOf((error as Error).cause) === '53100')
    return new AppError('resource_exhausted', 'no space left for the database; nothing was kept', { cause: error })
  return error
}
