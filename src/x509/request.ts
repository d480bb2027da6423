/** Certificate requests (PKCS #10): the private key stays where it was made, and its holder proves to have it. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { AppError } from '../lib/app-error.ts'
import { signingAlgorithm, type KeyPair } from './key-pair.ts'
import { x509 } from './library.ts'

/** DER. The name is a courtesy: whoever issues decides what the certificate says. */
export async function createRequest(keys: KeyPair, name: string): Promise<Buffer> {
  const { Pkcs10CertificateRequestGenerator } = await x509()
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys: keys.keys,
    signingAlgorithm,
  })
  return Buffer.from(request.rawData)
}

/** Ours have 250 bytes; with every extension that a tool may add, a few thousand. */
const mostBytes = 16_384

/** The key of a request whose signature is right; nothing else in it is looked at. DER. */
export async function keyOfRequest(request: Uint8Array): Promise<Buffer> {
  if (request.length === 0 || request.length > mostBytes) throw refused('is not a certificate request (PKCS #10)')
  const { Pkcs10CertificateRequest } = await x509()
  let parsed
  try {
    parsed = new Pkcs10CertificateRequest(Buffer.from(request))
  } catch (cause) {
    throw refused('is not a certificate request (PKCS #10)', cause)
  }
  const key = p256(Buffer.from(parsed.publicKey.rawData))
  if (!(await parsed.verify().catch(() => false))) throw refused('is not signed with its own key')
  return key
}

/** Written anew, so that of several spellings of one key only the plain one gets into a certificate. */
function p256(spki: Buffer): Buffer {
  let key: KeyObject | undefined
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
      const plain = createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' })
      return plain.export({ format: 'der', type: 'spki' })
    }
  } catch (cause) {
    throw refused('has no usable public key', cause)
  }
  throw refused('must have an ECDSA P-256 key: openssl ecparam -name prime256v1 -genkey')
}

const refused = (message: string, cause?: unknown): AppError =>
  new AppError('invalid_argument', `the request ${message}`, { fields: [{ field: 'request', message }], cause })
