/**
 * Directories of this host that a job may look into: what other jobs left, and its helper API. They stand in the temp
 * directory, since the runner's own directories are closed to the job's user; a name is not to be guessed, and the
 * directory above it cannot be listed.
 */
import { createHash, randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** All of a runner's begin so: it is told apart by its directory. */
export const shownPrefix = (attemptsDir: string): string =>
  `runyard-in-${createHash('sha256').update(attemptsDir).digest('hex').slice(0, 12)}-`

/** Without links: a bind is opened as exactly this. */
const place = (): string => realpathSync(tmpdir())

/** A name; nothing is made. */
export const newShownDir = (attemptsDir: string): string =>
  join(place(), `${shownPrefix(attemptsDir)}${randomBytes(8).toString('hex')}`, randomBytes(16).toString('hex'))

export async function makeShownDir(dir: string): Promise<void> {
  await mkdir(dirname(dir), { mode: 0o700 })
  await mkdir(dir)
  await chmod(dir, 0o755)
  await chmod(dirname(dir), 0o711)
}

/** With everything in it. */
export const removeShownDir = (dir: string): Promise<void> => rm(dirname(dir), { recursive: true, force: true })

/** What a runner that was killed on the way left. */
export async function sweepShownDirs(attemptsDir: string, inUse: readonly string[]): Promise<void> {
  const used = new Set(inUse.map(dirname))
  for (const name of await readdir(place())) {
    const path = join(place(), name)
    if (name.startsWith(shownPrefix(attemptsDir)) && !used.has(path)) await rm(path, { recursive: true, force: true })
  }
}
