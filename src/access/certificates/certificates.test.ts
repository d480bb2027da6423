/** Below TLS: what is registered, what holds now, and what a subject alone is worth (nothing). */
import { randomBytes, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../../test/database.ts'
import type { Db } from '../../db/pool.ts'
import { listen } from '../../db/listen.ts'
import { createAuthority } from '../../x509/authority.ts'
import { identityOf } from '../../x509/identity.ts'
import { issue } from '../../x509/issue.ts'
import { generateKeyPair } from '../../x509/key-pair.ts'
import { createRequest } from '../../x509/request.ts'
import { certificateRoles } from '../../x509/roles.ts'
import { createApiToken, revokeApiToken } from '../api-tokens.ts'
import { authenticateCertificate, stillHold } from '../authenticate.ts'
import { createSealer } from '../secrets.ts'
import {
  changePassword,
  changeRole,
  createUser,
  findUser,
  setDisabled,
  signOutEverywhere,
  verifyPassword,
} from '../users.ts'
import { initAuthority, issueCertificate, revokeCertificate, spendEnrolment, type IssueCertificate } from './index.ts'

let database: TestDatabase
let db: Db
let request: Buffer
const sealer = createSealer(randomBytes(32))
let people = 0

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  request = await createRequest(await generateKeyPair(), 'x')
  await db.tx((tx) => initAuthority(tx, sealer, { name: 'Runyard', years: 10 }))
})
afterAll(() => database.drop())

let name: string
beforeEach(() => {
  name = `anna-${++people}`
})

const issued = (over: Partial<IssueCertificate> = {}) =>
  db.tx((tx) => issueCertificate(tx, sealer, { request, name, role: 'admin', days: 90, issuedBy: 'root', ...over }))
const given = (pem: string) => identityOf(new X509Certificate(pem))
const isRefused = (pem: string, units = given(pem).organizationalUnits, cause?: RegExp): Promise<void> =>
  expect(
    authenticateCertificate(db, { fingerprint: given(pem).fingerprint, organizationalUnits: units }),
  ).rejects.toMatchObject({ code: 'unauthenticated', ...(cause && { cause: expect.stringMatching(cause) }) })

test('a person’s certificate is their account, a machine’s is itself', async () => {
  for (const role of certificateRoles) {
    const machine = { runner: 'host-1', server: 'node-1', enrol: '*' }[role as string]
    const made = await issued({ role, name: machine ?? `${role}-${name}` })
    const holder = await authenticateCertificate(db, given(made.certificatePem))
    const expected = { certificateId: made.id, name: made.name, role, notAfter: made.notAfter }
    expect(holder).toMatchObject(expected)
    const user = await findUser(db, made.name)
    expect(holder.principal).toEqual(
      machine === undefined
        ? { kind: 'certificate', userId: user!.id, username: made.name, role, certificateId: made.id }
        : { kind: role, userId: null, username: machine, role: null, certificateId: made.id },
    )
    expect(made.accountCreated).toBe(machine === undefined)
  }
})

test('the account that is made has no password, until it is given one', async () => {
  const made = await issued({ role: 'viewer', maxRunning: 7 })
  expect(await findUser(db, name)).toMatchObject({ username: name, role: 'viewer', maxRunning: 7, disabledAt: null })
  for (const password of ['', '!', 'undefined', 'a good password'])
    expect(await verifyPassword(db, name, password)).toBeNull()
  await changePassword(db, (await findUser(db, name))!.id, 'a good password')
  expect(await verifyPassword(db, name, 'a good password')).toMatchObject({ username: name })
  // Passwords and certificates are two doors: one does not close the other.
  expect(await authenticateCertificate(db, given(made.certificatePem))).toMatchObject({ role: 'viewer' })
})

test('an account keeps its role and its spelling', async () => {
  await createUser(db, { username: `Ben-${people}`, password: 'a good password', role: 'operator' })
  const refused = issued({ name: `ben-${people}`, role: 'admin' })
  await expect(refused).rejects.toMatchObject({
    code: 'conflict',
    message: `the account Ben-${people} is operator, not admin: issue --role operator, or take another name`,
  })
  const made = await issued({ name: `ben-${people}`, role: 'operator' })
  expect(made).toMatchObject({ name: `Ben-${people}`, accountCreated: false })
  expect(given(made.certificatePem).commonName).toBe(`Ben-${people}`)
  await setDisabled(db, (await findUser(db, made.name))!.id, true)
  await expect(issued({ name: made.name, role: 'operator' })).rejects.toMatchObject({ code: 'failed_precondition' })
})

