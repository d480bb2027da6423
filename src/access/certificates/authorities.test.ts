import { randomBytes, X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../../test/database.ts'
import { aRunner } from '../../../test/factories.ts'
import { onFact, type Fact } from '../../lib/facts.ts'
import { generateKeyPair } from '../../x509/key-pair.ts'
import { createRequest } from '../../x509/request.ts'
import type { CertificateRole } from '../../x509/roles.ts'
import { createSealer } from '../secrets.ts'
import { setDisabled } from '../users.ts'
import {
  certificatePruner,
  initAuthority,
  issueCertificate,
  listCertificates,
  pruneCertificates,
  revokeCertificate,
  spendEnrolment,
  trustedAuthorities,
  verifyCertificates,
} from './index.ts'

let database: TestDatabase
const sealer = createSealer(randomBytes(32))
const request = await createRequest(await generateKeyPair(), 'x')
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const init = (over: { rotate?: boolean; endOld?: boolean; years?: number } = {}) =>
  database.db.tx((tx) => initAuthority(tx, sealer, { name: 'Runyard', years: 10, ...over }))
const issued = (role: CertificateRole, over: { name?: string; days?: number } = {}, by = sealer) =>
  database.db.tx((tx) =>
    issueCertificate(tx, by, { request, name: `a-${role}`, role, days: 30, issuedBy: 'root', ...over }),
  )
const issuerOf = (pem: string, among: string[]): number =>
  among.findIndex((authority) => new X509Certificate(pem).verify(new X509Certificate(authority).publicKey))

test('without an authority nothing is issued, and the words say what to do', async () => {
  await expect(issued('runner')).rejects.toMatchObject({
    code: 'failed_precondition',
    message: 'there is no authority yet: runyard certs init',
  })
  expect(await trustedAuthorities(database.db)).toEqual([])
})

test('two administrators at once make one; a second is refused unless it is meant', async () => {
  const tries = await Promise.allSettled([init(), init(), init()])
  expect(tries.filter(({ status }) => status === 'fulfilled').length).toBe(1)
  const refused = tries.find(({ status }) => status === 'rejected') as PromiseRejectedResult
  expect(refused.reason).toMatchObject({ code: 'conflict', message: expect.stringMatching(/--rotate/) })
  expect((await trustedAuthorities(database.db)).length).toBe(1)
})

test('the key is sealed, for its certificate and this installation only', async () => {
  await init()
  const { rows } = await database.db.query<{ key: Buffer; text: string }>(
    'select key_sealed as key, a::text as text from certificate_authorities a',
  )
  const plain = Buffer.from('BEGIN PRIVATE KEY')
  expect(rows[0]!.key.includes(plain)).toBe(false)
  expect(rows[0]!.text).not.toContain('PRIVATE')
  await expect(issued('runner', {}, createSealer(randomBytes(32)))).rejects.toMatchObject({
    code: 'failed_precondition',
  })
  await init({ rotate: true })
  // The key of the one under the certificate of the other: who writes rows must not choose what is signed with what.
  await database.db.query(`update certificate_authorities a set key_sealed = b.key_sealed
    from certificate_authorities b where a.id > b.id`)
  await expect(issued('runner')).rejects.toMatchObject({
    code: 'failed_precondition',
    message: 'a sealed value was changed or belongs elsewhere',
  })
})

test('rotation: both are trusted, the new one issues, and servers stay with the old that all clients know', async () => {
  await init({ years: 1 })
  const before = await issued('runner')
  await init({ rotate: true })
  const trusted = await trustedAuthorities(database.db)
  expect(trusted.length).toBe(2)
  const runner = await issued('runner')
  expect(issuerOf(runner.certificatePem, trusted)).toBe(0)
  expect(runner.authoritiesPem).toBe(trusted.join(''))
  expect(issuerOf((await issued('server')).certificatePem, trusted)).toBe(1)
  expect((await verifyCertificates(database.db, [before.fingerprint, runner.fingerprint])).size).toBe(2)
  // Near its end the old one issues for nobody.
  await database.db.query(`update certificate_authorities set not_after = now() + interval '20 days'
    where id = (select min(id) from certificate_authorities)`)
  expect(issuerOf((await issued('server')).certificatePem, trusted)).toBe(0)
  await database.db.query(`update certificate_authorities set not_after = now()
    where id = (select min(id) from certificate_authorities)`)
  expect(await trustedAuthorities(database.db)).toEqual([trusted[0]])
})

test('no certificate outlives its authority', async () => {
  const { notAfter } = await init({ years: 1 })
  expect((await issued('runner', { days: 825 })).notAfter).toEqual(notAfter)
})

test('a stolen key: the old authorities end now, with all that is theirs', async () => {
  await init()
  const old = [await issued('admin'), await issued('runner'), await issued('server')]
  const { ended } = await init({ rotate: true, endOld: true })
  expect(ended).toBe(3)
  const now = await issued('runner')
  const fingerprints = [...old, now].map((one) => one.fingerprint)
  expect([...(await verifyCertificates(database.db, fingerprints)).keys()]).toEqual([now.fingerprint.toString('hex')])
  expect((await trustedAuthorities(database.db)).length).toBe(1)
  expect(issuerOf((await issued('server')).certificatePem, await trustedAuthorities(database.db))).toBe(0)
})

const age = (id: string, days: number): Promise<unknown> =>
  database.db.query(
    `update certificates set not_before = not_before - $2 * interval '1 day', not_after = now() - $2 * interval '1 day'
     where id = $1`,
    [id, days],
  )

test('the log says in time that the next authority should be made', async () => {
  const warned = async (): Promise<Fact[]> => {
    const facts: Fact[] = []
    const stop = onFact((fact) => void facts.push(fact))
    await certificatePruner(database.db).runOnce()
    stop()
    return facts.filter(({ name }) => name === 'authority.ends_soon')
  }
  expect(await warned()).toEqual([])
  await init({ years: 1 })
  expect(await warned()).toEqual([])
  await database.db.query(`update certificate_authorities set not_after = now() + interval '119 days'`)
  expect(await warned()).toMatchObject([{ level: 'warn', fix: 'runyard certs init --rotate' }])
  await init({ rotate: true })
  expect(await warned()).toEqual([])
})

test('the list says what has become of each, in pages', async () => {
  await init()
  const { db } = database
  const names = ['valid', 'soon', 'suspended', 'ended', 'revoked', 'spent'] as const
  const made = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => {
        const role = name === 'spent' ? 'enrol' : name === 'suspended' ? 'viewer' : 'runner'
        return [name, await issued(role, { name })] as const
      }),
    ),
  )
  await db.query(
    `update certificates set not_before = now() - interval '80 days', not_after = now() + interval '10 days' where id = $1`,
    [made.soon!.id],
  )
  const { rows: users } = await db.query<{ id: string }>(`select id from users where username = 'suspended'`)
  await setDisabled(db, users[0]!.id, true)
  await age(made.ended!.id, 1)
  expect(await revokeCertificate(db, { id: made.revoked!.id, reason: 'lost' })).toBe(true)
  expect(await revokeCertificate(db, { id: made.revoked!.id, reason: 'again' })).toBe(false)
  await spendEnrolment(db, made.spent!.id)

  const all = await listCertificates(db)
  expect(Object.fromEntries(all.rows.map(({ name, state }) => [name, state]))).toEqual({
    ...{
      valid: 'valid',
      soon: 'ends_soon',
      suspended: 'suspended',
      ended: 'ended',
      revoked: 'revoked',
      spent: 'spent',
    },
  })
  expect(all.rows.find(({ name }) => name === 'revoked')).toMatchObject({ revokeReason: 'lost', issuedBy: 'root' })
  expect(
    (await listCertificates(db, { state: ['valid', 'ends_soon'] })).rows.map((row) => row.name).toSorted(),
  ).toEqual(['soon', 'valid'])
  expect((await listCertificates(db, { role: ['enrol'] })).rows.map((row) => row.name)).toEqual(['spent'])
  expect((await listCertificates(db, { name: 'Valid' })).rows).toEqual([])

  const pages: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await listCertificates(db, {}, { cursor, limit: 4 })
    pages.push(...page.rows.map((row) => row.id))
    if (page.nextCursor === null) break
    cursor = page.nextCursor
  }
  expect(pages).toEqual(all.rows.map((row) => row.id))
})

test('what ended long ago and nothing names is forgotten, with its authority', async () => {
  await init()
  const { db } = database
  const kept = [await issued('runner', { name: 'kept' }), await issued('runner', { name: 'young' })]
  const named = await issued('runner', { name: 'named' })
  const gone = [await issued('runner', { name: 'gone' }), await issued('server'), await issued('enrol')]
  const runner = await aRunner(db)
  await db.query('update runners set certificate_id = $2 where id = $1', [runner.id, named.id])
  await age(kept[1]!.id, 89)
  await age(named.id, 200)
  await age(gone[0]!.id, 91)
  await age(gone[1]!.id, 8)
  await age(gone[2]!.id, 8)
  expect(await pruneCertificates(db)).toBe(3)
  const left = (await listCertificates(db)).rows.map((row) => row.name)
  expect(left.toSorted()).toEqual(['kept', 'named', 'young'])
  await db.query(`update certificate_authorities set not_after = now() - interval '91 days'`)
  await pruneCertificates(db)
  expect((await db.query('select from certificate_authorities')).rowCount).toBe(1)
  await db.query('delete from certificates')
  await pruneCertificates(db)
  expect((await db.query('select from certificate_authorities')).rowCount).toBe(0)
})
