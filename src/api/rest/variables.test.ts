import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { onFact } from '../../lib/facts.ts'
import { readSecrets } from '../../operations/read-secrets.ts'
import { openJobEnv } from '../../access/job-env.ts'
import { createKeyring } from '../../access/keyring.ts'
import { ensureKeys } from '../../access/keys.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'

let server: TestServer
let anna: Person
let viewer: Person
const facts: string[] = []
const unlisten = onFact((fact) => void facts.push(JSON.stringify(fact)))

/** Part of every value. */
const canary = 'c4n4ry-9f2'

beforeAll(async () => {
  server = await runningServer()
  anna = await server.person('operator', 'anna')
  viewer = await server.person('viewer')
})
afterAll(async () => {
  await server?.close()
  unlisten()
})

const refused = (code: string, field?: string) => ({
  code,
  ...(field && { fields: [expect.objectContaining({ field })] }),
})

test('a variable belongs to its owner alone, a global one to all, and a secret is shown to nobody', async () => {
  const { variables: own } = anna.client.calls
  const { variables: admin } = server.client.calls
  const mine = await own.put({ scope: 'user', name: 'region', value: `${canary} ü` })
  expect(mine).toMatchObject({ owner: 'anna', value: `${canary} ü`, version: '1', secret: false, updated_by: 'anna' })
  await own.put({ scope: 'user', name: 'token', value: canary, secret: true, description: 'of the API' })
  await admin.put({ scope: 'global', name: 'region', value: 'everywhere' })
  await admin.put({ scope: 'global', name: 'zone', value: 'x'.repeat(300) })

  expect(await own.get({ scope: 'user', name: 'token' })).toMatchObject({ value: null, bytes: canary.length })
  await expect(admin.get({ scope: 'user', name: 'token' })).rejects.toMatchObject(refused('not_found'))
  await expect(own.put({ scope: 'global', name: 'zone', value: '' })).rejects.toMatchObject(
    refused('permission_denied'),
  )
  const calls = [
    viewer.client.calls.variables.list({ limit: 5 }),
    viewer.client.calls.variables.get({ scope: 'global', name: 'zone' }),
    viewer.client.calls.variables.put({ scope: 'user', name: 'a', value: 'b' }),
    viewer.client.calls.sealingKeys.list(),
    anna.client.calls.sealingKeys.rotate(),
  ]
  await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(refused('permission_denied'))))

  const first = await own.list({ limit: 2 })
  expect(first.variables.map(({ scope, name }) => [scope, name])).toEqual([
    ['user', 'region'],
    ['global', 'region'],
  ])
  const rest = await own.list({ limit: 2, cursor: first.next_cursor! })
  expect(rest.variables.map(({ name, value }) => [name, value?.length])).toEqual([
    ['token', undefined],
    ['zone', 200],
  ])
  expect(rest.next_cursor).toBeNull()
  const names = async (query: object) => (await own.list({ limit: 50, ...query })).variables.map(({ name }) => name)
  expect(await names({ scope: 'user', secret: true })).toEqual(['token'])
  expect(await names({ search: 'ON' })).toEqual(['region', 'region', 'zone'])
  await expect(own.list({ limit: 5, cursor: 'user:a b' })).rejects.toMatchObject(refused('invalid_argument', 'cursor'))
})

test('changes: what is not named stays, a version that moved on is a conflict, a secret is never told by a change', async () => {
  const { variables: own } = anna.client.calls
  const put = (more: object) => own.put({ scope: 'user', name: 'token', ...more })
  expect(await put({ description: null })).toMatchObject({ secret: true, version: '2', description: null })
  await expect(put({ secret: false })).rejects.toMatchObject(refused('invalid_argument', 'value'))
  await expect(put({ value: 'abc' })).rejects.toMatchObject(refused('invalid_argument', 'value'))
  await expect(put({ value: `${canary}!`, expect_version: '1' })).rejects.toMatchObject(
    refused('conflict', 'expect_version'),
  )
  expect(await put({ value: `${canary}!`, expect_version: '2' })).toMatchObject({ version: '3' })
  await expect(own.put({ scope: 'user', name: 'new' })).rejects.toMatchObject(refused('invalid_argument', 'value'))
  await expect(own.put({ scope: 'user', name: 'a b', value: '' })).rejects.toMatchObject(refused('invalid_argument'))
  await own.put({ scope: 'user', name: 'brief', value: 'x', expect_version: '0' })
  await own.delete({ scope: 'user', name: 'brief' })
  await expect(own.delete({ scope: 'user', name: 'brief' })).rejects.toMatchObject(refused('not_found'))
  const both = await Promise.allSettled(
    [1, 2].map(() => own.put({ scope: 'user', name: 'race', value: 'x', expect_version: '0' })),
  )
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
})

test('a value that is moved, or put back, does not open (K2)', async () => {
  const { variables: own } = anna.client.calls
  const { db } = server
  await own.put({ scope: 'user', name: 'source', value: canary })
  await own.put({ scope: 'user', name: 'target', value: 'mine' })
  const sealed = async (name: string) =>
    (await db.query<{ v: Buffer }>('select value_sealed as v from variables where name = $1', [name])).rows[0]!.v
  const old = await sealed('source')
  await own.put({ scope: 'user', name: 'source', value: 'newer' })
  for (const name of ['target', 'source']) {
    const before = await sealed(name)
    await db.query('update variables set value_sealed = $2 where name = $1', [name, old])
    await expect(own.get({ scope: 'user', name })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.not.stringContaining(canary),
    })
    await db.query('update variables set value_sealed = $2 where name = $1', [name, before])
  }
  // To another account.
  await db.query(`update variables set owner_id = (select id from users where username = $1) where name = 'target'`, [
    viewer.username,
  ])
  await db.query(`delete from variables where name = 'target'`)
})

