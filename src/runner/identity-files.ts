/**
 * What a machine has of being a runner: `<data dir>/runner-identity/` with its certificate, its key, the authorities
 * that servers come from, and where they are. The key was made here and never leaves.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '../lib/app-error.ts'
import { identityOf } from '../x509/identity.ts'
import { parseServers, showEndpoint, type CredentialFiles, type Endpoint } from './server-address.ts'

export interface NewCredentials {
  certificatePem: string
  privateKeyPem: string
  authoritiesPem: string
}

export const identityDir = (dataDir: string): string => join(dataDir, 'runner-identity')

export const filesIn = (dir: string): CredentialFiles => ({
  cert: join(dir, 'runner.crt'),
  key: join(dir, 'runner.key'),
  ca: join(dir, 'ca.crt'),
})

/** Null: this machine was not enrolled. */
export async function readIdentity(dataDir: string): Promise<{ servers: Endpoint[]; files: CredentialFiles } | null> {
  const file = join(identityDir(dataDir), 'servers.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
  let servers: unknown
  try {
    servers = JSON.parse(text)
  } catch {
    servers = undefined
  }
  if (!Array.isArray(servers) || servers.length === 0 || !servers.every((one) => typeof one === 'string')) {
    throw new AppError('failed_precondition', `${file} is damaged: enrol again with --force`)
  }
  return { servers: parseServers(servers.join(','), file), files: filesIn(identityDir(dataDir)) }
}

/** All of it or nothing. One that is there stays there unless `replace`. */
export async function writeIdentity(
  dataDir: string,
  { servers, ...credentials }: NewCredentials & { servers: Endpoint[] },
  replace: boolean,
): Promise<void> {
  const [dir, draft, old] = ['', '.new', '.old'].map((end) => identityDir(dataDir) + end) as [string, string, string]
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  try {
    const files = filesIn(draft)
    await write(files.cert, credentials.certificatePem)
    await write(files.key, credentials.privateKeyPem)
    await write(files.ca, credentials.authoritiesPem)
    await write(join(draft, 'servers.json'), `${JSON.stringify(servers.map(showEndpoint))}\n`)
    await rm(old, { recursive: true, force: true })
    if (replace) await rename(dir, old).catch(unlessMissing)
    // Onto a directory with something in it this fails, so nobody's identity is lost in a race.
    await rename(draft, dir)
    await syncDir(dataDir)
  } finally {
    for (const left of [draft, old]) await rm(left, { recursive: true, force: true })
  }
}

/**
 * A renewal. Certificate and key are two files and cannot change in one step: both are on disk before either takes its
 * place, and `settleCredentials` finishes what a crash in between left.
 */
export async function replaceCredentials(
  files: CredentialFiles,
  renewed: NewCredentials,
  withCa: boolean,
): Promise<void> {
  await write(next(files.cert), renewed.certificatePem)
  await write(next(files.key), renewed.privateKeyPem)
  await rename(next(files.key), files.key)
  await rename(next(files.cert), files.cert)
  if (withCa) {
    await write(next(files.ca), renewed.authoritiesPem)
    await rename(next(files.ca), files.ca)
  }
  await syncDir(dirname(files.cert))
}

export async function settleCredentials({ cert, key }: CredentialFiles): Promise<void> {
  const [waiting, privateKey] = await Promise.all([text(next(cert)), text(key)])
  if (waiting === null || privateKey === null || !fits(waiting, privateKey)) return
  await rename(next(cert), cert)
}

export interface RunnerCertificateInfo {
  name: string
  notBefore: Date
  notAfter: Date
}

/** Of a certificate that can be a runner's, with its key; anything else is refused in words. */
export async function inspectCredentials(files: CredentialFiles): Promise<RunnerCertificateInfo> {
  const refused = (field: string, message: string): AppError =>
    new AppError('failed_precondition', `${field}: ${message}`, { fields: [{ field, message }] })
  const [cert, key] = await Promise.all([text(files.cert), text(files.key)])
  if (cert === null) throw refused('--cert', `cannot read ${files.cert}`)
  if (key === null) throw refused('--key', `cannot read ${files.key}`)
  if ((await text(files.ca)) === null) throw refused('--ca', `cannot read ${files.ca}`)
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(cert)
  } catch {
    throw refused('--cert', `${files.cert} is not a certificate (PEM)`)
  }
  const { commonName, organizationalUnits } = identityOf(certificate)
  if (organizationalUnits.length !== 1 || organizationalUnits[0] !== 'runner') {
    const roles = organizationalUnits.join(', ') || 'no role'
    throw refused('--cert', `${files.cert} is not a runner’s certificate (it has ${roles}): runyard runner token`)
  }
  if (!fits(cert, key)) throw refused('--key', `${files.key} is not the key of ${files.cert}`)
  return { name: commonName, notBefore: new Date(certificate.validFrom), notAfter: new Date(certificate.validTo) }
}

export function fits(certificatePem: string, privateKeyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem))
  } catch {
    return false
  }
}

const next = (file: string): string => `${file}.next`

const text = (file: string): Promise<string | null> => readFile(file, 'utf8').catch(() => null)

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

async function write(file: string, content: string): Promise<void> {
  await rm(file, { force: true })
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir)
  await handle.sync().finally(() => handle.close())
}
