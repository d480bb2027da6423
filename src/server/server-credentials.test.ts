/** This server's own certificate: made once, kept, and made anew when it must be. */
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { initAuthority, revokeCertificate } from '../access/certificates/index.ts'
import { createSealer } from '../access/secrets.ts'
import { hostsOf, serverCredentials, type CredentialParts } from './server-credentials.ts'

async function parts(): Promise<CredentialParts> {
  const database = await testDatabase()
  const dir = scratchDir('cred')
  onTestFinished(async () => {
    await database.drop()
    removeScratch(dir)
  })
  const sealer = createSealer(Buffer.alloc(32, 7))
  return { db: database.db, sealer, dir: join(dir, 'secrets'), name: 'one', hosts: ['localhost', '127.0.0.1', '::1'] }
}
const init = ({ db, sealer }: CredentialParts, rotate = false) =>
  db.tx((tx) => initAuthority(tx, sealer, { name: 'Test', years: 1, rotate }))
const certificateOf = async (given: CredentialParts): Promise<X509Certificate> =>
  new X509Certificate((await serverCredentials(given))!.certificatePem)

test('none without an authority; then one, kept in files that only we may read', async () => {
  const given = await parts()
  expect(await serverCredentials(given)).toBeUndefined()
  await init(given)
  const made = (await serverCredentials(given))!
  const certificate = new X509Certificate(made.certificatePem)
  for (const host of ['localhost']) expect(certificate.checkHost(host)).toBe(host)
  for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBe(address)
  expect(certificate.verify(new X509Certificate(made.authorityPems[0]!).publicKey)).toBe(true)
  for (const name of ['server.key', 'server.crt']) expect(statSync(join(given.dir, name)).mode & 0o777).toBe(0o600)
  expect(await serverCredentials(given)).toEqual(made)
  const { rows } = await given.db.query(`select actor, detail from audit_log where action = 'certificate.issue'`)
  expect(rows).toMatchObject([{ actor: 'system', detail: { name: 'one', role: 'server' } }])
  expect(JSON.stringify(rows)).not.toContain('PRIVATE KEY')
})

test('made anew: other names, a revocation, a file that was spoilt, two thirds of its life', async () => {
  const given = await parts()
  await init(given)
  let before = await certificateOf(given)
  const isNew = async (now: CredentialParts = given): Promise<boolean> => {
    const made = await certificateOf(now)
    const differs = made.serialNumber !== before.serialNumber
    before = made
    return differs
  }
  expect(await isNew()).toBe(false)
  expect(await isNew({ ...given, hosts: [...given.hosts, 'runyard.example'] })).toBe(true)
  expect(await isNew()).toBe(true)
  const { rows } = await given.db.query<{ id: string }>('select max(id) as id from certificates')
  await revokeCertificate(given.db, { id: rows[0]!.id })
  expect(await isNew()).toBe(true)
  writeFileSync(join(given.dir, 'server.crt'), readFileSync(join(given.dir, 'server.key')))
  expect(await isNew()).toBe(true)
  writeFileSync(join(given.dir, 'server.key'), 'gone')
  expect(await isNew()).toBe(true)

  // A minute before its issue it begins: of three minutes two thirds are over after one more.
  const short = { ...given, dir: `${given.dir}-short`, days: 2 / 1440 }
  const first = await certificateOf(short)
  expect((await certificateOf(short)).serialNumber).toBe(first.serialNumber)
  const old = { ...given, dir: `${given.dir}-old`, days: 20 / 86_400 }
  expect((await certificateOf(old)).serialNumber).not.toBe((await certificateOf(old)).serialNumber)
})

test('after a rotation both authorities are trusted', async () => {
  const given = await parts()
  await init(given)
  const before = (await serverCredentials(given))!
  await init(given, true)
  const after = (await serverCredentials(given))!
  expect(after.authorityPems).toHaveLength(2)
  expect(after.authorityPems).toContain(before.authorityPems[0])
})

test('the names are those that clients dial', () => {
  const config = { grpcHost: '10.1.2.3', grpcNames: ['runyard.example', 'not a name'], grpcAddress: '[fd00::5]:50051' }
  const hosts = hostsOf(config)
  for (const name of ['localhost', '127.0.0.1', '::1', '10.1.2.3', 'runyard.example', 'fd00::5']) {
    expect(hosts).toContain(name)
  }
  expect(hosts).not.toContain('not a name')
  expect(hostsOf({ ...config, grpcHost: '0.0.0.0' })).not.toContain('0.0.0.0')
})
