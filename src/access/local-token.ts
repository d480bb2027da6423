/** The credential of the command line on the server's own machine: an API token of the first administrator, in a file. */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Db } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { ensurePrivateDir } from '../lib/private-dir.ts'
import { createApiToken, verifyApiToken } from './api-tokens.ts'
import { readSecretFile, replaceSecretFile } from './key-files.ts'
import { secretsDir } from './keys.ts'
import type { Principal } from './permissions.ts'

export const localTokenPath = (dataDir: string): string => join(secretsDir(dataDir), 'local.token')

/** Its name when there was one server. */
const before = 'command line on this machine'

/** One for each data directory: several servers share a database, and must not revoke each other's. */
function nameOf(dataDir: string): string {
  const place = createHash('sha256').update(`${hostname()}\0${dataDir}`).digest('hex').slice(0, 8)
  return `${before} (${place})`
}

/** Two at once would each revoke the token that the other has just written. */
const turns = new Map<string, Promise<string>>()

/** Keeps a file that still holds; else makes a new token and revokes the one before. */
export function ensureLocalToken(db: Db, dataDir: string): Promise<string> {
  const before = turns.get(dataDir) ?? Promise.resolve('')
  const turn = before.catch(() => '').then(() => keepLocalToken(db, dataDir))
  turns.set(dataDir, turn)
  const leave = (): void => void (turns.get(dataDir) === turn && turns.delete(dataDir))
  turn.then(leave, leave)
  return turn
}

async function keepLocalToken(db: Db, dataDir: string): Promise<string> {
  const path = localTokenPath(dataDir)
  const name = nameOf(dataDir)
  await ensurePrivateDir(secretsDir(dataDir))
  const kept = await readSecretFile(path)
  if (kept !== null && (await stillHolds(db, kept))) return kept
  const token = await db.tx(async (tx) => {
    const { rows } = await tx.query<{ id: string }>(
      `select id from users where role = 'admin' and disabled_at is null order by id limit 1 for update`,
    )
    if (!rows[0])
      throw new AppError('failed_precondition', 'there is no enabled administrator: runyard user add --role admin')
    await tx.query(
      `update api_tokens set revoked_at = now() where user_id = $1 and name = any($2) and revoked_at is null`,
      [rows[0].id, [name, before]],
    )
    return (await createApiToken(tx, { userId: rows[0].id, name })).token
  })
  await replaceSecretFile(path, token)
  return token
}

/** Whether somebody came with the token that is in this machine's file now: its name alone anybody could give. */
export async function isLocalToken(db: Db, dataDir: string, principal: Principal): Promise<boolean> {
  if (principal.kind !== 'token') return false
  const kept = await readSecretFile(localTokenPath(dataDir))
  return kept !== null && (await stillHolds(db, kept)) && (await verifyApiToken(db, kept)).tokenId === principal.tokenId
}

async function stillHolds(db: Db, token: string): Promise<boolean> {
  try {
    return (await verifyApiToken(db, token)).role === 'admin'
  } catch (error) {
    if (error instanceof AppError && error.code === 'unauthenticated') return false
    throw error
  }
}
