/** Whom a client certificate lets in, asked of the database; an answer a moment old serves a crowd that reconnects. */
import type { X509Certificate } from 'node:crypto'
import { authenticateCertificate, stillHold, type CertificateHolder } from '../access/authenticate.ts'
import { rememberMs } from '../access/recent-access.ts'
import type { Db } from '../db/pool.ts'
import { identityOf } from '../x509/identity.ts'
import type { DatabaseWatch } from './database-watch.ts'

export interface CertificateAccess {
  holderOf(certificate: X509Certificate): Promise<CertificateHolder>
  stillHold(fingerprints: readonly Buffer[]): Promise<Map<string, CertificateHolder>>
  /** Access has changed somewhere. */
  forget(): void
}

const mostRemembered = 1_000

export function certificateAccess(db: Db, watch: Pick<DatabaseWatch, 'whileThere'>): CertificateAccess {
  const recent = new Map<string, { at: number; holder: Promise<CertificateHolder> }>()
  return {
    holderOf(certificate) {
      const identity = identityOf(certificate)
      const key = identity.fingerprint.toString('hex')
      const now = performance.now()
      const known = recent.get(key)
      if (known !== undefined && now - known.at < rememberMs) return known.holder
      const holder = watch.whileThere(() => authenticateCertificate(db, identity))
      if (recent.size >= mostRemembered) recent.clear()
      recent.set(key, { at: now, holder })
      // Only a yes is remembered.
      holder.catch(() => {
        if (recent.get(key)?.holder === holder) recent.delete(key)
      })
      return holder
    },
    stillHold: (fingerprints) => watch.whileThere(() => stillHold(db, fingerprints)),
    forget: () => recent.clear(),
  }
}
