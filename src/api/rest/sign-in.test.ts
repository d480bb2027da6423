import { afterAll, beforeAll, expect, test } from 'vitest'
import { SignJWT } from 'jose'
import { adminPassword, runningServer, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await runningServer({ RUNYARD_JWT_SECRET: 'kV9f0pX2mQ7sT4uWzB6yC8dE1gH3jK5n' })
})
afterAll(() => server.close())

const grant = (fields: Record<string, string>) =>
  server.fetch('/auth/token', { method: 'POST', token: '', body: new URLSearchParams(fields) })
const admin = { grant_type: 'password', username: 'admin', password: adminPassword }

test('the password grant answers as OAuth2 says, without a cookie', async () => {
  const response = await grant(admin)
  expect(response.status).toBe(200)
  expect(response.headers.get('set-cookie')).toBeNull()
  expect(response.headers.get('cache-control')).toBe('no-store')
  const body = (await response.json()) as Record<string, unknown>
  expect(body).toEqual({ access_token: expect.any(String), token_type: 'bearer', expires_in: 43_200 })
  const me = await server.fetch('/me', { token: String(body.access_token) })
  expect(await me.json()).toEqual({ kind: 'user', username: 'admin', role: 'admin' })
})

test('what is no grant is refused in words', async () => {
  const noGrant = await grant({ username: 'admin', password: 'x' })
  expect(((await noGrant.json()) as { errors: { field: string }[] }).errors[0]?.field).toBe('grant_type')
  expect((await grant({ ...admin, grant_type: 'client_credentials' })).status).toBe(422)
  const json = await server.fetch('/auth/token', {
    method: 'POST',
    token: '',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(admin),
  })
  expect([json.status, ((await json.json()) as { detail: string }).detail]).toEqual([
    415,
    'send the grant as application/x-www-form-urlencoded',
  ])
  expect((await server.fetch('/auth/token', { method: 'POST', token: '' })).status).toBe(415)
})

test('five wrong passwords close the door for a while, and each is in the audit', async () => {
  await server.person('operator', 'guessed')
  for (let i = 0; i < 4; i++) {
    const wrong = await grant({ grant_type: 'password', username: 'guessed', password: 'wrong' })
    expect([wrong.status, ((await wrong.json()) as { detail: string }).detail]).toEqual([
      401,
      'wrong username or password',
    ])
  }
  await grant({ grant_type: 'password', username: 'GUESSED', password: 'wrong' })
  const throttled = await grant({ grant_type: 'password', username: 'guessed', password: 'password of guessed' })
  expect(throttled.status).toBe(429)
  expect(Number(throttled.headers.get('retry-after'))).toBeGreaterThan(60)
  expect((await grant(admin)).status).toBe(200)
  const { rows } = await server.db.query<{ n: number }>(
    `select count(*)::int as n from audit_log
     where action = 'user.sign_in' and result = 'refused' and lower(actor) = 'guessed' and actor_kind = 'anonymous'`,
  )
  expect(rows[0]?.n).toBe(6)
})

test('a session lives in a cookie that scripts cannot read and other sites do not send', async () => {
  const origin = server.url
  const json = { 'content-type': 'application/json', origin }
  const body = JSON.stringify({ username: 'admin', password: adminPassword })
  const response = await server.fetch('/auth/session', { method: 'POST', token: '', headers: json, body })
  expect(response.status).toBe(200)
  const header = response.headers.get('set-cookie') ?? ''
  expect(header).toMatch(/^runyard_session=.+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
  const cookie = header.split(';')[0]!
  expect((await server.fetch('/me', { token: '', headers: { cookie } })).status).toBe(200)
  const submit = (headers: Record<string, string>) =>
    server.fetch('/jobs', { method: 'POST', token: '', headers, body: '{"command":["true"]}' })
  expect((await submit({ ...json, cookie })).status).toBe(202)
  expect((await submit({ ...json, origin: 'http://evil.example', cookie })).status).toBe(403)
  const out = await server.fetch('/auth/session', { method: 'DELETE', token: '', headers: { origin, cookie } })
  expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringMatching(/^runyard_session=;/)])
})

