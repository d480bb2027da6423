/**
 * Sealing keys as files: `secret.key` is the one in use, `secret.key.<id>` one that was, or that will be. None is ever
 * removed: a backup may need it.
 */
import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { keepSecretFile, readSecretFile, replaceSecretFile } from './key-files.ts'
import { createSealer } from './secrets.ts'

export const secretsDir = (dataDir: string): string => join(dataDir, 'secrets')

export const keyPath = (dataDir: string, keyId?: string): string =>
  join(secretsDir(dataDir), keyId === undefined ? 'secret.key' : `secret.key.${keyId}`)

/** Null: no key. */
export function keyIdOf(text: string): string | null {
  const key = Buffer.from(text, 'base64')
  return key.length === 32 ? createSealer(key).keyId : null
}

/** Beside the one in use; a file whose name is not its key's id is not looked at. */
export async function keptKeys(dataDir: string): Promise<{ keyId: string; text: string }[]> {
  const names = await readdir(secretsDir(dataDir)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const ids = names.flatMap((name) => /^secret\.key\.([0-9a-f]{16})$/.exec(name)?.[1] ?? [])
  const found = await Promise.all(
    ids.map(async (keyId) => ({ keyId, text: (await readSecretFile(keyPath(dataDir, keyId))) ?? '' })),
  )
  return found.filter(({ keyId, text }) => keyIdOf(text) === keyId)
}

/** Made and kept beside the one in use; its path, for whoever brings it to other servers. */
export async function makeKey(dataDir: string): Promise<{ key: Buffer; path: string }> {
  const key = randomBytes(32)
  const text = key.toString('base64')
  const path = keyPath(dataDir, keyIdOf(text)!)
  await keepSecretFile(path, () => text)
  return { key, path }
}

/** The kept key becomes the one in use, which is kept. Repeated after a crash it changes nothing more. */
export async function promoteKey(dataDir: string, keyId: string): Promise<void> {
  const before = await readSecretFile(keyPath(dataDir))
  const text = await readSecretFile(keyPath(dataDir, keyId))
  if (text === null || (before !== null && keyIdOf(before) === keyId)) return
  const beforeId = before === null ? null : keyIdOf(before)
  if (before !== null && beforeId !== null) await keepSecretFile(keyPath(dataDir, beforeId), () => before)
  await replaceSecretFile(keyPath(dataDir), text)
  await rm(keyPath(dataDir, keyId), { force: true })
}
