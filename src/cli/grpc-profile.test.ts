import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createAuthority } from '../x509/authority.ts'
import { issue } from '../x509/issue.ts'
import { generateKeyPair } from '../x509/key-pair.ts'
import { createRequest } from '../x509/request.ts'
import { certificatePaths, grpcServer, grpcServerHere, openProfile } from './grpc-profile.ts'

test('one server has one spelling, and an address of the web is none', () => {
  expect(grpcServer('Host')).toBe('host:50051')
  expect(grpcServer('grpc://host:1234/')).toBe('host:1234')
  expect(grpcServer('[::1]:50051')).toBe('[::1]:50051')
  expect(grpcServer('https://host:8000')).toBeUndefined()
  for (const wrong of ['a b', 'host:0', 'host:99999', '::1', 'user@host', '']) {
    expect(() => grpcServer(wrong)).toThrow('host:port')
  }
})

test('key and authority stand beside the certificate unless they are named', () => {
  expect(certificatePaths('/k/ann.crt', {})).toEqual({ cert: '/k/ann.crt', key: '/k/ann.key', ca: '/k/ca.crt' })
  expect(certificatePaths('ann.pem', { ca: 'x.crt' })).toEqual({ cert: 'ann.pem', key: 'ann.key', ca: 'x.crt' })
})

test('without --server: where this machine’s server listens, else where it would', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'runyard-here-'))
  expect(await grpcServerHere({ dataDir, grpcPort: 51_000 })).toBe('127.0.0.1:51000')
  expect(await grpcServerHere({ dataDir, grpcPort: 0 })).toBe('127.0.0.1:50051')
  await writeFile(join(dataDir, 'server.json'), JSON.stringify({ url: 'http://x', grpc: '127.0.0.1:44441' }))
  expect(await grpcServerHere({ dataDir, grpcPort: 51_000 })).toBe('127.0.0.1:44441')
  await rm(dataDir, { recursive: true })
})

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runyard-profile-'))
  const authority = await createAuthority({ name: 'Test', years: 1 })
  const keys = await generateKeyPair()
  const request = await createRequest(keys, 'ann')
  const uri = 'runyard:certificate:0'
  const notAfter = new Date(Date.now() + 60_000)
  const { certificatePem } = await issue(authority, { request, name: 'ann', role: 'admin', uri, notAfter })
  await writeFile(join(dir, 'ann.crt'), certificatePem)
  await writeFile(join(dir, 'ann.key'), keys.privateKeyPem, { mode: 0o600 })
  await writeFile(join(dir, 'other.key'), (await generateKeyPair()).privateKeyPem, { mode: 0o600 })
  await writeFile(join(dir, 'ca.crt'), authority.certificatePem)
  await writeFile(join(dir, 'text'), 'no certificate', { mode: 0o600 })
})
afterAll(() => rm(dir, { recursive: true }))

const open = (named: { cert?: string; key?: string; ca?: string } = {}) => {
  const path = (name?: string): string | undefined => (name === undefined ? undefined : join(dir, name))
  const files = certificatePaths(join(dir, named.cert ?? 'ann.crt'), { key: path(named.key), ca: path(named.ca) })
  return openProfile({ server: '127.0.0.1:1', files })
}

test('files that cannot work are refused before anything is dialled', async () => {
  ;(await open()).close()
  await expect(open({ cert: 'none.crt' })).rejects.toThrow(`--cert: cannot read ${dir}/none.crt (ENOENT)`)
  await expect(open({ ca: 'text' })).rejects.toThrow(`--ca: ${dir}/text is no PEM file`)
  await expect(open({ cert: 'ca.crt', key: 'ann.key' })).rejects.toThrow('does not belong to')
  await expect(open({ key: 'other.key' })).rejects.toThrow('does not belong to')
  await expect(open({ key: 'ca.crt' })).rejects.toThrow(`chmod 600 ${dir}/ca.crt`)
  await chmod(join(dir, 'ca.crt'), 0o600)
  await expect(open({ key: 'ca.crt' })).rejects.toThrow('is no private key')
})

test('a certificate that has ended, or has not begun, says so', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
  await expect(open()).rejects.toThrow(/ended on \d{4}-.*runyard certs issue/)
  vi.setSystemTime(Date.now() - 7_200_000)
  await expect(open()).rejects.toThrow(/holds from .* is the clock right/)
  vi.useRealTimers()
})