test('R2: no token but ours', async () => {
  const secret = Buffer.from('kV9f0pX2mQ7sT4uWzB6yC8dE1gH3jK5n')
  const { rows } = await server.db.query<{ id: string; gen: string }>(
    `select id, (extract(epoch from sessions_valid_after) * 1000000)::bigint::text as gen from users where username = 'admin'`,
  )
  const { id, gen } = rows[0]!
  const base = () => new SignJWT({ gen }).setSubject(id).setIssuedAt()
  const ok = () => base().setIssuer('runyard').setAudience('runyard-api').setExpirationTime('1h')
  const hs256 = { alg: 'HS256', typ: 'JWT' }
  expect((await server.fetch('/me', { token: await ok().setProtectedHeader(hs256).sign(secret) })).status).toBe(200)
  const none = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from(
    JSON.stringify({ gen, sub: id, iss: 'runyard', aud: 'runyard-api', exp: 9e9, iat: 1 }),
  ).toString('base64url')}.`
  const tokens = {
    none,
    'another secret': await ok().setProtectedHeader(hs256).sign(Buffer.alloc(32, 7)),
    'another algorithm': await ok()
      .setProtectedHeader({ alg: 'HS512', typ: 'JWT' })
      .sign(Buffer.concat([secret, secret])),
    'no expiry': await base().setIssuer('runyard').setAudience('runyard-api').setProtectedHeader(hs256).sign(secret),
    expired: await ok().setExpirationTime(1_000).setProtectedHeader(hs256).sign(secret),
    'another audience': await ok().setAudience('other').setProtectedHeader(hs256).sign(secret),
    'an unknown API token': `ry_${'A'.repeat(43)}`,
  }
  for (const [what, token] of Object.entries(tokens)) {
    expect([what, (await server.fetch('/jobs', { token })).status]).toEqual([what, 401])
  }
})

test('API tokens: shown once, used at once, gone when revoked; nobody else can revoke them', async () => {
  const anna = await server.person('operator', 'anna')
  const ben = await server.person('operator', 'ben')
  const made = await anna.client.calls.tokens.create({ name: 'laptop', expires_in_days: 1 })
  expect(made.token).toMatch(/^ry_/)
  const me = await server.fetch('/me', { token: made.token })
  expect(await me.json()).toEqual({ kind: 'token', username: 'anna', role: 'operator' })
  const listed = await anna.client.calls.tokens.list()
  expect(listed.tokens.map((t) => t.name)).toEqual(['laptop'])
  expect(JSON.stringify(listed)).not.toContain(made.token)
  await expect(ben.client.calls.tokens.delete({ id: made.id })).rejects.toMatchObject({ code: 'not_found' })
  await anna.client.calls.tokens.delete({ id: made.id })
  expect((await server.fetch('/me', { token: made.token })).status).toBe(401)
})

test('only administrators make users and change queues', async () => {
  for (const role of ['operator', 'viewer'] as const) {
    const { client } = await server.person(role, `some-${role}`)
    const attempts = [
      () => client.calls.users.create({ username: 'mallory', password: 'password of mallory', role: 'admin' }),
      () => client.calls.users.list(),
      () => client.calls.queues.put({ name: 'default', paused: true }),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'permission_denied' })
    expect((await client.calls.queues.list()).queues.map((q) => q.name)).toContain('default')
    expect((await client.calls.runners.list()).runners).toEqual([])
  }
  await expect(
    server.client.calls.users.create({ username: 'ANNA', password: 'password of anna' }),
  ).rejects.toMatchObject({ code: 'conflict' })
})

test('R3: a revoked token is refused at once here, and within 5 s where another server revoked it', async () => {
  const { client } = await server.person('operator', 'revoked')
  const use = async (token: string): Promise<number> => (await server.fetch('/jobs', { token })).status
  const [here, there] = [
    await client.calls.tokens.create({ name: 'a' }),
    await client.calls.tokens.create({ name: 'b' }),
  ]
  expect([await use(here.token), await use(there.token)]).toEqual([200, 200])
  await client.calls.tokens.delete({ id: here.id })
  expect(await use(here.token)).toBe(401)
  expect(await use(there.token)).toBe(200)
  await server.db.query('update api_tokens set revoked_at = now() where id = $1', [there.id])
  await until(async () => (await use(there.token)) === 401, 'the refusal', 5_000)
})
