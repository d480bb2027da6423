/** A machine becomes a runner once for each token, under a name that is its own. */
import { randomBytes, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { authenticateCertificate } from '../access/authenticate.ts'
import { initAuthority, revokeCertificate } from '../access/certificates/index.ts'
import { createSealer } from '../access/secrets.ts'
import type { Db } from '../db/pool.ts'
import { identityOf } from '../x509/identity.ts'
import { decodeJoinToken } from '../x509/join-token.ts'
import { generateKeyPair } from '../x509/key-pair.ts'
import { createRequest } from '../x509/request.ts'
import type { Ask, Deps } from './deps.ts'
import { createRunnerToken, enrolRunner, renewRunner, type RunnerCertificate } from './enrolment.ts'

let database: TestDatabase
let db: Db
let deps: Deps
let request: Buffer
let names = 0
let name: string

const root: Ask = { principal: { kind: 'user', userId: '1', username: 'root', role: 'admin' } }

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  deps = { db, sealer: createSealer(randomBytes(32)), config: {} } as unknown as Deps
  request = await createRequest(await generateKeyPair(), 'x')
  await db.tx((tx) => initAuthority(tx, deps.sealer, { name: 'Runyard', years: 10 }))
})
afterAll(() => database.drop())
beforeEach(() => {
  name = `host-${++names}`
})

const holderOf = async (pem: string): Promise<Ask> => ({
  principal: (await authenticateCertificate(db, identityOf(new X509Certificate(pem)))).principal,
  address: '10.0.0.7',
})
async function token(forName?: string): Promise<Ask> {
  const made = await createRunnerToken(deps, root, { name: forName, expires_in_seconds: 600, servers: ['a:1'] })
  return holderOf(decodeJoinToken(made.token).certificatePem)
}
const enrolled = async (forName: string): Promise<RunnerCertificate> =>
  enrolRunner(deps, await token(forName), { name: '', request })
const audited = async (action: string) =>
  (
    await db.query<{ actor_kind: string; actor: string; result: string; address: string; detail: object }>(
      `select actor_kind, actor, result, address, detail from audit_log where action = $1 order by id desc`,
      [action],
    )
  ).rows
const isSameHour = (at: Date, days: number): boolean => Math.abs(at.getTime() - Date.now() - days * 86_400_000) < 60_000

test('a token becomes a runner’s certificate, once', async () => {
  const ask = await token(name)
  const made = await enrolRunner(deps, ask, { name, request })
  expect(made.name).toBe(name)
  expect(isSameHour(made.notAfter, 90)).toBe(true)
  expect((await holderOf(made.certificatePem)).principal).toMatchObject({ kind: 'runner', username: name, role: null })
  await expect(enrolRunner(deps, ask, { name, request })).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringMatching(/used already/),
  })
  expect((await audited('runner.enrol')).slice(0, 2)).toMatchObject([
    { actor_kind: 'enrol', actor: name, result: 'refused', address: '10.0.0.7' },
    { actor_kind: 'enrol', actor: name, result: 'done', detail: { name, replaced: 0 } },
  ])
})

test('a token names the servers that are there now, unless it is told', async () => {
  const made = (servers?: string[]) => createRunnerToken(deps, root, { expires_in_seconds: 60, servers })
  const refused = { code: 'failed_precondition', fields: [{ field: 'servers' }] }
  await expect(made()).rejects.toMatchObject(refused)
  await db.query(`insert into servers (name, address, version, last_seen_at) values
    ('two', '10.0.0.2:50051', 'x', now()), ('one', '10.0.0.1:50051', 'x', now()), ('starting', null, 'x', now()),
    ('gone', '10.0.0.9:50051', 'x', now() - interval '2 minutes')`)
  const { token: text, servers } = await made()
  expect(servers).toEqual(['10.0.0.1:50051', '10.0.0.2:50051'])
  expect(decodeJoinToken(text)).toMatchObject({ servers, name: null })
  expect((await made(['b:2'])).servers).toEqual(['b:2'])
})

test('many at once with one token: one of them becomes a runner', async () => {
  const ask = await token()
  const tries = Array.from({ length: 6 }, (_, i) => enrolRunner(deps, ask, { name: `${name}-${i}`, request }))
  const results = await Promise.allSettled(tries)
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
})

test('a wrong name or request leaves the token as it was', async () => {
  const fixed = await token(name)
  const wrong = { code: 'invalid_argument', fields: [{ field: 'name' }] }
  await expect(enrolRunner(deps, fixed, { name: 'other', request })).rejects.toMatchObject(wrong)
  const free = await token()
  for (const bad of ['', 'a b', '*', '-a', '../a', 'a'.repeat(64)]) {
    await expect(enrolRunner(deps, free, { name: bad, request })).rejects.toMatchObject(wrong)
  }
  const noRequest = enrolRunner(deps, free, { name: `${name}-b`, request: Buffer.from('x') })
  await expect(noRequest).rejects.toMatchObject({ code: 'invalid_argument', fields: [{ field: 'request' }] })
  expect((await enrolRunner(deps, fixed, { name: '', request })).name).toBe(name)
  expect((await enrolRunner(deps, free, { name: `${name}-b`, request })).name).toBe(`${name}-b`)
})

test('a name that a runner has is not given away; a token made for that name sets its machine up anew', async () => {
  const old = await enrolled(name)
  const free = await token()
  await expect(enrolRunner(deps, free, { name, request })).rejects.toMatchObject({
    code: 'conflict',
    fields: [{ field: 'name' }],
  })
  const anew = await enrolled(name)
  await expect(holderOf(old.certificatePem)).rejects.toMatchObject({ code: 'unauthenticated' })
  await holderOf(anew.certificatePem)
  // Two machines that take the same free name at the same time: one has it.
  const [one, two] = [await token(), await token()]
  const both = await Promise.allSettled([one, two].map((ask) => enrolRunner(deps, ask, { name: `${name}-x`, request })))
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
})

