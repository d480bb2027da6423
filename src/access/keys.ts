/** The installation's keys: from configuration, else generated once into `<data dir>/secrets/` and kept. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { ensurePrivateDir } from '../lib/private-dir.ts'
import { keepSecretFile } from './key-files.ts'
import { keptKeys, secretsDir } from './kept-keys.ts'

export { secretsDir } from './kept-keys.ts'

export interface Keys {
  /** Signs session tokens. */
  jwtSecret: Uint8Array
  /** Seals stored secrets; 32 bytes. */
  secretKey: Uint8Array
  /** Further ones, which open what they sealed. */
  otherSecretKeys: Uint8Array[]
}

export interface KeySettings {
  dataDir: string
  jwtSecret?: string
  secretKey?: string
  oldSecretKeys?: readonly string[]
}

/** Throws one `failed_precondition` that names every key that is too weak to use. */
export async function ensureKeys(settings: KeySettings): Promise<Keys> {
  const dir = secretsDir(settings.dataDir)
  await ensurePrivateDir(dir)
  const generate = (): string => randomBytes(32).toString('base64')
  const jwt = settings.jwtSecret ?? (await keepSecretFile(join(dir, 'jwt.key'), generate))
  const seal = settings.secretKey ?? (await keepSecretFile(join(dir, 'secret.key'), generate))
  const jwtSecret = Buffer.from(jwt)
  const secretKey = Buffer.from(seal, 'base64')
  const fields: FieldProblem[] = []
  const where = (set: unknown, env: string, file: string): string => (set === undefined ? join(dir, file) : env)
  if (!strong(jwtSecret)) {
    const message = 'must be 32 random bytes or more: openssl rand -base64 32'
    fields.push({ field: where(settings.jwtSecret, 'RUNYARD_JWT_SECRET', 'jwt.key'), message })
  }
  if (secretKey.length !== 32 || !/^[A-Za-z0-9+/_-]{43}=?$/.test(seal) || !strong(secretKey)) {
    const message = 'must be 32 random bytes in base64: openssl rand -base64 32'
    fields.push({ field: where(settings.secretKey, 'RUNYARD_SECRET_KEY', 'secret.key'), message })
  }
  if (fields.length > 0) {
    const all = fields.map(({ field, message }) => `${field} ${message}`).join('; ')
    throw new AppError('failed_precondition', all, { fields })
  }
  const others = [...(settings.oldSecretKeys ?? []), ...(await keptKeys(settings.dataDir)).map(({ text }) => text)]
  return { jwtSecret, secretKey, otherSecretKeys: others.map((text) => Buffer.from(text, 'base64')) }
}

/** A published default, a word repeated or one letter 32 times has few different bytes; 32 random ones have many. */
const strong = (key: Uint8Array): boolean => key.length >= 32 && new Set(key).size >= 12
