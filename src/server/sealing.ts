/** The keys that a server seals and opens with, as the database wants them. */
import { hkdfSync } from 'node:crypto'
import { promoteKey } from '../access/kept-keys.ts'
import { createKeyring, type Keyring } from '../access/keyring.ts'
import type { Keys } from '../access/keys.ts'
import { claimSecretKey, oldestKeyOf } from '../access/sealing-keys.ts'
import type { Config } from '../config/config.ts'
import type { Db } from '../db/pool.ts'

export interface Sealing {
  keyring: Keyring
  fingerprintKey: Buffer
}

/** Throws `failed_precondition` when a key is missing that stored values need. */
export async function openSealing(config: Config, db: Db, keys: Keys): Promise<Sealing> {
  const all = [keys.secretKey, ...keys.otherSecretKeys]
  const keyring = createKeyring(all)
  await claimSecretKey(db, keyring)
  if (config.secretKey === undefined) await promoteKey(config.dataDir, keyring.keyId)
  // Of the installation's oldest key that is here: a retried request is known again while its key is changed.
  const oldest = await oldestKeyOf(db, all)
  return { keyring, fingerprintKey: Buffer.from(hkdfSync('sha256', oldest, '', 'runyard idempotency', 32)) }
}
