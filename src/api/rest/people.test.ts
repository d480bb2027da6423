/** Accounts as administrators change them; what becomes of the sessions, tokens and jobs of those who were changed. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { someJobs } from '../../../test/factories.ts'
import { adminPassword, runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import { localTokenPath } from '../../access/local-token.ts'
import { noteFailure } from '../../access/lockout.ts'
import { cancelOfLeavers } from '../../queue/leavers.ts'
import { createApiClient, type ApiClient } from '../client.ts'

let server: TestServer
beforeAll(async () => {
  server = await runningServer({ RUNYARD_TRUST_PROXY: 'true' })
})
afterAll(() => server.close())

const users = () => server.client.calls.users
const status = async (token: string, path = '/me'): Promise<number> => (await server.fetch(path, { token })).status

/** Somebody with a session and an API token. */
async function withToken(role: Person['username'] & ('admin' | 'operator' | 'viewer'), name: string) {
  const person = await server.person(role, name)
  const { token } = await person.client.calls.tokens.create({ name: 'laptop' })
  return { ...person, apiToken: token }
}

const auditOf = async (target: string) =>
  (
    await server.db.query<{ action: string; result: string; actor: string; detail: Record<string, unknown> }>(
      'select action, result, actor, detail from audit_log where target = $1 order by id',
      [target],
    )
  ).rows

test('R3: a new role, a disabled account and a new password end sessions and tokens at once', async () => {
  const anna = await withToken('operator', 'anna')
  expect(await status(anna.apiToken)).toBe(200)
  expect(await users().change({ username: 'ANNA', role: 'viewer' })).toMatchObject({ username: 'anna', role: 'viewer' })
  expect([await status(anna.token), await status(anna.apiToken)]).toEqual([401, 401])

  const ben = await withToken('operator', 'ben')
  expect(await users().change({ username: 'ben', disabled: true })).toMatchObject({ disabled: true })
  expect([await status(ben.token), await status(ben.apiToken)]).toEqual([401, 401])
  await expect(server.client.passwordGrant('ben', ben.password)).rejects.toMatchObject({ code: 'unauthenticated' })
  await users().change({ username: 'ben', disabled: false })
  expect(await status(ben.apiToken)).toBe(401)
  expect((await server.client.passwordGrant('ben', ben.password)).access_token).toBeTruthy()

  expect((await auditOf('user:ANNA')).map(({ action, result, detail }) => [action, result, detail])).toEqual([
    ['user.change', 'done', { role: 'viewer' }],
  ])
})

test('a cap changes nothing else; nothing to change is refused', async () => {
  const { token } = await server.person('operator', 'capped')
  expect(await users().change({ username: 'capped', max_running: 3 })).toMatchObject({ max_running: 3 })
  expect(await status(token)).toBe(200)
  await expect(users().change({ username: 'capped' })).rejects.toMatchObject({ code: 'invalid_argument' })
  await expect(users().change({ username: 'nobody', disabled: true })).rejects.toMatchObject({ code: 'not_found' })
})

test('an account that is deleted: jobs cancelled, nobody comes in, its history and name stay', async () => {
  const gone = await withToken('operator', 'gone')
  const ids = await Promise.all(
    Array.from({ length: 3 }, async () => (await gone.client.calls.jobs.submit({ command: ['true'] })).id),
  )
  await users().delete({ username: 'gone' })
  expect([await status(gone.token), await status(gone.apiToken)]).toEqual([401, 401])
  for (const id of ids) {
    const job = await server.client.calls.jobs.get({ id })
    expect([job.state, job.owner]).toEqual(['cancelled', 'gone'])
  }
  await expect(users().get({ username: 'gone' })).rejects.toMatchObject({ code: 'not_found' })
  expect((await users().list()).users.map(({ username }) => username)).not.toContain('gone')
  await expect(server.client.passwordGrant('gone', gone.password)).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(users().create({ username: 'GONE', password: 'password of gone' })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/was that of an account that is deleted/),
  })
  await expect(users().delete({ username: 'gone' })).rejects.toMatchObject({ code: 'not_found' })
  expect((await auditOf('user:gone')).find(({ action }) => action === 'user.delete')?.detail).toMatchObject({
    jobs_cancelled: 3,
  })
})

test('a job that was on its way while its owner was deleted is cancelled, too', async () => {
  await server.person('operator', 'late')
  await users().delete({ username: 'late' })
  const { rows } = await server.db.query<{ id: string }>(`select id from users where username = 'late'`)
  const { jobs } = await someJobs(server.db, { ownerId: rows[0]!.id })
  await cancelOfLeavers(server.db)
  expect((await server.client.calls.jobs.get({ id: jobs[0]!.publicId })).state).toBe('cancelled')
})

