/**
 * A new sealing key: made and brought to every server, put to use, and all that was sealed with an older one sealed anew
 * in the background. At every moment each server opens what any other one has sealed.
 */
import { keyIdOf, keptKeys, keyPath, makeKey, promoteKey } from '../access/kept-keys.ts'
import {
  listSealingKeys,
  lockRotation,
  noteServerKeys,
  prepareKey,
  putToUse,
  retireKeys,
  serverKeys,
  type SealingKey,
} from '../access/sealing-keys.ts'
import type { Keyring } from '../access/keyring.ts'
import { may } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import { awayAfterSeconds } from '../queue/servers.ts'
import { audited } from './audited.ts'
import { known, refusal, type Ask, type Deps } from './deps.ts'
import { onlyAdmin } from './people-changes.ts'
import { countSealed, resealSome, sealedPlaces, someLeft } from './sealed-places.ts'

export async function showSealingKeys(deps: Deps, anyAsk: Ask) {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'secret.rotate'))
    throw refusal(ask, 'secret.rotate', 'only an administrator may see the keys')
  const counts = await countSealed(deps.db)
  const servers = await serverKeys(deps.db, awayAfterSeconds)
  const keys = (await listSealingKeys(deps.db)).map(({ keyId, current, addedAt, usedAt, retiredAt }) => ({
    key_id: keyId,
    state: current ? ('current' as const) : stateOf(usedAt, retiredAt),
    values: counts.get(keyId) ?? 0,
    added_at: addedAt.toISOString(),
    used_at: usedAt?.toISOString() ?? null,
    retired_at: retiredAt?.toISOString() ?? null,
    missing_on: servers.filter(({ opens }) => !opens.includes(keyId)).map(({ name }) => name),
  }))
  return { keys }
}

const stateOf = (usedAt: Date | null, retiredAt: Date | null) =>
  usedAt === null ? ('prepared' as const) : retiredAt === null ? ('old' as const) : ('retired' as const)

/** `missing_on`: servers that lack the new key; it is put to use when this is asked again and they have it. */
export async function rotateKey(deps: Deps, anyAsk: Ask) {
  const ask = known(anyAsk)
  const { keyring, config } = deps
  const done = await audited(deps, ask, { action: 'secret.rotate' }, async (tx, note) => {
    onlyAdmin(ask, 'secret.rotate')
    await lockRotation(tx)
    const keys = await listSealingKeys(tx)
    const old = keys.find(({ usedAt, retiredAt, current }) => usedAt !== null && retiredAt === null && !current)
    if (old !== undefined) {
      const words = `values that key ${old.keyId} sealed are still being sealed anew: see runyard secret keys`
      throw new AppError('conflict', words)
    }
    const target =
      config.secretKey === undefined ? await keptTarget(deps, keys) : configuredTarget(config.secretKey, keyring)
    await prepareKey(tx, target.keyId)
    // Our own row may be some seconds old.
    const others = (await serverKeys(tx, awayAfterSeconds)).filter(({ id }) => id !== deps.logKeeper.here.server)
    const missing = others.filter(({ opens }) => !opens.includes(target.keyId)).map(({ name }) => name)
    if (missing.length === 0) await putToUse(tx, target.keyId)
    note({ key: target.keyId, used: missing.length === 0, missing_on: missing })
    return { key_id: target.keyId, used: missing.length === 0, missing_on: missing, file: target.path }
  })
  if (done.used) {
    await followKey(deps, done.key_id)
    await noteServerKeys(deps.db, deps.logKeeper.here.server, keyring)
  }
  emitFact({ name: 'secrets.key_changed', id: done.key_id, used: done.used })
  return done
}

interface Target {
  keyId: string
  /** Of its file; null: it is in the configuration. */
  path: string | null
}

/** The one that was made before and not every server had, else a new one. */
async function keptTarget({ config, keyring }: Deps, keys: readonly SealingKey[]): Promise<Target> {
  const prepared = keys.find(({ usedAt, keyId }) => usedAt === null && keyring.has(keyId))
  if (prepared !== undefined) return { keyId: prepared.keyId, path: keyPath(config.dataDir, prepared.keyId) }
  const { key, path } = await makeKey(config.dataDir)
  return { keyId: keyring.add(key), path }
}

