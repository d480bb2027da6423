/**
 * This server's own certificate: issued by the authority in the database, kept in the data directory, made anew when
 * two thirds of its life are over, when it holds no longer or when the names that clients dial have changed.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { audit } from '../access/audit.ts'
import { defaultDays, issueCertificate, trustedAuthorities, verifyCertificates } from '../access/certificates/index.ts'
import { systemPrincipal } from '../access/permissions.ts'
import type { Sealer } from '../access/secrets.ts'
import type { SecureCredentials } from '../api/grpc/secure-listener.ts'
import type { Config } from '../config/config.ts'
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import { ensurePrivateDir } from '../lib/private-dir.ts'
import { identityOf } from '../x509/identity.ts'
import { generateKeyPair } from '../x509/key-pair.ts'
import { createRequest } from '../x509/request.ts'

export interface CredentialParts {
  db: Db
  sealer: Sealer
  /** Where secrets are kept. */
  dir: string
  name: string
  hosts: readonly string[]
  /** Of a new certificate. */
  days?: number
}

/** Undefined while there is no authority. */
export async function serverCredentials(parts: CredentialParts): Promise<SecureCredentials | undefined> {
  const authorityPems = await trustedAuthorities(parts.db)
  if (authorityPems.length === 0) return undefined
  const kept = await read(parts.dir)
  const own = kept !== undefined && (await fits(kept, parts)) ? kept : await make(parts)
  return { ...own, authorityPems }
}

type Own = Pick<SecureCredentials, 'certificatePem' | 'privateKeyPem'>

const certificateFile = 'server.crt'
const keyFile = 'server.key'

async function read(dir: string): Promise<Own | undefined> {
  try {
    const [certificatePem, privateKeyPem] = await Promise.all(
      [certificateFile, keyFile].map((name) => readFile(join(dir, name), 'utf8')),
    )
    return { certificatePem: certificatePem!, privateKeyPem: privateKeyPem! }
  } catch {
    return undefined
  }
}

async function fits({ certificatePem, privateKeyPem }: Own, { db, name, hosts }: CredentialParts): Promise<boolean> {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(certificatePem)
    // A crash between the two files leaves a pair that is none.
    if (!certificate.checkPrivateKey(createPrivateKey(privateKeyPem))) return false
  } catch {
    return false
  }
  if (!isYoung(certificate) || !namesExactly(certificate, hosts)) return false
  const { fingerprint } = identityOf(certificate)
  const holder = (await verifyCertificates(db, [fingerprint])).get(fingerprint.toString('hex'))
  return holder?.role === 'server' && holder.name === name
}

function isYoung({ validFrom, validTo }: X509Certificate): boolean {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
  return Date.now() < from + ((to - from) * 2) / 3
}

function namesExactly(certificate: X509Certificate, hosts: readonly string[]): boolean {
  const named = (certificate.subjectAltName ?? '').split(', ').filter((name) => /^(DNS|IP Address):/.test(name))
  const covers = (host: string): boolean =>
    (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
  return named.length === hosts.length && hosts.every(covers)
}

async function make({ db, sealer, dir, name, hosts, days = defaultDays.server }: CredentialParts): Promise<Own> {
  const keys = await generateKeyPair()
  const request = await createRequest(keys, name)
  const issued = await db.tx(async (tx) => {
    const made = await issueCertificate(tx, sealer, { request, name, role: 'server', days, issuedBy: 'system', hosts })
    await audit(tx, {
      actor: systemPrincipal,
      action: 'certificate.issue',
      target: `certificate:${made.id}`,
      result: 'done',
      detail: { name, role: 'server', hosts, not_after: made.notAfter.toISOString() },
    })
    return made
  })
  const own = { certificatePem: issued.certificatePem, privateKeyPem: keys.privateKeyPem }
  await ensurePrivateDir(dir)
  await replace(join(dir, keyFile), own.privateKeyPem)
  await replace(join(dir, certificateFile), own.certificatePem)
  emitFact({ name: 'grpc.certificate_made', server: name, hosts, not_after: issued.notAfter.toISOString() })
  return own
}

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** What clients may dial. Other machines often know another name: `RUNYARD_GRPC_NAMES` adds those. */
export function hostsOf(config: Pick<Config, 'grpcHost' | 'grpcNames' | 'grpcAddress'>): string[] {
  const everywhere = config.grpcHost === '0.0.0.0' || config.grpcHost === '::'
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  // A link-local address (fe80::) means nothing without its interface.
  const outside = own.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  const dialled = config.grpcAddress?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  const all = [
    hostname(),
    'localhost',
    '127.0.0.1',
    '::1',
    ...(everywhere ? outside.map(({ address }) => address) : [config.grpcHost]),
    ...config.grpcNames,
    ...(dialled === undefined ? [] : [dialled]),
  ]
  return [
    ...new Set(all.filter((host) => isIP(host) !== 0 || /^[A-Za-z0-9_*]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(host))),
  ]
}
