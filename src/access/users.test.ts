import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import type { Db } from '../db/pool.ts'
import { createSignInThrottle, signIn } from './sign-in.ts'
import { createUser, findUser, findUserById, listUsers, setDisabled, verifyPassword } from './users.ts'

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

const password = 'correct horse'

test('a user is found in any case, and a name is taken in any case', async () => {
  const user = await createUser(db, { username: 'Anna@example.com', password, role: 'operator' })
  expect(user).toMatchObject({ username: 'Anna@example.com', role: 'operator', maxRunning: 100, disabledAt: null })
  expect(await findUser(db, 'anna@EXAMPLE.com')).toEqual(user)
  expect(await findUserById(db, user.id)).toEqual(user)
  expect((await listUsers(db)).map((u) => u.id)).toContain(user.id)
  await expect(createUser(db, { username: 'ANNA@example.com', password, role: 'viewer' })).rejects.toMatchObject({
    code: 'conflict',
    fields: [{ field: 'username' }],
  })
})

test('the same name at once: one is made', async () => {
  const tries = Array.from({ length: 5 }, () => createUser(db, { username: 'twin', password, role: 'viewer' }))
  const results = await Promise.allSettled(tries)
  expect(results.filter((r) => r.status === 'fulfilled').length).toBe(1)
})

test.each([
  ['', password, 'username'],
  ['-x', password, 'username'],
  ['a\nb', password, 'username'],
  ['a'.repeat(129), password, 'username'],
  ['short', '123456789', 'password'],
  ['long', 'x'.repeat(1025), 'password'],
])('bad input %j is refused by field', async (username, given, field) => {
  const refused = createUser(db, { username, password: given, role: 'viewer' })
  await expect(refused).rejects.toMatchObject({ code: 'invalid_argument', fields: [{ field }] })
})

test('passwords are argon2id, and nothing but the right one of an enabled account passes', async () => {
  const user = await createUser(db, { username: 'ben', password, role: 'operator' })
  const { rows } = await db.query<{ hash: string }>('select password_hash as hash from users where id = $1', [user.id])
  expect(rows[0]!.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await verifyPassword(db, 'BEN', password)).toEqual(user)
  for (const wrong of ['', 'correct hors', `${password} `, 'x'.repeat(5000), `${password}\0`]) {
    expect(await verifyPassword(db, 'ben', wrong)).toBeNull()
  }
  for (const name of ['nobody', '', "' or 1=1 --", 'ben\0', 'x'.repeat(5000)]) {
    expect(await verifyPassword(db, name, password)).toBeNull()
  }
  await setDisabled(db, user.id, true)
  expect(await verifyPassword(db, 'ben', password)).toBeNull()
})

test('an unknown name takes as much work as a wrong password', async () => {
  await createUser(db, { username: 'cleo', password, role: 'operator' })
  const time = async (name: string): Promise<number> => {
    const begin = process.cpuUsage()
    await verifyPassword(db, name, 'wrong password')
    const { user, system } = process.cpuUsage(begin)
    return user + system
  }
  await time('warm-up')
  const known: number[] = []
  const unknown: number[] = []
  for (let i = 0; i < 7; i++) {
    known.push(await time('cleo'))
    unknown.push(await time('unknown'))
  }
  // Work, not time, and the least of each: this machine has other things to do.
  expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) * 0.6)
  expect(Math.min(...unknown)).toBeLessThan(Math.min(...known) * 1.7)
})

test('five wrong passwords in fifteen minutes, then wait; per name and address', async () => {
  let now = 0
  const throttle = createSignInThrottle(() => now)
  await createUser(db, { username: 'dora', password, role: 'operator' })
  const from = (address: string, given = 'wrong', username = 'dora') =>
    signIn(db, throttle, { username, password: given, address })
  const wrong = { code: 'unauthenticated' }
  // All at once: they are counted before their outcome is known.
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => from('10.0.0.1')))
  const codes = results.map((r) => (r.status === 'rejected' ? r.reason.code : 'in'))
  expect(codes.filter((c) => c === 'unauthenticated').length).toBe(5)
  expect(codes.filter((c) => c === 'resource_exhausted').length).toBe(15)
  now += 60_000
  await expect(from('10.0.0.1', password)).rejects.toMatchObject({ code: 'resource_exhausted', retryAfterSeconds: 840 })
  await expect(from('10.0.0.1', password, 'DORA')).rejects.toMatchObject({ code: 'resource_exhausted' })
  await expect(from('10.0.0.1', 'wrong', 'erik')).rejects.toMatchObject(wrong)
  expect((await from('10.0.0.2', password)).username).toBe('dora')
  now += 840_001
  for (let i = 0; i < 4; i++) await expect(from('10.0.0.1')).rejects.toMatchObject(wrong)
  await from('10.0.0.1', password)
  for (let i = 0; i < 5; i++) await expect(from('10.0.0.1')).rejects.toMatchObject(wrong)
})