test('R8: the right to administrate is neither taken by oneself nor lost', async () => {
  const refused = { code: 'failed_precondition' }
  await expect(users().change({ username: 'admin', disabled: true })).rejects.toMatchObject(refused)
  await expect(users().change({ username: 'admin', role: 'viewer' })).rejects.toMatchObject(refused)
  await expect(users().delete({ username: 'admin' })).rejects.toMatchObject(refused)
  expect((await users().change({ username: 'admin', max_running: 50 })).max_running).toBe(50)

  const eve = await server.person('admin', 'eve')
  const dan = await server.person('admin', 'dan')
  // Both at once: one of them is no administrator any more when it is their turn, or is the last one.
  const [first, second] = await Promise.allSettled([
    eve.client.calls.users.delete({ username: 'dan' }),
    dan.client.calls.users.delete({ username: 'eve' }),
  ])
  const { rows } = await server.db.query<{ n: number }>(
    `select count(*)::int as n from users where role = 'admin' and disabled_at is null`,
  )
  expect(rows[0]!.n).toBeGreaterThanOrEqual(1)
  expect([first.status, second.status]).toContain('fulfilled')
  // The command line of this machine goes on, whatever became of the account that it stood for.
  expect((await server.client.calls.me()).role).toBe('admin')
})

test('R8: nobody but an administrator changes, deletes, makes a code for or lists anybody, themselves included', async () => {
  for (const role of ['operator', 'viewer'] as const) {
    const { client, username } = await server.person(role, `self-${role}`)
    const attempts = [
      () => client.calls.users.change({ username, role: 'admin' }),
      () => client.calls.users.change({ username: 'admin', disabled: true }),
      () => client.calls.users.change({ username: 'nobody-there', max_running: 7 }),
      () => client.calls.users.delete({ username: 'admin' }),
      () => client.calls.users.createReset({ username: 'admin' }),
      () => client.calls.users.createReset({ username }),
      () => client.calls.users.list(),
      () => client.calls.audit.list({}),
      () => client.calls.audit.verify(),
      () => client.calls.certificates.list({}),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(client.calls.users.get({ username: 'admin' })).rejects.toMatchObject({ code: 'not_found' })
    expect((await client.calls.users.get({ username })).role).toBe(role)
    const row = (await auditOf(`user:${username}`)).find((r) => r.action === 'user.change')
    expect(row).toMatchObject({ result: 'refused', actor: username, detail: { code: 'permission_denied' } })
  }
})

test('a code sets a password once, for its own account, in time, and ends what was open', async () => {
  const lost = await withToken('operator', 'lost')
  await server.person('operator', 'other')
  const use = (fields: object) =>
    server.fetch('/auth/password-reset', {
      method: 'POST',
      token: '',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    })
  const old = await users().createReset({ username: 'lost' })
  const { code, expires_at } = await users().createReset({ username: 'lost' })
  expect(code).toMatch(/^([2-9A-HJKMNP-TV-Z]{4}-){4}[2-9A-HJKMNP-TV-Z]{4}$/)
  expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(59 * 60_000)
  const { rows } = await server.db.query('select hash from password_resets')
  expect(JSON.stringify(rows)).not.toContain(code)

  const password = 'a new password'
  const wrong = [
    { username: 'lost', code: old.code, password },
    { username: 'other', code, password },
    { username: 'nobody', code, password },
    { username: 'lost', code: `${code}2`, password },
  ]
  for (const fields of wrong) {
    const answer = await use(fields)
    expect([fields, answer.status]).toEqual([fields, 422])
    expect(((await answer.json()) as { detail: string }).detail).toMatch(
      /^the code is wrong, was used before or has run out/,
    )
  }
  expect((await use({ username: 'lost', code, password: 'short' })).status).toBe(422)
  expect(await status(lost.apiToken)).toBe(200)
  expect((await use({ username: 'LOST', code: ` ${code.toLowerCase().replaceAll('-', ' ')}`, password })).status).toBe(
    204,
  )
  expect([await status(lost.token), await status(lost.apiToken)]).toEqual([401, 401])
  expect((await server.client.passwordGrant('lost', password)).access_token).toBeTruthy()
  expect((await use({ username: 'lost', code, password: 'once more please' })).status).toBe(422)

  const late = await users().createReset({ username: 'other' })
  await server.db.query(`update password_resets set expires_at = now() - interval '1 second'`)
  expect((await use({ username: 'other', code: late.code, password })).status).toBe(422)
  await users().createReset({ username: 'other' })
  await users().setPassword({ username: 'other', password: 'set by an administrator' })
  expect((await server.db.query('select from password_resets')).rowCount).toBe(0)
})

test('an administrator proves themselves for their own password', async () => {
  const boss = await server.person('admin', 'boss')
  const set = (client: ApiClient, current?: string) =>
    client.calls.users.setPassword({ username: 'boss', password: 'a new one of boss', current_password: current })
  await expect(set(boss.client)).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(set(boss.client, 'not it at all')).rejects.toMatchObject({ code: 'unauthenticated' })
  // A token in the name of that of the command line is not that of the command line.
  const { rows } = await server.db.query<{ name: string }>(
    `select name from api_tokens where name like 'command line%'`,
  )
  const { token } = await boss.client.calls.tokens.create({ name: rows[0]!.name })
  await expect(set(createApiClient({ baseUrl: server.url, token }))).rejects.toMatchObject({ code: 'unauthenticated' })
  await set(boss.client, boss.password)
  expect((await server.client.passwordGrant('boss', 'a new one of boss')).access_token).toBeTruthy()
})

test('what a deleted account left is found under its name', async () => {
  const gone = await server.person('operator', 'parted')
  await gone.client.calls.batches.create({ name: 'left', jobs: [{ command: ['true'] }] })
  await server.client.calls.users.delete({ username: 'parted' })
  expect((await server.client.calls.jobs.list({ owner: 'Parted' })).jobs).toHaveLength(1)
  expect((await server.client.calls.batches.list({ owner: 'parted' })).batches).toHaveLength(1)
  expect((await server.client.calls.jobs.stats({ owner: 'parted' })).total).toBe(1)
  expect((await server.client.calls.jobs.list({ owner: 'nobody-ever' })).jobs).toEqual([])
})

test('codes are not guessed: five wrong ones close the door, and signing in stays open', async () => {
  const { password } = await server.person('operator', 'target')
  const guess = () =>
    server.fetch('/auth/password-reset', {
      method: 'POST',
      token: '',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'target', code: 'AAAA-AAAA-AAAA-AAAA-AAAA', password: 'mine from now on' }),
    })
  for (let i = 0; i < 5; i++) expect((await guess()).status).toBe(422)
  const closed = await guess()
  expect([closed.status, Number(closed.headers.get('retry-after')) > 60]).toEqual([429, true])
  expect((await server.client.passwordGrant('target', password)).access_token).toBeTruthy()
})