test('only an enrolment enrols and only a runner is renewed', async () => {
  const runner = await holderOf((await enrolled(name)).certificatePem)
  const strangers: Ask[] = [
    { principal: null },
    root,
    { principal: { kind: 'runner', userId: null, username: 'local', role: null } },
    { principal: { kind: 'server', userId: null, username: 'node', role: null, certificateId: '1' } },
  ]
  for (const ask of [...strangers, runner]) {
    const refused = enrolRunner(deps, ask, { name: `${name}-y`, request })
    await expect(refused).rejects.toMatchObject({ code: ask.principal ? 'permission_denied' : 'unauthenticated' })
  }
  for (const ask of [...strangers, await token(`${name}-z`)]) {
    const refused = renewRunner(deps, ask, { request })
    await expect(refused).rejects.toMatchObject({ code: ask.principal ? 'permission_denied' : 'unauthenticated' })
  }
})

test('a runner’s certificate is renewed for its name and as long, the old one holds on', async () => {
  const first = await enrolled(name)
  const ask = await holderOf(first.certificatePem)
  const second = await renewRunner(deps, ask, { request })
  expect(second.name).toBe(name)
  expect(isSameHour(second.notAfter, 90)).toBe(true)
  await Promise.all([holderOf(first.certificatePem), holderOf(second.certificatePem)])
  expect((await audited('certificate.renew'))[0]).toMatchObject({ actor_kind: 'runner', actor: name, result: 'done' })
  // One that was made for a day stays one of a day.
  await db.query(`update certificates set not_after = created_at + interval '1 day' where id = $1`, [
    ask.principal!.kind === 'runner' ? ask.principal!.certificateId : null,
  ])
  expect(isSameHour((await renewRunner(deps, ask, { request })).notAfter, 1)).toBe(true)
})

test('a revoked certificate brings forth no other, also when both happen at once', async () => {
  const ask = await holderOf((await enrolled(name)).certificatePem)
  const id = (ask.principal as { certificateId: string }).certificateId
  const [renewed] = await Promise.allSettled([renewRunner(deps, ask, { request }), revokeCertificate(db, { id })])
  await expect(renewRunner(deps, ask, { request })).rejects.toMatchObject({ code: 'unauthenticated' })
  // Whichever came first, what is there after the revocation is all there will be.
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int as n from certificates where name = $1 and role = 'runner' and revoked_at is null`,
    [name],
  )
  expect(rows[0]!.n).toBe(renewed.status === 'fulfilled' ? 1 : 0)
})

test('a runner that renews in a loop is stopped', async () => {
  const ask = await holderOf((await enrolled(name)).certificatePem)
  await db.query(
    `insert into certificates (authority_id, fingerprint, serial, name, role, not_before, not_after, issued_by)
     select authority_id, sha256(convert_to($1 || n, 'UTF8')), $1 || n, name, role, not_before, not_after, issued_by
     from certificates c, generate_series(1, 18) n where c.name = $1 and c.role = 'runner'`,
    [name],
  )
  await renewRunner(deps, ask, { request })
  await expect(renewRunner(deps, ask, { request })).rejects.toMatchObject({ code: 'resource_exhausted' })
})

test('without an authority that is what is said, whether servers are named or not', async () => {
  const bare = await testDatabase()
  try {
    for (const servers of [undefined, ['a:1']]) {
      const refused = createRunnerToken({ ...deps, db: bare.db }, root, { expires_in_seconds: 60, servers })
      await expect(refused).rejects.toThrow('there is no authority yet: runyard certs init')
    }
  } finally {
    await bare.drop()
  }
})

test('a second token for a name ends the first; one for any name ends none', async () => {
  const make = (forName?: string) =>
    createRunnerToken(deps, root, { name: forName, expires_in_seconds: 60, servers: ['a:1'] })
  const [first, free] = [await make(name), await make()]
  const second = await make(name)
  expect([first, free, second].map((made) => made.tokens_ended)).toEqual([0, 0, 1])
  const holder = (made: { token: string }) => holderOf(decodeJoinToken(made.token).certificatePem)
  await expect(holder(first)).rejects.toMatchObject({ code: 'unauthenticated' })
  expect((await make()).tokens_ended).toBe(0)
  await Promise.all([holder(free), holder(second)])
})

test('a number is no name, and neither is that of the server’s own runner while it is there', async () => {
  const wrong = (code: string) => ({ code, fields: [{ field: 'name' }] })
  await expect(token('42')).rejects.toMatchObject(wrong('invalid_argument'))
  const free = await token()
  await expect(enrolRunner(deps, free, { name: '42', request })).rejects.toMatchObject(wrong('invalid_argument'))

  const before = await token(name)
  await db.query(
    `insert into runners (name, session, version, hostname, labels, slots, cpu_millis, memory_mib, executors, facilities, state)
     values ($1, gen_random_uuid(), 'x', 'here', '{}', 1, 1000, 1000, '{}', '{}', 'online')`,
    [name],
  )
  await expect(token(name)).rejects.toMatchObject(wrong('conflict'))
  for (const ask of [before, free]) {
    await expect(enrolRunner(deps, ask, { name, request })).rejects.toMatchObject(wrong('conflict'))
  }
  await db.query(`update runners set state = 'offline' where name = $1`, [name])
  expect((await enrolRunner(deps, before, { name, request })).name).toBe(name)
})
