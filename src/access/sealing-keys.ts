/** Which keys the installation has had, and which of its servers have them. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import type { Keyring } from './keyring.ts'
import { createSealer } from './secrets.ts'

export interface SealingKey {
  keyId: string
  addedAt: Date
  usedAt: Date | null
  retiredAt: Date | null
  /** New values are sealed with it. */
  current: boolean
}

/** Newest first. */
export async function listSealingKeys(db: Queryable): Promise<SealingKey[]> {
  const { rows } = await db.query<SealingKey>(
    `select k.key_id as "keyId", k.added_at as "addedAt", k.used_at as "usedAt", k.retired_at as "retiredAt",
       k.key_id = i.secret_key_id as current
     from sealing_keys k, installation i order by k.added_at desc, k.key_id`,
  )
  return rows
}

/**
 * The first server writes its key down. A later one seals with the key that is written there, and refuses to start when
 * it lacks that one or another that values may still be sealed with.
 */
export async function claimSecretKey(db: Queryable, ring: Keyring): Promise<void> {
  const { rows } = await db.query<{ key: string }>(
    `update installation set secret_key_id = coalesce(secret_key_id, $1) returning secret_key_id as key`,
    [ring.keyId],
  )
  const current = rows[0]!.key
  await db.query(
    `insert into sealing_keys (key_id, used_at) select $1, now() where $2 on conflict (key_id) do nothing`,
    [current, ring.has(current)],
  )
  const needed = (await listSealingKeys(db)).filter((key) => key.usedAt !== null && key.retiredAt === null)
  const missing = [...new Set([current, ...needed.map(({ keyId }) => keyId)])].filter((id) => !ring.has(id))
  if (missing.length > 0) throw noKey(missing[0]!, ring)
  ring.use(current)
}

const noKey = (missing: string, ring: Keyring): AppError =>
  new AppError(
    'failed_precondition',
    `this database was sealed with key ${missing}, and this server has key ${ring.keyIds().join(', ')}: ` +
      'give it the first server’s key, RUNYARD_SECRET_KEY or the file secrets/secret.key of its data directory; one from ' +
      `before a change of keys goes into RUNYARD_OLD_SECRET_KEYS or the file secrets/secret.key.${missing}`,
  )

/** This server says which keys it has; answers which one the installation seals with. */
export async function noteServerKeys(db: Queryable, serverId: string, ring: Keyring): Promise<string> {
  const { rows } = await db.query<{ key: string }>({
    name: 'sealing_keys_note',
    text: `with noted as (update servers set sealing_key = $2, opens_keys = $3 where id = $1
         and (sealing_key is distinct from $2 or opens_keys <> $3))
       select secret_key_id as key from installation`,
    values: [serverId, ring.keyId, ring.keyIds().toSorted()],
  })
  return rows[0]!.key
}

export interface ServerKeys {
  id: string
  name: string
  sealingKey: string | null
  opens: string[]
}

/** Of those that are there. */
export async function serverKeys(db: Queryable, awayAfterSeconds: number): Promise<ServerKeys[]> {
  const { rows } = await db.query<ServerKeys>(
    `select id, name, sealing_key as "sealingKey", opens_keys as opens from servers
     where last_seen_at > clock_timestamp() - make_interval(secs => $1) order by name`,
    [awayAfterSeconds],
  )
  return rows
}

const rotationLock = 7_281_011

/** One at a time, until the transaction ends. */
export async function lockRotation(tx: Queryable): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [rotationLock])
}

export async function prepareKey(tx: Queryable, keyId: string): Promise<void> {
  await tx.query('insert into sealing_keys (key_id) values ($1) on conflict (key_id) do nothing', [keyId])
}

/** All servers seal with it from now on, each within seconds. */
export async function putToUse(tx: Queryable, keyId: string): Promise<void> {
  await tx.query(
    `insert into sealing_keys (key_id, used_at) values ($1, now())
     on conflict (key_id) do update set used_at = now(), retired_at = null`,
    [keyId],
  )
  await tx.query('update installation set secret_key_id = $1', [keyId])
}

export async function retireKeys(tx: Queryable, keyIds: readonly string[]): Promise<void> {
  await tx.query('update sealing_keys set retired_at = now() where key_id = any($1::text[]) and retired_at is null', [
    keyIds,
  ])
}

/** Of these, the one that the installation has had longest. */
export async function oldestKeyOf(db: Queryable, keys: readonly Uint8Array[]): Promise<Uint8Array> {
  const byId = new Map(keys.map((key) => [createSealer(key).keyId, key]))
  const { rows } = await db.query<{ id: string }>(
    `select key_id as id from sealing_keys where key_id = any($1::text[]) and used_at is not null
     order by added_at, used_at limit 1`,
    [[...byId.keys()]],
  )
  return byId.get(rows[0]?.id ?? '') ?? keys[0]!
}
