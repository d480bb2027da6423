/** Several sealing keys as one sealer: opens what any of them sealed, seals with the one that the database names. */
import { AppError } from '../lib/app-error.ts'
import { createSealer, keyIdIn, type Sealer } from './secrets.ts'

export interface Keyring extends Sealer {
  /** Hex ids, the configured one first. */
  keyIds(): string[]
  has(keyId: string): boolean
  /** Its id. One that is there already changes nothing. */
  add(key: Uint8Array): string
  /** Seals with this one from now on. */
  use(keyId: string): void
}

/** Seals with the first until another is put to use. */
export function createKeyring(keys: readonly Uint8Array[]): Keyring {
  const byId = new Map<string, Sealer>()
  const add = (key: Uint8Array): string => {
    const sealer = createSealer(key)
    if (!byId.has(sealer.keyId)) byId.set(sealer.keyId, sealer)
    return sealer.keyId
  }
  const [first] = keys.map(add)
  if (first === undefined) throw new AppError('invalid_argument', 'a ring has at least one key')
  let current = first

  const view = (of: (sealer: Sealer) => Sealer): Sealer => ({
    get keyId() {
      return current
    },
    seal: (plaintext, aad) => of(byId.get(current)!).seal(plaintext, aad),
    open(sealed, aad) {
      // Of a key that is not here, the current one says so.
      const owner = byId.get(keyIdIn(sealed) ?? current) ?? byId.get(current)!
      return of(owner).open(sealed, aad)
    },
    forPurpose(purpose) {
      const kept = new Map<Sealer, Sealer>()
      return view((sealer) => {
        const own = kept.get(sealer) ?? sealer.forPurpose(purpose)
        kept.set(sealer, own)
        return own
      })
    },
  })

  const ring = view((sealer) => sealer) as Keyring
  ring.keyIds = () => [...byId.keys()]
  ring.has = (keyId) => byId.has(keyId)
  ring.add = add
  ring.use = (keyId) => {
    if (!byId.has(keyId)) throw new AppError('failed_precondition', `this server has no sealing key ${keyId}`)
    current = keyId
  }
  return ring
}
