/**
 * Seals secrets for the database. One envelope for each value:
 *
 *   version u8 | key id 8 | salt 16 | nonce 12 | tag 16 | ciphertext
 *
 * AES-256-GCM under HKDF(key, salt, purpose): each value has its own key, so random nonces cannot collide, and each
 * purpose has its own keys, so a value is useless where it does not belong. The AAD binds it to its row.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { AppError } from '../lib/app-error.ts'

export interface Sealer {
  /** Hex; stored as `installation.secret_key_id`. */
  keyId: string
  /** `aad` names the row that the value belongs to, e.g. `job:<public id>`; opening needs the same. */
  seal(plaintext: Uint8Array | string, aad: string): Buffer
  /** Throws `failed_precondition` for another key, another row, or a changed byte. */
  open(sealed: Uint8Array, aad: string): Buffer
  /** The same key for another kind of value. */
  forPurpose(purpose: string): Sealer
}

const version = 1
const headBytes = 1 + 8 + 16 + 12 + 16

const derive = (key: Uint8Array, salt: Uint8Array, info: string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, info, length))

/** Hex; null: not a sealed value. */
export function keyIdIn(sealed: Uint8Array): string | null {
  if (sealed.length < headBytes || sealed[0] !== version) return null
  return Buffer.from(sealed.subarray(1, 9)).toString('hex')
}

/** The same inside a statement: `column` is not sealed with the key whose id in hex is `keyId`. */
export const sealedOtherwise = (column: string, keyId: string): string =>
  `substring(${column} from 2 for 8) <> decode(${keyId}, 'hex')`

export function createSealer(key: Uint8Array, purpose = 'job-env'): Sealer {
  if (key.length !== 32) throw new AppError('invalid_argument', 'the sealing key must have 32 bytes')
  const keyId = derive(key, Buffer.alloc(0), 'runyard key id', 8)
  const associated = (aad: string): Buffer => Buffer.concat([Buffer.of(version), keyId, Buffer.from(aad)])
  const keyFor = (salt: Uint8Array): Buffer => derive(key, salt, `runyard seal ${purpose}`, 32)

  return {
    keyId: keyId.toString('hex'),
    seal(plaintext, aad) {
      const salt = randomBytes(16)
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', keyFor(salt), nonce)
      cipher.setAAD(associated(aad))
      const text = Buffer.concat([cipher.update(plaintext), cipher.final()])
      return Buffer.concat([Buffer.of(version), keyId, salt, nonce, cipher.getAuthTag(), text])
    },
    open(sealed, aad) {
      const bytes = Buffer.from(sealed)
      if (bytes.length < headBytes || bytes[0] !== version)
        throw new AppError('failed_precondition', 'not a sealed value')
      if (!bytes.subarray(1, 9).equals(keyId)) {
        throw new AppError('failed_precondition', `sealed with another key (${bytes.subarray(1, 9).toString('hex')})`)
      }
      const decipher = createDecipheriv('aes-256-gcm', keyFor(bytes.subarray(9, 25)), bytes.subarray(25, 37))
      decipher.setAAD(associated(aad))
      decipher.setAuthTag(bytes.subarray(37, headBytes))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(headBytes)), decipher.final()])
      } catch (cause) {
        throw new AppError('failed_precondition', 'a sealed value was changed or belongs elsewhere', { cause })
      }
    },
    forPurpose: (other) => createSealer(key, other),
  }
}
