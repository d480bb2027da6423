/** From a token to a certificate, and from that to the next: against a whole server. */
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { secureServer, type SecureServer } from '../../test/secure-server.ts'
import { decodeJoinToken } from '../x509/join-token.ts'
import { connectToServer } from './grpc-control-plane.ts'
import { enrol, renew } from './enrol.ts'
import { readIdentity, replaceCredentials, writeIdentity } from './identity-files.ts'
import { parseServers } from './server-address.ts'
import { tlsRig } from './tls-rig.ts'

let server: SecureServer
let dir: string
beforeAll(async () => {
  server = await secureServer()
  dir = await mkdtemp(join(tmpdir(), 'ry-enrol-'))
})
afterAll(async () => {
  await rm(dir, { recursive: true })
  await server.close()
})

async function tokenFor(name?: string) {
  const made = await server.client.calls.runnerTokens.create({ name, expires_in_seconds: 60, servers: [server.grpc] })
  const token = decodeJoinToken(made.token)
  return { token, servers: parseServers(token.servers.join(',')) }
}

test('a token gives one certificate, for the name that it says', async () => {
  const { token, servers } = await tokenFor('web1')
  await expect(enrol(token, { name: 'web2', servers })).rejects.toThrow(/not the token’s: it is for web1/)
  const enrolled = await enrol(token, { name: '', servers })
  expect(enrolled.name).toBe('web1')
  const { subject } = new X509Certificate(enrolled.certificatePem)
  expect(subject).toMatch(/OU=runner/)
  await expect(enrol(token, { name: '', servers })).rejects.toMatchObject({ code: 'unauthenticated' })
  const free = await tokenFor()
  expect((await enrol(free.token, { name: 'own-choice', servers })).name).toBe('own-choice')
})

test('servers are known by the authority that the token names, and nobody else is asked', async () => {
  const { token, servers } = await tokenFor('careful')
  const authorityPem = (await (await tlsRig()).issue('runner', 'x')).authoritiesPem
  await expect(enrol({ ...token, authorityPem }, { name: '', servers })).rejects.toMatchObject({ code: 'unavailable' })
  await expect(enrol(token, { name: '', servers })).resolves.toMatchObject({ name: 'careful' })
})

test('a renewal brings another certificate and key for the same name, and an open link takes them up', async () => {
  const { token, servers } = await tokenFor('lasting')
  const enrolled = await enrol(token, { name: '', servers })
  await writeIdentity(dir, { ...enrolled, servers }, false)
  const address = (await readIdentity(dir))!
  const link = connectToServer(address)
  const me = { session: 's', version: '1', hostname: 'h', labels: {}, slots: 1, cpuMillis: 1, memoryMib: 1 }
  const register = () => link.register({ ...me, name: 'lasting', executors: ['sandbox'], facilities: {} })
  const { runnerId } = await register()
  const certificateOf = async () =>
    (await server.client.calls.runners.list()).runners.find(({ name }) => name === 'lasting')!.certificate!.id
  const before = await certificateOf()

  const renewed = await renew(address, 'lasting')
  expect(renewed.certificatePem).not.toBe(enrolled.certificatePem)
  expect(renewed.privateKeyPem).not.toBe(enrolled.privateKeyPem)
  await replaceCredentials(address.files, renewed, true)
  link.renewed()
  expect((await link.heartbeat([])).stale).toEqual([])
  expect((await register()).runnerId).toBe(runnerId)
  expect(await certificateOf()).not.toBe(before)
  link.close()
})
