/** Small secret files: made whole or not at all, readable by their owner only. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../lib/app-error.ts'

/** Null when there is none. Refuses a file that others may read, that is a link, or that somebody else owns. */
export async function readSecretFile(path: string): Promise<string | null> {
  let file
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new AppError('failed_precondition', `cannot read ${path}: ${code === 'ELOOP' ? 'it is a link' : code}`)
  }
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new AppError('failed_precondition', `${path} is not a file`)
    if ((found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8)
      throw new AppError('failed_precondition', `${path} can be read by others (mode ${mode}): chmod 600 ${path}`)
    }
    const uid = process.getuid?.()
    if (uid !== undefined && uid !== 0 && found.uid !== uid) {
      throw new AppError('failed_precondition', `${path} belongs to uid ${found.uid}, not to us (uid ${uid})`)
    }
    return (await file.readFile('utf8')).trim()
  } finally {
    await file.close()
  }
}

/** What the file has, or `make()` kept in it. Two processes at once agree on one value. */
export async function keepSecretFile(path: string, make: () => string): Promise<string> {
  const found = await readSecretFile(path)
  if (found !== null) return found
  const value = make()
  const draft = await writeDraft(path, value)
  try {
    await link(draft, path) // unlike rename it never replaces what another process put there first
    await syncDirectory(path)
    return value
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return (await readSecretFile(path)) ?? value
  } finally {
    await rm(draft, { force: true })
  }
}

export async function replaceSecretFile(path: string, value: string): Promise<void> {
  const draft = await writeDraft(path, value)
  try {
    await rename(draft, path)
    await syncDirectory(path)
  } finally {
    await rm(draft, { force: true })
  }
}

async function writeDraft(path: string, value: string): Promise<string> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${value}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  return draft
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
