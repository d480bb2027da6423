/** The authority of one installation: it signs certificates, and no other authorities. */
import { generateKeyPair, signingAlgorithm } from './key-pair.ts'
import { x509 } from './library.ts'
import { newSerial, wholeSeconds } from './issue.ts'

export interface Authority {
  certificatePem: string
  /** PKCS #8. */
  privateKeyPem: string
}

/** `now` is the clock of whoever keeps it, the database's. */
export async function createAuthority(input: {
  name: string
  years: number
  now?: Date
}): Promise<Authority & { notAfter: Date }> {
  const {
    BasicConstraintsExtension,
    KeyUsageFlags,
    KeyUsagesExtension,
    SubjectKeyIdentifierExtension,
    X509CertificateGenerator,
  } = await x509()
  const { keys, privateKeyPem } = await generateKeyPair()
  const now = input.now ?? new Date()
  const notBefore = wholeSeconds(now.getTime() - 60_000)
  const notAfter = new Date(notBefore)
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + input.years)
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ O: ['Runyard'] }, { CN: [input.name] }],
    serialNumber: newSerial(),
    notBefore,
    notAfter,
    keys,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem, notAfter }
}
