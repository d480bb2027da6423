/** R2: session tokens that were not issued here, or not like this. */
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scratchDir, removeScratch } from '../../test/scratch.ts'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { authenticate } from './authenticate.ts'
import { ensureKeys } from './keys.ts'
import { issueAccessToken } from './tokens.ts'
import { createUser, type User } from './users.ts'

const jwtSecret = Buffer.from('kV9f0pX2mQ7sT4uWzB6yC8dE1gH3jK5n')
let database: TestDatabase
let anna: User
beforeAll(async () => {
  database = await testDatabase()
  anna = await createUser(database.db, { username: 'anna', password: 'correct horse', role: 'admin' })
})
afterAll(() => database.drop())

const asks = (bearer: string) => authenticate(database.db, { jwtSecret }, { bearer })
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const now = Math.floor(Date.now() / 1000)
const claims = (): Record<string, unknown> => ({
  ...{ gen: anna.generation, iss: 'runyard', aud: 'runyard-api', sub: anna.id, iat: now, exp: now + 3600 },
})
/** By hand: a library would refuse to make most of these. */
function token(header: object, payload: object, key: Uint8Array | string = jwtSecret): string {
  const text = `${part(header)}.${part(payload)}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}
const hs256 = { alg: 'HS256', typ: 'JWT' }

test('ours is let in; made by hand, too', async () => {
  expect((await asks((await issueAccessToken(jwtSecret, anna, 60)).token)).username).toBe('anna')
  expect((await asks(token(hs256, claims()))).username).toBe('anna')
})

test.each<[string, () => string | Promise<string>]>([
  ['alg none', () => `${part({ alg: 'none', typ: 'JWT' })}.${part(claims())}.`],
  ['alg None, signed', () => token({ alg: 'None', typ: 'JWT' }, claims())],
  ['no alg', () => token({ typ: 'JWT' }, claims())],
  ['no signature', () => token(hs256, claims()).replace(/[^.]+$/, '')],
  ['another secret', () => token(hs256, claims(), 'another secret of thirty-two bytes')],
  ['the empty secret', () => token(hs256, claims(), '')],
  ['a published default', () => token(hs256, claims(), 'your-256-bit-secret')],
  ['HS512 said, HS256 done', () => token({ alg: 'HS512', typ: 'JWT' }, claims())],
  ['no typ', () => token({ alg: 'HS256' }, claims())],
  ['typ of another kind', () => token({ alg: 'HS256', typ: 'at+jwt' }, claims())],
  ['a critical header', () => token({ ...hs256, crit: ['exp'] }, claims())],
  ['a key by path', () => token({ ...hs256, kid: '../../../../dev/null' }, claims(), '')],
  ['a key by SQL', () => token({ ...hs256, kid: `x' union select 'k` }, claims(), 'k')],
  [
    'a key of its own',
    () => token({ ...hs256, jwk: { kty: 'oct', k: Buffer.from('k').toString('base64url') } }, claims(), 'k'),
  ],
  ['a key by address', () => token({ ...hs256, jku: 'http://127.0.0.1:1/keys' }, claims(), 'k')],
  ['no expiry', () => token(hs256, { ...claims(), exp: undefined })],
  ['expired', () => token(hs256, { ...claims(), exp: now - 1 })],
  ['an expiry that is text', () => token(hs256, { ...claims(), exp: '9999999999' })],
  ['not yet', () => token(hs256, { ...claims(), nbf: now + 600 })],
  ['another issuer', () => token(hs256, { ...claims(), iss: 'prunner' })],
  ['no issuer', () => token(hs256, { ...claims(), iss: undefined })],
  ['another audience', () => token(hs256, { ...claims(), aud: 'runyard' })],
  ['no audience', () => token(hs256, { ...claims(), aud: undefined })],
  ['nobody', () => token(hs256, { ...claims(), sub: undefined })],
  ['a name for an id', () => token(hs256, { ...claims(), sub: 'anna' })],
  ['SQL for an id', () => token(hs256, { ...claims(), sub: '1 or 1=1' })],
  ['another generation', () => token(hs256, { ...claims(), gen: '0' })],
  ['a generation that is a number', () => token(hs256, { ...claims(), gen: Number(anna.generation) })],
  ['two payloads', () => `${token(hs256, claims())}.${part(claims())}`],
  ['an array', () => token(hs256, [claims()])],
])('R2: %s is refused', async (_what, make) => {
  await expect(asks(await make())).rejects.toMatchObject({
    code: 'unauthenticated',
    message: 'the token is wrong or expired: sign in again',
  })
})

test('R2: RS256 is refused, and HS256 with the public key for a secret', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const signed = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(privateKey)
  await expect(asks(signed)).rejects.toMatchObject({ code: 'unauthenticated' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' })
  await expect(asks(token(hs256, claims(), pem))).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('R2: a signature that is changed in one place, or is written otherwise, is refused', async () => {
  const [header, payload, signature] = token(hs256, claims()).split('.') as [string, string, string]
  for (let i = 0; i < signature.length; i += 7) {
    // Of the last letter only the upper four bits count: `B` for `A` would be the same signature.
    const other = signature[i] === 'A' ? 'Q' : 'A'
    const changed = `${signature.slice(0, i)}${other}${signature.slice(i + 1)}`
    await expect(asks(`${header}.${payload}.${changed}`)).rejects.toMatchObject({ code: 'unauthenticated' })
  }
  const admin = part({ ...claims(), sub: '2' })
  await expect(asks(`${header}.${admin}.${signature}`)).rejects.toMatchObject({ code: 'unauthenticated' })
})

test.each([
  ['short', 'secret'],
  ['a default', 'changeme'],
  ['a default that is long enough', 'secretsecretsecretsecretsecretsecret'],
  ['one letter', 'a'.repeat(64)],
  ['a placeholder of an example', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],
  ['empty', ''],
])('R2: the server does not start with a JWT secret that is %s', async (_what, secret) => {
  const dataDir = scratchDir('k')
  try {
    await expect(ensureKeys({ dataDir, jwtSecret: secret })).rejects.toMatchObject({
      code: 'failed_precondition',
      fields: [{ field: 'RUNYARD_JWT_SECRET' }],
    })
  } finally {
    removeScratch(dataDir)
  }
})
