/** The embedded PostgreSQL that a server of this data directory runs. */
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { embeddedUrl } from '../db/embedded.ts'
import { majorVersion } from '../db/embedded/binaries.ts'
import { findPostmaster } from '../db/embedded/postmaster.ts'
import { AppError } from '../lib/app-error.ts'

export async function runningDatabase(dataDir: string): Promise<string> {
  const dir = await realpath(dataDir)
  const found = await findPostmaster(join(dir, `pg${majorVersion}`))
  if (!found?.socketDir) {
    throw new AppError(
      'unavailable',
      `a server runs on ${dataDir}, but no embedded PostgreSQL: name the database that it uses with DATABASE_URL`,
    )
  }
  const password = await readFile(join(dir, 'secrets', 'postgres.password'), 'utf8')
  return embeddedUrl(password.trim(), found.socketDir)
}