function configuredTarget(configured: string, keyring: Keyring): Target {
  const keyId = keyIdOf(configured)!
  if (keyId !== keyring.keyId) return { keyId, path: null }
  throw new AppError(
    'failed_precondition',
    'RUNYARD_SECRET_KEY is the key in use: give every server a new one (openssl rand -base64 32), the present one in ' +
      'RUNYARD_OLD_SECRET_KEYS, and restart them one after the other; then ask again',
  )
}

/** Seals with it from now on; of keys in files, it becomes `secret.key`. */
async function followKey({ keyring, config }: Pick<Deps, 'keyring' | 'config'>, keyId: string): Promise<void> {
  keyring.use(keyId)
  if (config.secretKey === undefined) await promoteKey(config.dataDir, keyId)
}

/** On every server: keys that were brought to it are taken, and the one that was put to use is used. */
export const keyringWatch = (deps: Deps): Service => ({
  name: 'secrets.follow_keys',
  every: 5000,
  async runOnce() {
    const { db, keyring, config, logKeeper } = deps
    for (const { text } of await keptKeys(config.dataDir)) keyring.add(Buffer.from(text, 'base64'))
    const current = await noteServerKeys(db, logKeeper.here.server, keyring)
    if (current === keyring.keyId) return
    if (keyring.has(current)) {
      await followKey(deps, current)
      await noteServerKeys(db, logKeeper.here.server, keyring)
    } else emitFact({ name: 'secrets.key_missing', level: 'error', id: current })
  },
})

/** So many batches before other services have a turn. */
const batchesAtOnce = 20

/** On the leader: seals anew what an older key has sealed, until nothing is left, and retires that key then. */
export function resealing(deps: Deps): Service {
  const { db, keyring } = deps
  let place = 0
  let after = '0'
  let done = 0
  const unreadable = sealedPlaces.map(() => new Set<string>())

  const restart = (): void => {
    place = 0
    after = '0'
  }
  /** Whether the round is through. */
  const batch = async (): Promise<boolean> => {
    const at = sealedPlaces[place]
    if (at === undefined) return true
    const some = await resealSome(db, keyring, at, after)
    for (const id of some.unreadable) unreadable[place]!.add(id)
    done += some.done
    after = some.last ?? '0'
    if (some.last === null) place += 1
    return false
  }

  return {
    name: 'secrets.reseal',
    every: 2000,
    async runOnce() {
      const keys = await listSealingKeys(db)
      const old = keys.filter(({ usedAt, retiredAt, current }) => usedAt !== null && retiredAt === null && !current)
      const current = keys.find((key) => key.current)?.keyId
      if (old.length === 0 || current !== keyring.keyId) return restart()
      for (let i = 0; i < batchesAtOnce; i++) {
        if (!(await batch())) continue
        restart()
        if (await isDone(deps, current, unreadable)) await retire(old)
        return undefined
      }
      return 10
    },
  }

  async function retire(old: readonly SealingKey[]): Promise<void> {
    const ids = old.map(({ keyId }) => keyId)
    await retireKeys(db, ids)
    const broken = unreadable.reduce((sum, { size }) => sum + size, 0)
    emitFact({ name: 'secrets.resealed', id: keyring.keyId, retired: ids.join(','), values: done, unreadable: broken })
    done = 0
    for (const one of unreadable) one.clear()
  }
}

/** Nothing is left, and no server seals with another key any more. */
async function isDone({ db }: Deps, keyId: string, unreadable: readonly Set<string>[]): Promise<boolean> {
  const servers = await serverKeys(db, awayAfterSeconds)
  if (servers.some(({ sealingKey }) => sealingKey !== keyId)) return false
  for (const [i, place] of sealedPlaces.entries()) {
    if (await someLeft(db, keyId, place, [...unreadable[i]!])) return false
  }
  return true
}