test('a new key: other servers have it first, everything is sealed anew, and the old one opens nothing any more (K2)', async () => {
  const { db, config, client } = server
  const { id } = await client.calls.jobs.submit({
    ...{ command: ['true'], env: { SHOWN: 'shown' }, secret_env: { HIDDEN: canary }, delay_seconds: 3600 },
  })
  await client.calls.channels.put({ name: 'team', settings: { kind: 'webhook', url: `http://127.0.0.1:9/${canary}` } })
  const [first] = (await client.calls.sealingKeys.list()).keys
  expect(first).toMatchObject({ state: 'current', missing_on: [] })

  await db.query(
    `insert into servers (name, version, last_seen_at, opens_keys) values ('b', '0', now() + interval '1 h', $1)`,
    [[first!.key_id]],
  )
  const made = await client.calls.sealingKeys.rotate()
  expect(made).toMatchObject({ used: false, missing_on: ['b'], file: expect.stringContaining('secret.key.') })
  const again = await client.calls.sealingKeys.rotate()
  expect(again).toEqual(made)
  await db.query(`update servers set opens_keys = $1, sealing_key = $2 where name = 'b'`, [
    [first!.key_id, made.key_id],
    made.key_id,
  ])
  expect(await client.calls.sealingKeys.rotate()).toMatchObject({ key_id: made.key_id, used: true })
  await expect
    .poll(async () => (await client.calls.sealingKeys.list()).keys, { timeout: 15_000 })
    .toMatchObject([
      { key_id: made.key_id, state: 'current' },
      { key_id: first!.key_id, state: 'retired', values: 0 },
    ])
  expect((await anna.client.calls.variables.get({ scope: 'user', name: 'region' })).value).toBe(`${canary} ü`)
  expect((await client.calls.jobs.get({ id })).env).toMatchObject({ SHOWN: 'shown' })

  // With the new key alone, as after a restart from files without the old one.
  const sealer = await keyringOf()
  expect(sealer.keyId).toBe(made.key_id)
  expect((await readdir(join(config.dataDir, 'secrets'))).sort()).toEqual([
    ...['jwt.key', 'local.token', 'secret.key', `secret.key.${first!.key_id}`],
  ])
  const owner = (await db.query<{ id: string }>(`select id from users where username = 'anna'`)).rows[0]!.id
  expect(await db.tx((tx) => readSecrets(tx, { sealer }, owner, ['token'], 'event_run:x'))).toEqual({
    token: `${canary}!`,
  })
  await expect(db.tx((tx) => readSecrets(tx, { sealer }, owner, ['region', 'none']))).rejects.toMatchObject({
    code: 'failed_precondition',
    fields: [{ field: 'secrets.region' }, { field: 'secrets.none' }],
  })
  await server.db.query(`delete from servers where name = 'b'`)
})

test('an event lists its secrets; its job has them sealed, neither in its spec nor in its command (K3)', async () => {
  const { events, variables } = anna.client.calls
  const script = 'curl -H "Authorization: $API" https://x; get_variable region'
  await events.create({ name: 'nightly', definition: { kind: 'bash', script, secrets: { API: 'token' } } })
  const run = await events.run({ event: 'nightly' })
  const { rows } = await server.db.query<{ id: string; spec: object; sealed: Buffer }>(
    `select public_id as id, spec, env_sealed as sealed from jobs where public_id = $1`,
    [run.job_id],
  )
  expect(openJobEnv(rows[0]!.sealed, rows[0]!.id, await keyringOf()).secret_env).toEqual({ API: `${canary}!` })
  expect(await variables.get({ scope: 'user', name: 'token' })).toMatchObject({
    ...{ used_by: ['nightly'], last_read_at: expect.any(String) },
  })
  expect((await variables.get({ scope: 'user', name: 'region' })).used_by).toEqual(['nightly'])
  const shown = [await anna.client.calls.jobs.get({ id: rows[0]!.id }), await events.get({ event: 'nightly' }), run]
  expect(JSON.stringify(shown)).not.toContain(canary)
  await events.create({ name: 'broken', definition: { kind: 'bash', script, secrets: { API: 'absent' } } })
  await expect(events.run({ event: 'broken' })).rejects.toMatchObject({
    message: expect.stringContaining('secrets.absent: there is no such secret: runyard secret set absent'),
  })
})

const keyringOf = async () => {
  const keys = await ensureKeys(server.config)
  return createKeyring([keys.secretKey])
}

test('no value is in the audit log, in a row, in a fact or in a job’s stored spec (K1, K3)', async () => {
  const { rows: tables } = await server.db.query<{ name: string }>(
    `select format('%I', relname) as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  )
  const forms = [canary, Buffer.from(canary).toString('base64').slice(0, -2), Buffer.from(canary).toString('hex')]
  for (const { name } of tables) {
    const { rows } = await server.db.query<{ text: string }>(`select t::text as text from ${name} t`)
    for (const form of forms) expect(rows.filter(({ text }) => text.includes(form))).toEqual([])
  }
  expect(facts.filter((fact) => forms.some((form) => fact.includes(form)))).toEqual([])
  const { rows } = await server.db.query<{ action: string; detail: object; actor: string; target: string }>(
    `select action, detail, actor, target from audit_log where action like 'secret.%' order by id`,
  )
  const uses = rows.filter(({ action }) => action === 'secret.use')
  expect(uses).toHaveLength(2)
  expect(uses[0]).toMatchObject({ actor: 'anna', target: 'event_run:x', detail: { names: ['token'] } })
  expect(rows.filter(({ action }) => action === 'secret.rotate')).toHaveLength(4)
})
