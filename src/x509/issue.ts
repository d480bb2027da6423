/** Certificates: whom they name and what they are good for is decided here, not by the request. */
import { createHash, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { Authority } from './authority.ts'
import { signingAlgorithm, signingKey } from './key-pair.ts'
import { x509 } from './library.ts'
import { keyOfRequest } from './request.ts'
import type { CertificateRole } from './roles.ts'

export interface Issued {
  certificatePem: string
  /** SHA-256 of the certificate (DER). */
  fingerprint: Buffer
  /** Hexadecimal. */
  serial: string
  notBefore: Date
  notAfter: Date
}

export interface IssueInput {
  /** PKCS #10, DER. Its signature and key are checked; what it asks for is not looked at. */
  request: Uint8Array
  name: string
  role: CertificateRole
  uri: string
  notAfter: Date
  /** DNS names and IP addresses, for a server. */
  hosts?: readonly string[]
  /** The clock of whoever registers it, the database's. */
  now?: Date
}

/** Clocks differ: a certificate must hold at once for whoever is a little behind. */
const earlierMs = 60_000

export async function issue(authority: Authority, input: IssueInput): Promise<Issued> {
  const library = await x509()
  const publicKey = await keyOfRequest(input.request)
  const issuer = new library.X509Certificate(authority.certificatePem)
  const serial = newSerial()
  const notBefore = wholeSeconds((input.now ?? new Date()).getTime() - earlierMs)
  const notAfter = wholeSeconds(input.notAfter.getTime())
  const { clientAuth, serverAuth } = library.ExtendedKeyUsage
  const usages = input.role === 'server' ? [serverAuth, clientAuth] : [clientAuth]
  const hosts = input.role === 'server' ? (input.hosts ?? []) : []
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ O: ['Runyard'] }, { OU: [input.role] }, { CN: [input.name] }],
    issuer: issuer.subjectName,
    notBefore,
    notAfter,
    publicKey: new library.PublicKey(publicKey),
    signingKey: await signingKey(authority.privateKeyPem),
    signingAlgorithm,
    extensions: [
      new library.BasicConstraintsExtension(false, undefined, true),
      new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
      new library.ExtendedKeyUsageExtension(usages),
      new library.SubjectAlternativeNameExtension([
        { type: 'url', value: input.uri },
        ...hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host })),
      ]),
      await library.SubjectKeyIdentifierExtension.create(new library.PublicKey(publicKey)),
      await library.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  const der = Buffer.from(certificate.rawData)
  const fingerprint = createHash('sha256').update(der).digest()
  return { certificatePem: `${certificate.toString('pem')}\n`, fingerprint, serial, notBefore, notAfter }
}

/** 126 random bits; positive, and never shorter than it looks. */
export function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}

/** Certificates know no smaller unit. */
export const wholeSeconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000)
