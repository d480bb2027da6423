/** The keys of an installation in its backup: which go in, and whether a restored system could open what is sealed. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readSecretFile, replaceSecretFile } from '../access/key-files.ts'
import { keyIdOf, secretsDir } from '../access/kept-keys.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../lib/app-error.ts'
import { ensurePrivateDir } from '../lib/private-dir.ts'
import { damaged, keyNames, type KeyName, type Manifest } from './format.ts'

export type KeyTexts = Record<KeyName, string | null>
type KeyConfig = Pick<Config, 'dataDir' | 'secretKey' | 'jwtSecret'>

const keyPath = (dataDir: string, name: KeyName): string => join(secretsDir(dataDir), name)

/** As a server here would use them: the configuration's first. */
export const keysOf = async (config: KeyConfig): Promise<KeyTexts> => ({
  'secret.key': config.secretKey ?? (await readSecretFile(keyPath(config.dataDir, 'secret.key'))),
  'jwt.key': config.jwtSecret ?? (await readSecretFile(keyPath(config.dataDir, 'jwt.key'))),
})

/** A backup that says it has the keys must have the right one. */
export function requireKeyFor(secretKeyId: string | null, keys: KeyTexts): void {
  if (secretKeyId === null) return
  const text = keys['secret.key']
  if (text !== null && keyIdOf(text) === secretKeyId) return
  throw new AppError(
    'failed_precondition',
    `the key ${secretKeyId} that opens this system's secrets is not here${text === null ? '' : ' (another one is)'}: ` +
      'back up where its server runs, with its --data-dir and RUNYARD_SECRET_KEY, or use --without-keys and keep the key yourself',
  )
}

export interface KeyPlan {
  /** Files to write from the backup. */
  write: KeyName[]
  /** The data directory is of the same installation: its logs may stay. */
  sameInstallation: boolean
}

/**
 * What becomes of the keys; refuses now, before anything is touched, when what is sealed in the backup could not be
 * opened after its restore.
 */
export async function planKeys(config: KeyConfig, manifest: Manifest, force: boolean): Promise<KeyPlan> {
  const id = manifest.secret_key_id
  if (config.secretKey !== undefined) {
    if (id !== null && keyIdOf(config.secretKey) !== id) throw wrongKey('RUNYARD_SECRET_KEY', id, manifest)
    return { write: config.jwtSecret === undefined ? ['jwt.key'] : [], sameInstallation: id !== null }
  }
  const path = keyPath(config.dataDir, 'secret.key')
  const kept = await readSecretFile(path)
  if (kept !== null && keyIdOf(kept) === id) return { write: [], sameInstallation: true }
  if (kept !== null && !(force && manifest.keys_included)) {
    if (id === null) return { write: [], sameInstallation: false }
    const more = manifest.keys_included ? '; --force replaces it (and keeps it beside)' : ''
    throw new AppError('failed_precondition', `${wrongKey(path, id, manifest).message}${more}`)
  }
  if (manifest.keys_included) {
    return {
      write: config.jwtSecret === undefined ? ['secret.key', 'jwt.key'] : ['secret.key'],
      sameInstallation: false,
    }
  }
  if (id === null) return { write: [], sameInstallation: false }
  throw new AppError(
    'failed_precondition',
    `the backup was made without keys, and what is sealed in it opens with key ${id} only: put that system's ` +
      `secrets/secret.key at ${path} (mode 0600), or set RUNYARD_SECRET_KEY`,
  )
}

const wrongKey = (where: string, id: string, { keys_included: included }: Manifest): AppError =>
  new AppError(
    'failed_precondition',
    `${where} is not the key of the backup's secrets (${id})` +
      (included && where === 'RUNYARD_SECRET_KEY' ? '; unset it to use the one in the backup' : ''),
  )

export function checkedKey(name: KeyName, text: string, manifest: Manifest): string {
  if (name === 'secret.key' && manifest.secret_key_id !== null && keyIdOf(text) !== manifest.secret_key_id)
    throw damaged('its key is another than its manifest says')
  return text
}

/** A sealing key that is replaced stays beside: other backups may have been made without it. Returns the way back. */
export async function writeKeys(dataDir: string, keys: Partial<Record<KeyName, string>>): Promise<() => Promise<void>> {
  await ensurePrivateDir(secretsDir(dataDir))
  const undo: (() => Promise<void>)[] = []
  // The sealing key last: where it is in place, cut off or not, the others are too.
  for (const name of keyNames.toReversed()) {
    const text = keys[name]
    const path = keyPath(dataDir, name)
    const before = await readSecretFile(path)
    if (text === undefined || before === text) continue
    if (before !== null && name === 'secret.key') await replaceSecretFile(`${path}.${keyIdOf(before)}`, before)
    undo.push(() => (before === null ? rm(path, { force: true }) : replaceSecretFile(path, before)))
    await replaceSecretFile(path, text)
  }
  return async () => {
    for (const step of undo) await step()
  }
}
