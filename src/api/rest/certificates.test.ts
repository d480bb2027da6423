import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { authenticateCertificate } from '../../access/authenticate.ts'
import { identityOf } from '../../x509/identity.ts'
import { decodeJoinToken } from '../../x509/join-token.ts'
import { generateKeyPair } from '../../x509/key-pair.ts'
import { pemOf } from '../../x509/pem.ts'
import { createRequest } from '../../x509/request.ts'

let server: TestServer
let operator: Person
let viewer: Person
let request: string

beforeAll(async () => {
  server = await runningServer()
  operator = await server.person('operator', 'oscar')
  viewer = await server.person('viewer', 'vera')
  request = pemOf('CERTIFICATE REQUEST', await createRequest(await generateKeyPair(), 'whoever'))
})
afterAll(() => server.close())

const calls = () => server.client.calls
let names = 0
let name: string
beforeEach(() => {
  name = `anna-${++names}`
})

const rows = async (since: string) =>
  (
    await server.db.query<{ action: string; result: string; actor: string; target: string; detail: object }>(
      `select action, result, actor, target, detail from audit_log where id > $1 and actor <> 'system' order by id`,
      [since],
    )
  ).rows
const lastRow = async (): Promise<string> =>
  (await server.db.query<{ id: string }>('select coalesce(max(id), 0)::text as id from audit_log')).rows[0]!.id

test('before there is an authority, everything says what to do', async () => {
  expect(await calls().certificates.listAuthorities()).toEqual({ authorities: [] })
  expect(await calls().certificates.list({})).toEqual({ certificates: [], next_cursor: null })
  await expect(calls().certificates.issue({ name, role: 'admin', request })).rejects.toMatchObject({
    code: 'failed_precondition',
    message: 'there is no authority yet: runyard certs init',
  })
})

