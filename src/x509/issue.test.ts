/** What we write, read by others: Node's parser and, where it is there, OpenSSL with its strict rules. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { createAuthority, type Authority } from './authority.ts'
import { identityOf } from './identity.ts'
import { issue, type IssueInput, type Issued } from './issue.ts'
import { generateKeyPair, type KeyPair } from './key-pair.ts'
import { x509 } from './library.ts'
import { createRequest } from './request.ts'

const noOpenssl = spawnSync('openssl', ['version']).error ? 'openssl is not installed' : false
if (noOpenssl) process.stderr.write(`skipped: ${noOpenssl}\n`)

const day = 86_400_000
const uri = 'runyard:certificate:0b7b5a3e-3c3c-4b7e-8d8e-3f4cf2b7c001'
let dir: string
let authority: Authority & { notAfter: Date }
let keys: KeyPair
let request: Buffer

beforeAll(async () => {
  dir = scratchDir('x')
  authority = await createAuthority({ name: 'Runyard', years: 10 })
  keys = await generateKeyPair()
  request = await createRequest(keys, 'anna')
})
afterAll(() => removeScratch(dir))

const issued = (over: Partial<IssueInput> = {}): Promise<Issued> =>
  issue(authority, { request, name: 'anna', role: 'admin', uri, notAfter: new Date(Date.now() + day), ...over })

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
function verified(pem: string, purpose: string, ca = authority.certificatePem): string {
  writeFileSync(join(dir, 'ca.pem'), ca)
  writeFileSync(join(dir, 'c.pem'), pem)
  const args = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', 'ca.pem', 'c.pem']
  const { stdout, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' })
  return stdout + stderr
}

test('a certificate says who, one role, whose it is by URI, and nothing of what the request asked', async () => {
  const before = Date.now()
  const { certificatePem, fingerprint, serial, notBefore, notAfter } = await issued({ name: 'ben@x+y, OU=admin' })
  const read = new X509Certificate(certificatePem)
  expect(identityOf(read)).toEqual({
    fingerprint,
    organizationalUnits: ['admin'],
    commonName: 'ben@x+y, OU=admin',
    notAfter,
  })
  expect(read.toLegacyObject().subject).toEqual({ O: 'Runyard', OU: 'admin', CN: 'ben@x+y, OU=admin' })
  expect(read.subjectAltName).toBe(`URI:${uri}`)
  expect(read.ca).toBe(false)
  expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(read.serialNumber).toBe(serial.toUpperCase())
  expect(BigInt(`0x${serial}`)).toBeGreaterThan(2n ** 64n)
  expect(read.publicKey.equals(createPublicKey(keys.privateKeyPem))).toBe(true)
  const issuer = new X509Certificate(authority.certificatePem)
  expect([read.checkIssued(issuer), read.verify(issuer.publicKey)]).toEqual([true, true])
  expect(before - notBefore.getTime()).toBeGreaterThanOrEqual(59_000)
  expect(before - notBefore.getTime()).toBeLessThan(70_000)
  expect(new Set(await Promise.all([1, 2, 3].map(async () => (await issued()).serial))).size).toBe(3)
})

test('only a server has hosts and may be one', async () => {
  const hosts = ['localhost', 'r.example', '127.0.0.1', '::1']
  const server = new X509Certificate((await issued({ role: 'server', hosts })).certificatePem)
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  expect(server.checkHost('r.example')).toBe('r.example')
  expect(server.checkHost('s.example')).toBeUndefined()
  expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(server.checkIP('::1')).toBe('::1')
  const runner = new X509Certificate((await issued({ role: 'runner', hosts })).certificatePem)
  expect(runner.subjectAltName).toBe(`URI:${uri}`)
  expect(runner.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
})

test('the authority signs certificates and no other authorities', async () => {
  const read = new X509Certificate(authority.certificatePem)
  expect(read.ca).toBe(true)
  expect(read.verify(read.publicKey)).toBe(true)
  const years = authority.notAfter.getUTCFullYear() - new Date().getUTCFullYear()
  expect(years).toBe(10)
  expect(read.validToDate).toEqual(authority.notAfter)
})

test.skipIf(noOpenssl)('OpenSSL accepts them by its strict rules, for their purpose only', async () => {
  const client = (await issued()).certificatePem
  expect(verified(client, 'sslclient')).toBe('c.pem: OK\n')
  expect(verified(client, 'sslserver')).toMatch(/unsuitable|unsupported certificate purpose/)
  const server = (await issued({ role: 'server', hosts: ['r.example', '10.0.0.1'] })).certificatePem
  expect(verified(server, 'sslserver')).toBe('c.pem: OK\n')
  expect(verified(server, 'sslclient')).toBe('c.pem: OK\n')
  const text = openssl('x509', '-in', 'ca.pem', '-noout', '-text')
  expect(text).toMatch(/Basic Constraints: critical\n\s+CA:TRUE, pathlen:0\n/)
  expect(text).toMatch(/Key Usage: critical\n\s+Certificate Sign, CRL Sign\n/)
  const other = await createAuthority({ name: 'Runyard', years: 10 })
  expect(verified(client, 'sslclient', other.certificatePem)).toMatch(/verification failed|unable to get local issuer/)
})

test.skipIf(noOpenssl)('what a certificate of ours signs, OpenSSL refuses: it is no authority', async () => {
  const anna = await issued()
  const forged = await issue(
    { ...anna, privateKeyPem: keys.privateKeyPem },
    {
      ...{ request: await createRequest(await generateKeyPair(), 'x'), name: 'x', role: 'admin', uri },
      notAfter: new Date(Date.now() + day),
    },
  )
  writeFileSync(join(dir, 'anna.pem'), anna.certificatePem)
  writeFileSync(join(dir, 'forged.pem'), forged.certificatePem)
  writeFileSync(join(dir, 'ca.pem'), authority.certificatePem)
  const args = ['verify', '-CAfile', 'ca.pem', '-untrusted', 'anna.pem', 'forged.pem']
  expect(spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' }).stderr).toMatch(/invalid CA certificate/)
})

test.skipIf(noOpenssl)('requests that OpenSSL makes are taken, whatever they ask for', async () => {
  const subject = ['-subj', '/O=Evil/OU=admin/OU=viewer/CN=root', '-addext', 'basicConstraints=critical,CA:TRUE']
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'k.pem')
  openssl('req', '-new', '-key', 'k.pem', ...subject, '-outform', 'DER', '-out', 'r.der')
  const made = await issued({ request: readFileSync(join(dir, 'r.der')), role: 'viewer' })
  const read = new X509Certificate(made.certificatePem)
  expect(read.ca).toBe(false)
  expect(identityOf(read)).toMatchObject({ organizationalUnits: ['viewer'], commonName: 'anna' })
  expect(verified(made.certificatePem, 'sslclient')).toBe('c.pem: OK\n')
})

test('a request that is none, is signed by another key, or has another kind of key is refused', async () => {
  const refused = (given: Buffer, message: RegExp): Promise<void> =>
    expect(issued({ request: given })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
      fields: [{ field: 'request' }],
    })
  await refused(Buffer.alloc(0), /is not a certificate request/)
  await refused(Buffer.from('hello'), /is not a certificate request/)
  await refused(Buffer.alloc(20_000, 0x30), /is not a certificate request/)
  await refused(request.subarray(0, -10), /is not a certificate request/)
  await refused(Buffer.from(new X509Certificate(authority.certificatePem).raw), /request/)
  const changed = Buffer.from(request)
  changed[changed.indexOf('anna')] = 0x41
  await refused(changed, /is not signed with its own key/)
  const other = await createRequest(await generateKeyPair(), 'anna')
  const [own, foreign] = [request, other].map((der) => der.indexOf(Buffer.from('034200', 'hex')))
  const swapped = Buffer.concat([
    request.subarray(0, own),
    other.subarray(foreign!, foreign! + 68),
    request.subarray(own! + 68),
  ])
  await refused(swapped, /is not signed with its own key/)

  const { Pkcs10CertificateRequestGenerator } = await x509()
  const { subtle } = globalThis.crypto
  const p384 = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign', 'verify'])
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-384' }
  const large = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=x', keys: p384, signingAlgorithm })
  await refused(Buffer.from(large.rawData), /ECDSA P-256/)
  const rsaKeys = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  }
  const keysOfRsa = await subtle.generateKey(rsaKeys, true, ['sign', 'verify'])
  const rsa = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=x',
    keys: keysOfRsa,
    signingAlgorithm: rsaKeys,
  })
  await refused(Buffer.from(rsa.rawData), /ECDSA P-256/)
})

test('an authority whose key is another’s makes nothing that verifies', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const wrong = { ...authority, privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
  const made = await issue(wrong, { request, name: 'anna', role: 'admin', uri, notAfter: new Date(Date.now() + day) })
  expect(new X509Certificate(made.certificatePem).verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(
    false,
  )
})