test.each([
  ['admin', 'a b'],
  ['admin', `a${'b'.repeat(64)}`],
  ['admin', '../a'],
  ['runner', 'a@b'],
  ['runner', '*'],
  ['runner', '-a'],
  ['runner', 'a'.repeat(64)],
  ['server', ''],
  ['enrol', 'a/b'],
] as const)('%s: the name %j is refused, and nothing is left', async (role, wrong) => {
  const before = await db.query('select count(*) as n from users')
  await expect(issued({ role, name: wrong })).rejects.toMatchObject({
    code: 'invalid_argument',
    fields: [{ field: expect.stringMatching(/name$/) }],
  })
  expect((await db.query('select count(*) as n from users')).rows).toEqual(before.rows)
})

test('a subject alone is worth nothing: other authorities, even with our words in them', async () => {
  await issued()
  const other = await createAuthority({ name: 'Runyard', years: 10 })
  const notAfter = new Date(Date.now() + 86_400_000)
  const uri = 'runyard:certificate:0b7b5a3e-3c3c-4b7e-8d8e-3f4cf2b7c001'
  const foreign = await issue(other, { request, name, role: 'admin', uri, notAfter })
  await isRefused(foreign.certificatePem)
  // The same authority, but not registered: taken from a backup of its key, say.
  const unregistered = await db
    .tx(async (tx) => {
      const made = await issueCertificate(tx, sealer, { request, name, role: 'admin', days: 1, issuedBy: 'root' })
      throw Object.assign(new Error('rolled back'), { made })
    })
    .catch((error: { made: { certificatePem: string } }) => error.made)
  await isRefused(unregistered.certificatePem, undefined, /unknown, not in the database/)
})

