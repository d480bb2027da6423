/** The name by which the database knows a server: made once, and kept in its data directory, where its logs are. */
import { randomBytes } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../lib/app-error.ts'

/** Also the name in its certificate. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

export async function serverNameIn(dataDir: string): Promise<string> {
  const path = join(dataDir, 'server-name')
  for (let made = false; ; made = true) {
    const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && !made) return undefined
      throw error
    })
    if (kept === undefined) await keep(path, newName())
    else if (namePattern.test(kept.trim())) return kept.trim()
    else
      throw new AppError(
        'failed_precondition',
        `${path} has no server's name in it: one line of letters, digits, . _ -`,
      )
  }
}

const newName = (): string => {
  const host =
    hostname()
      .replaceAll(/[^A-Za-z0-9-]/g, '-')
      .replace(/^-+/, '')
      .slice(0, 40) || 'server'
  return `${host}-${randomBytes(3).toString('hex')}`
}

/** Whole or not at all; the first one wins. */
async function keep(path: string, name: string): Promise<void> {
  const draft = `${path}.${process.pid}`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(`${name}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(draft, { force: true })
}
