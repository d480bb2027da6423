import { writeFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { ensureHostApp, hostAppSecret, mintHostAppToken, verifyHostAppToken, type HostApp } from './host-app.ts'
import { changePassword, findUser, setDisabled } from './users.ts'

const secret = Buffer.from('0123456789abcdef')
const app: HostApp = { secret, role: 'operator', strict: false }
let database: TestDatabase
const dir = scratchDir()
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(async () => {
  await database.drop()
  removeScratch(dir)
})

const signed = (claims: Record<string, unknown>) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret)
const asks = (token: string, of: Partial<HostApp> = {}) => verifyHostAppToken(database.db, { ...app, ...of }, token)

test('the secret is made once, for its owner only; a short one and a file without one are refused', async () => {
  const file = join(dir, '.prunner.yml')
  const made = await hostAppSecret({ file })
  expect(String(made)).toMatch(/^[0-9a-f]{32}$/)
  expect(await hostAppSecret({ file })).toEqual(made)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  await writeFile(file, 'jwt_secret: short\n')
  await expect(hostAppSecret({ file })).rejects.toThrow('must have 16 characters')
  await writeFile(file, 'other: x\n')
  await expect(hostAppSecret({ file })).rejects.toThrow('has no jwt_secret')
  await expect(hostAppSecret({ secret: 'x', file })).rejects.toThrow('RUNYARD_PRUNNER_JWT_SECRET must have')
})

test('every token is one account with pipelines only; its role follows the setting, and disabled it is refused', async () => {
  await ensureHostApp(database.db, 'viewer')
  await ensureHostApp(database.db, 'operator')
  const caller = await asks(await mintHostAppToken(secret, { sub: 'admin', seconds: 60 }))
  expect(caller).toMatchObject({
    label: 'admin',
    principal: { username: 'host-app', role: 'operator', scopes: ['pipelines:write', 'jobs:read'] },
  })
  const { id } = (await findUser(database.db, 'host-app'))!
  await setDisabled(database.db, id, true)
  await expect(asks(await signed({ sub: 'a' }))).rejects.toThrow('host-app is disabled')
  await setDisabled(database.db, id, false)
  await changePassword(database.db, id, 'somebody signs in')
  await expect(ensureHostApp(database.db, 'operator')).rejects.toThrow('somebody signs in as host-app')
})

test('a token without an end holds unless that is asked for; an old one and one of later do not', async () => {
  const endless = await signed({ sub: 'a' })
  expect(await asks(endless)).toMatchObject({ expires: null })
  await expect(asks(endless, { strict: true })).rejects.toThrow('no `exp`')
  const now = Math.floor(Date.now() / 1000)
  await expect(asks(await signed({ exp: now - 1 }))).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(asks(await signed({ nbf: now + 60 }))).rejects.toThrow('not valid yet')
  await expect(asks(endless, { secret: Buffer.from('another secret here') })).rejects.toMatchObject({
    code: 'unauthenticated',
  })
})