test('wrong passwords from everywhere slow an account down, but not its owner at home, and not for long', async () => {
  const { password } = await server.person('operator', 'wanted')
  const signIn = (from: string, secret: string, username = 'wanted') =>
    server.fetch('/auth/token', {
      method: 'POST',
      token: '',
      headers: { 'x-forwarded-for': from },
      body: new URLSearchParams({ grant_type: 'password', username, password: secret }),
    })
  expect((await signIn('192.0.2.1', password)).status).toBe(200)
  for (let i = 0; i < 10; i++) expect((await signIn(`198.51.100.${i}`, 'guess')).status).toBe(401)
  const shut = await signIn('203.0.113.1', password)
  expect(shut.status).toBe(429)
  expect(Number(shut.headers.get('retry-after'))).toBeLessThanOrEqual(30)
  expect((await users().get({ username: 'wanted' })).locked_until).not.toBeNull()
  // From where they came in before, the door is open, and a right password begins the count anew.
  expect((await signIn('192.0.2.1', password)).status).toBe(200)
  expect((await signIn('203.0.113.1', password)).status).toBe(200)

  // A name that nobody has behaves alike.
  for (let i = 0; i < 10; i++) await noteFailure(server.db, 'No-Such-Name')
  expect((await signIn('203.0.113.1', 'guess', 'no-such-name')).status).toBe(429)

  for (let i = 0; i < 10; i++) await noteFailure(server.db, 'wanted')
  expect((await signIn('203.0.113.9', password)).status).toBe(429)
  expect((await users().change({ username: 'wanted', unlock: true })).locked_until).toBeNull()
  expect((await signIn('203.0.113.9', password)).status).toBe(200)
})

test('when somebody was last seen is known to the minute, for one write in it', async () => {
  const seen = await server.person('operator', 'seen')
  expect(await status(seen.token)).toBe(200)
  const at = async () =>
    (
      await server.db.query<{ at: Date; xmin: string }>(
        `select last_seen_at as at, xmin::text from users where username = 'seen'`,
      )
    ).rows[0]!
  const first = await at()
  expect(Date.now() - first.at.getTime()).toBeLessThan(60_000)
  await until(async () => (await status(seen.token, '/jobs')) === 200, 'an answer', 2_000)
  expect((await at()).xmin).toBe(first.xmin)
})

test('signing out everywhere ends one’s own sessions and tokens, and nobody else’s', async () => {
  const mine = await withToken('viewer', 'leaving')
  const other = await server.person('viewer', 'staying')
  await mine.client.calls.account.signOutEverywhere()
  expect([await status(mine.token), await status(mine.apiToken), await status(other.token)]).toEqual([401, 401, 200])
})

// The last one: it ends the credential that all others use.
test('the command line of this machine gets a new credential when its administrator ends all of theirs', async () => {
  const { access_token } = await server.client.passwordGrant('admin', adminPassword)
  await server.fetch('/me/sign-out-everywhere', { method: 'POST', token: access_token })
  expect([await status(access_token), await status(server.localToken)]).toEqual([401, 401])
  const token = (await readFile(localTokenPath(server.config.dataDir), 'utf8')).trim()
  expect(await status(token)).toBe(200)
})
