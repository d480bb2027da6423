import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { openDb, type Db } from '../db/pool.ts'
import { authenticate } from './authenticate.ts'
import { bootstrapAdmin, claimJwtSecret } from './bootstrap.ts'
import { ensureLocalToken, localTokenPath } from './local-token.ts'
import { changePassword, findUser, listUsers, verifyPassword } from './users.ts'

let database: TestDatabase
let db: Db
let dataDir: string
beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  dataDir = await mkdtemp(join(tmpdir(), 'runyard-bootstrap-'))
})
afterEach(async () => {
  await database.drop()
  await rm(dataDir, { recursive: true })
})

test('two servers that start at once make one administrator, and one of them tells the password', async () => {
  const other = openDb(database.url)
  const results = await Promise.all(
    [db, other, db, other].map((server) => bootstrapAdmin(server, { username: 'admin' })),
  )
  await other.end()
  const creators = results.filter((r) => r.created)
  expect(creators.length).toBe(1)
  expect(results.filter((r) => r.generatedPassword !== undefined)).toEqual(creators)
  expect(await verifyPassword(db, 'admin', creators[0]!.generatedPassword!)).toMatchObject({ role: 'admin' })
  expect((await listUsers(db)).length).toBe(1)
  const { rows } = await db.query('select actor_kind, action, target, detail from audit_log')
  expect(rows).toEqual([{ actor_kind: 'system', action: 'user.create', target: 'user:admin', detail: {} }])
  expect(await bootstrapAdmin(db, { username: 'admin' })).toEqual({ created: false, username: 'admin' })
})

test('a configured password is used once and never changes an account', async () => {
  expect(await bootstrapAdmin(db, { username: 'root', password: 'configured password' })).toEqual({
    created: true,
    username: 'root',
  })
  expect(await bootstrapAdmin(db, { username: 'admin', password: 'another password' })).toEqual({
    created: false,
    username: 'root',
  })
  expect(await verifyPassword(db, 'root', 'configured password')).not.toBeNull()
  expect(await findUser(db, 'admin')).toBeNull()
})

test('a server that signs with another secret than one that is there refuses to start; when all are away it is the new one', async () => {
  const claim = (secret: number, server: string) =>
    claimJwtSecret(db, { jwtSecret: Buffer.alloc(32, secret), server, awayAfterSeconds: 30 })
  const seen = (server: string, secondsAgo: number) =>
    db.query(
      `insert into servers (name, version, last_seen_at) values ($1, '0', now() - make_interval(secs => $2))
       on conflict (name) do update set last_seen_at = excluded.last_seen_at`,
      [server, secondsAgo],
    )
  await claim(1, 'one')
  await seen('one', 0)
  await claim(1, 'two')
  const refused = await claim(2, 'two').catch((error: Error) => error)
  expect(refused).toMatchObject({ code: 'failed_precondition', message: expect.stringMatching(/than one: give all/) })
  await claim(1, 'one') // nothing has changed
  await claim(2, 'one') // its own secret, by a restart
  await seen('one', 31)
  await claim(3, 'two')
  await seen('two', 0)
  await expect(claim(2, 'one')).rejects.toThrow('signs sessions with another secret than two')
})

test('the local token is made once, kept 0600, and made again when it is gone or holds no longer', async () => {
  await expect(ensureLocalToken(db, dataDir)).rejects.toThrow('no enabled administrator')
  await bootstrapAdmin(db, { username: 'admin' })
  const path = localTokenPath(dataDir)
  const secrets = { jwtSecret: Buffer.alloc(32) }
  const holds = (bearer: string) =>
    authenticate(db, secrets, { bearer }).then(
      (p) => p.role,
      () => 'refused',
    )

  const first = await ensureLocalToken(db, dataDir)
  expect(await holds(first)).toBe('admin')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await readFile(path, 'utf8')).trim()).toBe(first)
  expect(await ensureLocalToken(db, dataDir)).toBe(first)

  await rm(path)
  const second = await ensureLocalToken(db, dataDir)
  expect(await holds(first)).toBe('refused')
  await writeFile(path, 'garbage')
  const third = await ensureLocalToken(db, dataDir)
  expect(await holds(second)).toBe('refused')
  await changePassword(db, (await findUser(db, 'admin'))!.id, 'another password')
  expect(await holds(third)).toBe('refused')
  expect(await holds(await ensureLocalToken(db, dataDir))).toBe('admin')

  // Another server of this database has its own, and leaves this one alone.
  const [here, elsewhere] = [await ensureLocalToken(db, dataDir), join(dataDir, 'another')]
  await mkdir(elsewhere)
  const other = await ensureLocalToken(db, elsewhere)
  expect([await holds(here), await holds(other)]).toEqual(['admin', 'admin'])

  await chmod(path, 0o644)
  await expect(ensureLocalToken(db, dataDir)).rejects.toThrow('chmod 600')
})
