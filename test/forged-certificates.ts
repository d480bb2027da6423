/** Certificates that the product would not issue. */
import type { Authority } from '../src/x509/authority.ts'
import { generateKeyPair, signingAlgorithm, signingKey } from '../src/x509/key-pair.ts'

export interface Forgery {
  /** Signs it; none: it signs itself. */
  by?: Authority
  /** Each `[type, value]`, in this order; several values are one name of several parts. The default is a plain admin. */
  subject?: [type: string, ...values: string[]][]
  notBefore?: Date
  notAfter?: Date
  /** Extended key usages; none: client authentication. */
  usages?: ('client' | 'server')[]
  isAuthority?: boolean
}

export interface Forged {
  cert: string
  key: string
  fingerprint: Buffer
}

const hour = 3_600_000

export async function forge(want: Forgery = {}): Promise<Forged> {
  await import('reflect-metadata')
  const library = await import('@peculiar/x509')
  const { keys, privateKeyPem } = await generateKeyPair()
  const { clientAuth, serverAuth } = library.ExtendedKeyUsage
  const subject = (
    want.subject ?? [
      ['OU', 'admin'],
      ['CN', 'mallory'],
    ]
  ).map(([type, ...values]) => ({ [type!]: values }))
  const issuer = want.by && new library.X509Certificate(want.by.certificatePem)
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(15)))
      .toString('hex')
      .replace(/^./, '4'),
    subject,
    issuer: issuer?.subjectName ?? new library.Name(subject),
    notBefore: want.notBefore ?? new Date(Date.now() - hour),
    notAfter: want.notAfter ?? new Date(Date.now() + hour),
    publicKey: keys.publicKey,
    signingKey: want.by ? await signingKey(want.by.privateKeyPem) : keys.privateKey,
    signingAlgorithm,
    extensions: [
      new library.BasicConstraintsExtension(want.isAuthority === true, undefined, true),
      new library.ExtendedKeyUsageExtension(
        (want.usages ?? ['client']).map((usage) => (usage === 'client' ? clientAuth : serverAuth)),
      ),
      ...(issuer ? [await library.AuthorityKeyIdentifierExtension.create(issuer.publicKey)] : []),
      await library.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: privateKeyPem,
    fingerprint: Buffer.from(await certificate.getThumbprint('SHA-256')),
  }
}
