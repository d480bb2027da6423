/** Who may use the helper API of an attempt: whoever has its token, which stands in its environment alone. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** The hash is no secret: it waits on disk for the next runner process. */
export interface HelperAccess {
  token: string
  tokenHash: string
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()

export function newAccess(): HelperAccess {
  const token = `ryh_${randomBytes(32).toString('base64url')}`
  return { token, tokenHash: hashOf(token).toString('hex') }
}

/** `authorization`: the header as it came. */
export function mayUse(authorization: string | undefined, tokenHash: string): boolean {
  const token = /^Bearer +(\S{1,512})$/i.exec(authorization ?? '')?.[1]
  return token !== undefined && timingSafeEqual(hashOf(token), Buffer.from(tokenHash, 'hex'))
}
