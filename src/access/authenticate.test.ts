import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import type { Db } from '../db/pool.ts'
import { createApiToken, listApiTokens, revokeApiToken } from './api-tokens.ts'
import { authenticate } from './authenticate.ts'
import { issueAccessToken } from './tokens.ts'
import { changePassword, changeRole, createUser, findUser, setDisabled, signOutEverywhere, type User } from './users.ts'

let database: TestDatabase
let db: Db
const jwtSecret = randomBytes(32)
const secrets = { jwtSecret }
let people = 0

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

const newUser = (role: User['role'] = 'operator'): Promise<User> =>
  createUser(db, { username: `user${++people}`, password: 'a good password', role })
const session = async (user: User): Promise<string> => (await issueAccessToken(jwtSecret, user, 60)).token
const isRefused = (bearer: string): Promise<void> =>
  expect(authenticate(db, secrets, { bearer }), bearer).rejects.toMatchObject({ code: 'unauthenticated' })

test('a session token and an API token name their user', async () => {
  const user = await newUser('viewer')
  const expected = { userId: user.id, username: user.username, role: 'viewer' }
  const token = await session(user)
  expect(await authenticate(db, secrets, { bearer: token })).toEqual({ kind: 'user', ...expected })
  expect(await authenticate(db, secrets, { cookie: token })).toEqual({ kind: 'user', ...expected })
  const api = await createApiToken(db, { userId: user.id, name: 'ci' })
  expect(api.token).toMatch(/^ry_[A-Za-z0-9_-]{43}$/)
  expect(await authenticate(db, secrets, { bearer: api.token })).toEqual({
    kind: 'token',
    tokenId: api.id,
    ...expected,
  })
  expect((await listApiTokens(db, user.id))[0]!.lastUsedAt).toBeInstanceOf(Date)
})

test('nobody, garbage, and an API token in the place of a cookie are refused', async () => {
  const user = await newUser()
  const api = await createApiToken(db, { userId: user.id, name: 'ci' })
  await expect(authenticate(db, secrets, {})).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(authenticate(db, secrets, { cookie: api.token })).rejects.toMatchObject({ code: 'unauthenticated' })
  for (const bad of [
    '',
    'x',
    'a.b.c',
    '..',
    'ry_',
    `${api.token}x`,
    api.token.slice(0, -1),
    `ry_${'\0'.repeat(43)}`,
    'é'.repeat(9000),
  ]) {
    await isRefused(bad)
  }
  // A bearer token decides alone: a good cookie does not repair a bad one.
  const cookie = await session(user)
  await expect(authenticate(db, secrets, { bearer: 'x', cookie })).rejects.toMatchObject({ code: 'unauthenticated' })
})

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const handMade = (header: object, claims: object, key: Buffer | string, hash = 'sha256'): string => {
  const body = `${base64(header)}.${base64(claims)}`
  return `${body}.${createHmac(hash, key).update(body).digest('base64url')}`
}

