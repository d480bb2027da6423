/** Who a certificate says it is for. Node's own parser, no library: every connection comes through here. */
import type { X509Certificate } from 'node:crypto'

export interface CertificateIdentity {
  /** SHA-256 of the certificate (DER). */
  fingerprint: Buffer
  /** Each OU of the subject, in order: whoever wants one must look that it is the only one. */
  organizationalUnits: string[]
  commonName: string
  notAfter: Date
}

export function identityOf(certificate: X509Certificate): CertificateIdentity {
  // One value is a string, several are an array, none is missing.
  const subject = certificate.toLegacyObject().subject as unknown as Record<string, string | string[] | undefined>
  return {
    fingerprint: Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex'),
    organizationalUnits: [subject?.OU ?? []].flat(),
    commonName: [subject?.CN ?? []].flat()[0] ?? '',
    notAfter: new Date(certificate.validTo),
  }
}