test('from the authority to a certificate that holds, and its end', async () => {
  const since = await lastRow()
  const made = await calls().certificates.initAuthority({})
  expect(new X509Certificate(made.certificate_pem).subject).toBe('O=Runyard\nCN=Runyard')
  await expect(calls().certificates.initAuthority({})).rejects.toMatchObject({ code: 'conflict' })
  expect((await calls().certificates.listAuthorities()).authorities).toMatchObject([{ id: made.id }])

  const issued = await calls().certificates.issue({ name, role: 'viewer', request, days: 3 })
  expect(issued).toMatchObject({ account_created: true, authorities_pem: made.certificate_pem })
  expect(issued.certificate).toMatchObject({
    name,
    role: 'viewer',
    state: 'valid',
    issued_by: 'admin',
    last_used_at: null,
  })
  const days = (Date.parse(issued.certificate.ends_at) - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(2.99)
  expect(days).toBeLessThanOrEqual(3)
  const presented = identityOf(new X509Certificate(issued.certificate_pem))
  expect(presented.fingerprint.toString('hex')).toBe(issued.certificate.fingerprint)
  expect((await authenticateCertificate(server.db, presented)).principal).toMatchObject({
    username: name,
    role: 'viewer',
  })

  const { id } = issued.certificate
  expect(await calls().certificates.revoke({ id, reason: 'left us' })).toMatchObject({
    state: 'revoked',
    revoke_reason: 'left us',
    revoked_before: false,
  })
  expect(await calls().certificates.revoke({ id, reason: 'again' })).toMatchObject({
    revoke_reason: 'left us',
    revoked_before: true,
  })
  await expect(authenticateCertificate(server.db, presented)).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(calls().certificates.revoke({ id: '999999' })).rejects.toMatchObject({ code: 'not_found' })

  const audited = await rows(since)
  expect(audited.map((row) => [row.action, row.result, row.target])).toEqual([
    ['authority.create', 'done', `authority:${made.id}`],
    ['authority.create', 'refused', null],
    ['user.create', 'done', `user:${name}`],
    ['certificate.issue', 'done', `certificate:${id}`],
    ['certificate.revoke', 'done', `certificate:${id}`],
    ['certificate.revoke', 'done', `certificate:${id}`],
    ['certificate.revoke', 'refused', 'certificate:999999'],
  ])
  expect(audited[3]!.detail).toMatchObject({ name, role: 'viewer', days: 3, serial: issued.certificate.serial })
})

test('a number is nobody’s name, because it is a certificate’s id', async () => {
  for (const role of ['viewer', 'runner'] as const) {
    const refused = { code: 'invalid_argument', fields: [{ field: 'name' }] }
    await expect(calls().certificates.issue({ name: '7', role, request })).rejects.toMatchObject(refused)
  }
  await expect(calls().runnerTokens.create({ name: '7', servers: ['a:1'] })).rejects.toMatchObject({
    fields: [{ field: 'name' }],
  })
})

test('nobody but an administrator sees or changes any of it, and each try is in the audit', async () => {
  const since = await lastRow()
  for (const { client } of [operator, viewer]) {
    const tries = [
      () => client.calls.certificates.initAuthority({ rotate: true }),
      () => client.calls.certificates.issue({ name, role: 'viewer', request }),
      () => client.calls.certificates.revoke({ id: '1' }),
      () => client.calls.runnerTokens.create({ name }),
      () => client.calls.certificates.list({}),
      () => client.calls.certificates.listAuthorities(),
    ]
    for (const attempt of tries) await expect(attempt()).rejects.toMatchObject({ code: 'permission_denied' })
  }
  expect((await rows(since)).map((row) => [row.actor, row.action, row.result])).toEqual(
    ['oscar', 'vera'].flatMap((who) =>
      ['authority.create', 'certificate.issue', 'certificate.revoke', 'runner_token.create'].map((action) => [
        who,
        action,
        'refused',
      ]),
    ),
  )
  expect(await server.db.query('select from users where username = $1', [name])).toMatchObject({ rowCount: 0 })
})

test('bad input is named by field, and leaves nothing', async () => {
  const good = { name, role: 'viewer', request }
  const wrong: [object, string][] = [
    [{ ...good, role: 'server' }, 'role'],
    [{ ...good, role: 'enrol' }, 'role'],
    [{ ...good, role: 'Admin' }, 'role'],
    [{ ...good, role: 'аdmin' }, 'role'],
    [{ ...good, name: '' }, 'name'],
    [{ ...good, name: 'a b' }, 'username'],
    [{ ...good, role: 'runner', name: 'a@b' }, 'name'],
    [{ ...good, days: 0 }, 'days'],
    [{ ...good, days: 10_000 }, 'days'],
    [{ ...good, request: 'hello' }, 'request'],
    [{ ...good, request: `${request}${request}` }, 'request'],
    [{ ...good, request: request.replace(/MI/, 'AA') }, 'request'],
    [{ ...good, request: request.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE') }, 'request'],
    [{ ...good, subject: 'OU=admin' }, 'subject'],
    [{ ...good, user_id: '1' }, 'user_id'],
  ]
  for (const [body, field] of wrong) {
    const response = await server.fetch('/certificates', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const { errors } = (await response.json()) as { errors: { field: string }[] }
    expect([field, response.status, errors.map((error) => error.field)]).toEqual([field, 422, [field]])
  }
  for (const query of ['role=root', 'state=good', 'cursor=x', 'limit=0', 'order=id']) {
    expect([query, (await server.fetch(`/certificates?${query}`)).status]).toEqual([query, 422])
  }
  expect(await server.db.query('select from users where username = $1', [name])).toMatchObject({ rowCount: 0 })
})

test('the list is filtered and paged', async () => {
  for (const each of ['runner', 'admin', 'runner'] as const) {
    await calls().certificates.issue({ name: `${name}-${each}`, role: each, request })
  }
  // Without those that the server makes for itself meanwhile.
  const role = 'admin,operator,viewer,runner,enrol'
  const { certificates: all } = await calls().certificates.list({ role })
  const first = await calls().certificates.list({ role, limit: 2 })
  const rest = await calls().certificates.list({ role, cursor: first.next_cursor!, limit: 200 })
  expect([...first.certificates, ...rest.certificates]).toEqual(all)
  const runners = await calls().certificates.list({ role: 'runner', state: 'valid,ends_soon', name: `${name}-runner` })
  expect(runners.certificates.map((one) => one.role)).toEqual(['runner', 'runner'])
})

test('a runner token has all that a machine needs, for one name or for any, and its end', async () => {
  const made = await calls().runnerTokens.create({
    name: 'host-1',
    servers: ['r.example:50051', '[::1]:1'],
    expires_in_seconds: 60,
  })
  const token = decodeJoinToken(made.token)
  expect(token).toMatchObject({ name: 'host-1', servers: ['r.example:50051', '[::1]:1'] })
  const holder = await authenticateCertificate(server.db, identityOf(new X509Certificate(token.certificatePem)))
  expect(holder).toMatchObject({ role: 'enrol', name: 'host-1', principal: { kind: 'enrol', role: null } })
  const left = Date.parse(made.expires_at) - Date.now()
  expect(left).toBeLessThanOrEqual(60_000)
  expect(left).toBeGreaterThan(50_000)

  const any = await calls().runnerTokens.create({ servers: ['10.0.0.1:50051'] })
  expect(decodeJoinToken(any.token).name).toBeNull()
  const { rows: kept } = await server.db.query<{ text: string }>(
    `select string_agg(t::text, '') as text from (
       select c::text as t from certificates c union all select a::text from audit_log a) all_rows`,
  )
  expect(kept[0]!.text).not.toContain(any.token.slice(4, 40))
  for (const servers of [[], ['r.example'], ['r.example:x'], ['http://r.example:1'], ['a b:1']]) {
    await expect(calls().runnerTokens.create({ servers })).rejects.toMatchObject({ code: 'invalid_argument' })
  }
})