test('forged and foreign tokens are refused', async () => {
  const user = await newUser('admin')
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'runyard', aud: 'runyard-api', sub: user.id, gen: user.generation, iat: now, exp: now + 60 }
  const header = { alg: 'HS256', typ: 'JWT' }
  // The control: this hand-made token is right, so each of the others fails for its own reason.
  expect(await authenticate(db, secrets, { bearer: handMade(header, claims, jwtSecret) })).toMatchObject({
    role: 'admin',
  })

  const without = (name: keyof typeof claims): object =>
    Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))
  const unsigned = `${base64({ alg: 'none', typ: 'JWT' })}.${base64(claims)}.`
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  const rs256 = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(privateKey)
  const attacks: Record<string, string> = {
    'alg none': unsigned,
    'alg None': `${base64({ alg: 'None', typ: 'JWT' })}.${base64(claims)}.`,
    'alg none with a signature': handMade({ alg: 'none', typ: 'JWT' }, claims, jwtSecret),
    'signature removed': handMade(header, claims, jwtSecret).replace(/[^.]+$/, ''),
    RS256: rs256,
    'RS to HS with a public key': handMade(header, claims, pem),
    HS512: handMade({ alg: 'HS512', typ: 'JWT' }, claims, jwtSecret, 'sha512'),
    'empty key': handMade(header, claims, ''),
    'kid as a path': handMade({ ...header, kid: '../../../../dev/null' }, claims, ''),
    'kid as SQL': handMade({ ...header, kid: "x' union select 'key" }, claims, 'key'),
    'jwk in the header': handMade(
      { ...header, jwk: { kty: 'oct', k: Buffer.from('key').toString('base64url') } },
      claims,
      'key',
    ),
    'another secret': handMade(header, claims, randomBytes(32)),
    'a published secret': handMade(header, claims, 'secret'),
    'crit extension': handMade({ ...header, crit: ['b64'], b64: false }, claims, jwtSecret),
    'another type': handMade({ ...header, typ: 'at+jwt' }, claims, jwtSecret),
    'no exp': handMade(header, without('exp'), jwtSecret),
    'exp as text': handMade(header, { ...claims, exp: '9999999999' }, jwtSecret),
    expired: handMade(header, { ...claims, exp: now - 1 }, jwtSecret),
    'not yet': handMade(header, { ...claims, nbf: now + 60 }, jwtSecret),
    'no iat': handMade(header, without('iat'), jwtSecret),
    'wrong issuer': handMade(header, { ...claims, iss: 'prunner' }, jwtSecret),
    'no issuer': handMade(header, without('iss'), jwtSecret),
    'wrong audience': handMade(header, { ...claims, aud: 'other' }, jwtSecret),
    'no audience': handMade(header, without('aud'), jwtSecret),
    'no generation': handMade(header, without('gen'), jwtSecret),
    'other generation': handMade(header, { ...claims, gen: '1' }, jwtSecret),
    'no subject': handMade(header, without('sub'), jwtSecret),
    'subject as SQL': handMade(header, { ...claims, sub: '1 or 1=1' }, jwtSecret),
    'unknown subject': handMade(header, { ...claims, sub: '999999999' }, jwtSecret),
    'role in the token': handMade(header, { ...without('sub'), role: 'admin' }, jwtSecret),
  }
  for (const [name, token] of Object.entries(attacks)) {
    await expect(authenticate(db, secrets, { bearer: token }), name).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(authenticate(db, secrets, { cookie: token }), name).rejects.toMatchObject({ code: 'unauthenticated' })
  }
})

test.each([
  ['changed password', (user: User) => changePassword(db, user.id, 'another password')],
  ['changed role', (user: User) => changeRole(db, user.id, 'viewer')],
  ['sign-out everywhere', (user: User) => signOutEverywhere(db, user.id)],
  ['disabled', (user: User) => setDisabled(db, user.id, true)],
])('after %s the sessions and API tokens of that user are refused, and new ones hold', async (_name, change) => {
  const [user, other] = [await newUser('admin'), await newUser()]
  const tokens = [await session(user), (await createApiToken(db, { userId: user.id, name: 'ci' })).token]
  const others = [await session(other), (await createApiToken(db, { userId: other.id, name: 'ci' })).token]
  for (const bearer of [...tokens, ...others]) await authenticate(db, secrets, { bearer })
  await change(user)
  for (const bearer of tokens) await isRefused(bearer)
  for (const bearer of others) await authenticate(db, secrets, { bearer })
  await setDisabled(db, user.id, false)
  for (const bearer of tokens) await isRefused(bearer)
  const now = (await findUser(db, user.username))!
  for (const bearer of [await session(now), (await createApiToken(db, { userId: user.id, name: 'new' })).token]) {
    expect(await authenticate(db, secrets, { bearer })).toMatchObject({ role: now.role })
  }
})

test('a deleted user’s tokens are refused', async () => {
  const user = await newUser()
  const tokens = [await session(user), (await createApiToken(db, { userId: user.id, name: 'ci' })).token]
  await db.query('delete from users where id = $1', [user.id])
  for (const bearer of tokens) await isRefused(bearer)
})

test('API tokens expire, are revoked by their owner only, and are stored as a hash', async () => {
  const [user, other] = [await newUser(), await newUser()]
  const short = await createApiToken(db, { userId: user.id, name: 'short', expiresInSeconds: 60 })
  await authenticate(db, secrets, { bearer: short.token })
  await db.query(`update api_tokens set expires_at = now() - interval '1 second' where id = $1`, [short.id])
  await isRefused(short.token)
  const long = await createApiToken(db, { userId: user.id, name: 'long' })
  expect(await revokeApiToken(db, { id: long.id, ownerId: other.id })).toBe(false)
  await authenticate(db, secrets, { bearer: long.token })
  expect((await listApiTokens(db, user.id)).map((t) => t.name)).toEqual(['long'])
  expect(await revokeApiToken(db, { id: long.id, ownerId: user.id })).toBe(true)
  expect(await revokeApiToken(db, { id: long.id })).toBe(false)
  await isRefused(long.token)
  const { rows } = await db.query<{ row: string }>('select t::text as row from api_tokens t')
  expect(JSON.stringify(rows)).not.toContain(long.token.slice(3))
})