test('exactly one OU, in these letters, and the one that is registered', async () => {
  const { certificatePem } = await issued({ role: 'viewer' })
  for (const units of [
    [],
    [''],
    ['viewer', 'viewer'],
    ['viewer', 'admin'],
    ['admin', 'viewer'],
    ['admin'],
    ['operator'],
    ['runner'],
    ['Viewer'],
    ['VIEWER'],
    ['vіewer'], // Cyrillic і
    ['viewer\0'],
    [' viewer'],
    ['viewer,admin'],
    ['__proto__'],
  ]) {
    await isRefused(certificatePem, units)
  }
  expect(await authenticateCertificate(db, given(certificatePem))).toMatchObject({ role: 'viewer' })
  await isRefused(certificatePem, ['admin'], /its OU is admin, it was issued as viewer/)
  const { fingerprint } = given(certificatePem)
  const wordsOf = (...organizationalUnits: string[]) =>
    authenticateCertificate(db, { fingerprint, organizationalUnits }).catch((error: Error) => error.message)
  expect(await wordsOf('Admin')).toMatch(/^the certificate's OU "Admin" is none of the roles admin, operator, viewer/)
  expect(await wordsOf('viewer', 'admin')).toMatch(/exactly one OU/)
})

/** What happened, as the server's log says it. */
const changes: [
  string,
  (made: { id: string; userId: string }) => Promise<unknown>,
  ((userId: string) => Promise<unknown>)?,
][] = [
  [
    'ended at',
    ({ id }) => db.query(`update certificates set not_after = now() - interval '1 second' where id = $1`, [id]),
  ],
  [
    'does not hold yet',
    ({ id }) => db.query(`update certificates set not_before = now() + interval '1 hour' where id = $1`, [id]),
  ],
  ['revoked: lost laptop', ({ id }) => revokeCertificate(db, { id, reason: 'lost laptop' })],
  [
    'its authority has ended',
    ({ id }) =>
      db.query(
        `with old as (
     insert into certificate_authorities (certificate_pem, key_sealed, not_after) values ('', '', now()) returning id
   ) update certificates set authority_id = (select id from old) where id = $1`,
        [id],
      ),
  ],
  [
    'its account is viewer now, the certificate admin',
    ({ userId }) => changeRole(db, userId, 'viewer'),
    (userId) => changeRole(db, userId, 'admin'),
  ],
  [
    'its account is disabled',
    ({ userId }) => setDisabled(db, userId, true),
    (userId) => setDisabled(db, userId, false),
  ],
  ['unknown', ({ userId }) => db.query('delete from users where id = $1', [userId])],
]
test.each(changes)('%s: refused at the door and in open sessions, at once', async (reason, change, undo) => {
  const { id, certificatePem } = await issued()
  const { fingerprint } = given(certificatePem)
  const other = given((await issued({ name: `other-${name}` })).certificatePem).fingerprint
  await authenticateCertificate(db, given(certificatePem))
  expect((await stillHold(db, [fingerprint, other, randomBytes(32)])).size).toBe(2)
  const userId = (await findUser(db, name))!.id
  await change({ id, userId })
  await isRefused(certificatePem, undefined, new RegExp(`^certificate refused: ${reason}`))
  expect([...(await stillHold(db, [fingerprint, other])).keys()]).toEqual([other.toString('hex')])
  if (undo === undefined) return
  await undo(userId)
  await authenticateCertificate(db, given(certificatePem))
})

test('an enrolment is spent once; its session gets the answer, a new one is refused', async () => {
  const made = await issued({ role: 'enrol', name: '*', days: 1 / 24 })
  await authenticateCertificate(db, given(made.certificatePem))
  const tries = await Promise.all([1, 2, 3, 4].map(() => db.tx((tx) => spendEnrolment(tx, made.id))))
  expect(tries.filter(Boolean).length).toBe(1)
  await isRefused(made.certificatePem, undefined, /used up/)
  expect((await stillHold(db, [made.fingerprint])).size).toBe(1)
  await db.query(`update certificates set spent_at = spent_at - interval '1 minute' where id = $1`, [made.id])
  expect((await stillHold(db, [made.fingerprint])).size).toBe(0)
  const anna = await issued()
  expect(await spendEnrolment(db, anna.id)).toBe(false)
})

test('use is noted once a minute, and waits for nobody', async () => {
  const made = await issued()
  const used = async (): Promise<Date | null> =>
    (await db.query<{ at: Date | null }>('select last_used_at as at from certificates where id = $1', [made.id]))
      .rows[0]!.at
  expect(await used()).toBeNull()
  await db.tx(async (tx) => {
    await tx.query('select from certificates where id = $1 for update', [made.id])
    await stillHold(db, [made.fingerprint])
  })
  expect(await used()).toBeNull()
  await stillHold(db, [made.fingerprint])
  const first = await used()
  expect(first).toBeInstanceOf(Date)
  await stillHold(db, [made.fingerprint])
  expect(await used()).toEqual(first)
  await db.query(`update certificates set last_used_at = now() - interval '61 seconds' where id = $1`, [made.id])
  await stillHold(db, [made.fingerprint])
  expect((await used())!.getTime()).toBeGreaterThanOrEqual(first!.getTime())
})

test('whatever ends access is told to every server, when it is committed', async () => {
  const { id } = await issued()
  const user = (await findUser(db, name))!
  const token = await createApiToken(db, { userId: user.id, name: 'ci' })
  let heard = 0
  let marked = (): void => {}
  const channels = { runyard_access: () => void (heard += 1), mark: () => marked() }
  const listener = listen(database.url, channels, () => {})
  await listener.ready
  // Notices come in the order of their commits: when ours is back, all before it are.
  const settled = async (): Promise<number> => {
    const done = new Promise<void>((resolve) => (marked = resolve))
    await db.query('notify mark')
    await done
    return heard
  }
  try {
    const ending: [string, () => Promise<unknown>][] = [
      ['role', () => changeRole(db, user.id, 'viewer')],
      ['disable', () => setDisabled(db, user.id, true)],
      ['sign-out', () => signOutEverywhere(db, user.id)],
      ['password', () => changePassword(db, user.id, 'another password')],
      ['token', () => revokeApiToken(db, { id: token.id })],
      ['revoke', () => revokeCertificate(db, { id })],
    ]
    let expected = 0
    for (const [what, end] of ending) {
      await end()
      expected += 1
      expect([what, await settled()]).toEqual([what, expected])
    }
    // What changed nothing, and what was rolled back, is told to nobody.
    await revokeCertificate(db, { id })
    await revokeApiToken(db, { id: token.id })
    await db
      .tx(async (tx) => {
        await changeRole(tx, user.id, 'admin')
        throw new Error('rolled back')
      })
      .catch(() => {})
    expect(await settled()).toBe(expected)
  } finally {
    await listener.stop()
  }
})
