/** ECDSA P-256, the one kind of key here: in every TLS library, and small enough for a token that one pastes. */
import { webcrypto } from 'node:crypto'
import { derOfPem, pemOf } from './pem.ts'

export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const
export const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const

export interface KeyPair {
  /** PKCS #8. */
  privateKeyPem: string
  keys: webcrypto.CryptoKeyPair
}

export async function generateKeyPair(): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { privateKeyPem: pemOf('PRIVATE KEY', Buffer.from(pkcs8)), keys }
}

/** To sign with; it cannot be taken out of the process again. */
export const signingKey = (privateKeyPem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', derOfPem('PRIVATE KEY', privateKeyPem, 'key'), keyAlgorithm, false, ['sign'])
