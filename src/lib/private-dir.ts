import { mkdir, lstat, chmod } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from './app-error.ts'

/**
 * Makes a directory that only we may enter, parents included. One that is there already must be ours: under /tmp
 * somebody else may have made it first, to read our sockets.
 */
export async function ensurePrivateDir(path: string, mode = 0o700): Promise<void> {
  // Parents keep 0755 as root (/run/runyard, /var/lib): other users must reach what we open to them below.
  await mkdir(dirname(path), { recursive: true, mode: process.getuid?.() === 0 ? 0o755 : 0o700 })
  await mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(path)
  const uid = process.getuid?.()
  if (!found.isDirectory()) throw new AppError('failed_precondition', `${path} is not a directory`)
  // Root may work in a directory that belongs to the user whose data it is.
  if (uid !== undefined && uid !== 0 && found.uid !== uid) {
    throw new AppError('failed_precondition', `${path} belongs to uid ${found.uid}, not to us (uid ${uid})`)
  }
  if ((found.mode & 0o777) !== mode) await chmod(path, mode)
}

/** For the data and run directories: as root, PostgreSQL runs as another user who must pass; what is inside is closed by itself. */
export const passableMode = (): number => (process.getuid?.() === 0 ? 0o711 : 0o700)
