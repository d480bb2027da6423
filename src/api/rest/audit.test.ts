/** The audit log as administrators see it, and row A1: what is tried against it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { audit } from '../../access/audit.ts'
import { sealAudit } from '../../access/audit-chain.ts'
import { listAudit } from '../../access/audit-list.ts'
import { systemPrincipal } from '../../access/permissions.ts'
import { openDb } from '../../db/pool.ts'

let server: TestServer
let anna: Person
beforeAll(async () => {
  server = await runningServer()
  anna = await server.person('operator', 'anna')
})
afterAll(() => server.close())

const list = (filter: object) => server.client.calls.audit.list(filter)
const exported = async (query: string): Promise<string> => (await server.fetch(`/audit/export${query}`)).text()

test('rows are found by who, what, to what, how it ended and when, newest first, in pages', async () => {
  const since = new Date().toISOString()
  const ids: string[] = []
  for (let i = 0; i < 3; i++) ids.push((await anna.client.calls.jobs.submit({ command: ['true'] })).id)
  await anna.client.calls.jobs.cancel({ id: ids[0]! })
  await expect(anna.client.calls.queues.put({ name: 'default', paused: true })).rejects.toThrow()

  const all = await list({ actor: 'ANNA', since })
  expect(all.entries.map(({ action, result }) => `${action} ${result}`)).toEqual([
    'queue.put refused',
    'job.cancel done',
    'job.submit done',
    'job.submit done',
    'job.submit done',
  ])
  expect(all.entries[0]).toMatchObject({
    ...{ actor: 'anna', actor_kind: 'user', target: 'queue:default', address: '127.0.0.1' },
    detail: { code: 'permission_denied', reason: 'only an administrator may change queues' },
  })
  const found = async (filter: object): Promise<number> =>
    (await list({ actor: 'anna', since, ...filter })).entries.length
  expect(await found({ action: 'job.' })).toBe(4)
  expect(await found({ action: 'job' })).toBe(0)
  expect(await found({ action: 'job.cancel' })).toBe(1)
  expect(await found({ result: 'refused' })).toBe(1)
  expect(await found({ target: `job:${ids[0]}` })).toBe(2)
  expect(await found({ until: since })).toBe(0)
  // What a pattern would take for itself is text.
  for (const filter of [{ action: '%.' }, { action: 'job_.' }, { actor: '%' }, { target: `job:' or 1=1 --` }]) {
    expect((await list({ since, ...filter })).entries).toEqual([])
  }

  const first = await list({ actor: 'anna', since, limit: 2 })
  const second = await list({ actor: 'anna', since, limit: 3, cursor: first.next_cursor })
  expect([...first.entries, ...second.entries].map(({ id }) => id)).toEqual(all.entries.map(({ id }) => id))
  expect([all.next_cursor, second.next_cursor]).toEqual([null, null])
})

test('a rare row behind many others is reached in a few answers, each of which looks at a part', async () => {
  await audit(server.db, { actor: { kind: 'anonymous', username: 'rare' }, action: 'x.rare', result: 'done' })
  await server.db.query(
    `insert into audit_log (actor_kind, actor, action, result)
     select 'system', 'system', 'x.many', 'done' from generate_series(1, 60)`,
  )
  const look = (cursor?: string, since?: Date) =>
    listAudit(server.db, { actor: 'rare', since }, { limit: 10, cursor }, 50)
  const near = await look()
  expect(near.rows).toEqual([])
  const far = await look(near.nextCursor!)
  expect(far.rows.length).toBe(1)
  // Nothing older than the wish is looked for.
  expect((await look(undefined, new Date(Date.now() + 3_600_000))).nextCursor).toBeNull()
})

test('the export has all rows that fit, oldest first, is a file, and is noted itself', async () => {
  const answer = await server.fetch('/audit/export?actor=anna&format=csv')
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="runyard-audit-.*\.csv"$/)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  const lines = (await answer.text()).trimEnd().split('\r\n')
  expect(lines[0]).toBe('id,at,actor_kind,actor,action,target,result,address,seq,detail')
  const rows = (await exported('?actor=anna'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string })
  expect(rows.length).toBe(lines.length - 1)
  expect(rows.map(({ id }) => Number(id))).toEqual(rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b))
  expect((await exported('')).split('\n').length).toBeGreaterThan(60)
  const [note] = (await list({ action: 'audit.export', limit: 1 })).entries
  expect(note).toMatchObject({ actor: 'admin', detail: { format: 'jsonl' } })
  expect((await server.fetch('/audit/export?format=xml')).status).toBe(422)
  expect((await server.fetch('/audit/export?role=admin')).status).toBe(422)
})

test('nobody but an administrator sees a row, an export or a verdict', async () => {
  for (const role of ['operator', 'viewer'] as const) {
    const { token, client } = await server.person(role)
    expect((await server.fetch('/audit', { token })).status).toBe(403)
    expect((await server.fetch('/audit/export', { token })).status).toBe(403)
    await expect(client.calls.audit.verify()).rejects.toMatchObject({ code: 'permission_denied' })
  }
})

test('A1: who acted is who signed in, whatever a header or a field says', async () => {
  const forged = {
    'x-forwarded-user': 'admin',
    'x-remote-user': 'admin',
    'x-actor': 'admin',
    'x-runyard-user': 'admin',
    'x-forwarded-for': '203.0.113.7',
    forwarded: 'for=203.0.113.7',
    from: 'admin@example.com',
    'x-request-id': 'mine\nadmin',
  }
  const headers = { ...forged, 'x-request-id': 'mine', 'content-type': 'application/json' }
  const post = (path: string, body: object) =>
    server.fetch(path, { method: 'POST', token: anna.token, headers, body: JSON.stringify(body) })
  const { id } = (await (await post('/jobs', { command: ['true'] })).json()) as { id: string }
  expect((await list({ target: `job:${id}` })).entries).toMatchObject([{ actor: 'anna', address: '127.0.0.1' }])
  expect((await post('/jobs', { command: ['true'], actor: 'admin' })).status).toBe(422)
  expect((await post('/users', { username: 'x', password: 'ten letters and more', actor: 'admin' })).status).toBe(422)
  expect((await list({ actor: 'admin', action: 'job.submit' })).entries).toEqual([])
})

test('A1: a line break in a name makes no second row, line or cell', async () => {
  const name = 'eve\r\n=cmd|x!A1,admin,user.create\n{"actor":"admin"}'
  const before = (await exported('')).trimEnd().split('\n').length
  const wrong = {
    method: 'POST',
    token: '',
    body: new URLSearchParams({ grant_type: 'password', username: name, password: 'x' }),
  }
  expect((await server.fetch('/auth/token', wrong)).status).toBe(401)
  const lines = (await exported('')).trimEnd().split('\n')
  expect(lines.length).toBe(before + 2) // the sign-in, and the first export
  const row = lines.map((line) => JSON.parse(line) as { actor: string }).find(({ actor }) => actor.startsWith('eve'))
  expect(row?.actor).toBe(name)
  expect(await exported(`?format=csv&action=user.sign_in&actor=${encodeURIComponent(name)}`)).toContain(
    `"${name.replaceAll('"', '""')}"`,
  )
})

test('A1: when the log cannot be written, nothing is changed; reading goes on', async () => {
  const { id } = await anna.client.calls.jobs.submit({ command: ['true'] })
  const ben = await server.person('operator', 'ben')
  const before = await server.db.query('select count(*) from jobs')
  // Nobody may write it any more, as when its disk or its grants are gone.
  await server.db.query('revoke insert on audit_log from current_user')
  try {
    const json = { headers: { 'content-type': 'application/json' } }
    const attempts: [string, string, object | undefined, string?][] = [
      ['POST', '/jobs', { command: ['true'] }, anna.token],
      ['POST', '/jobs/bulk', { jobs: [{ command: ['true'] }] }, anna.token],
      ['POST', '/job-batches', { name: 'x', jobs: [{ command: ['true'] }] }, anna.token],
      ['POST', `/jobs/${id}/cancel`, {}, anna.token],
      ['POST', `/jobs/${id}/rerun`, {}, anna.token],
      ['PUT', '/queues/default', { paused: true }],
      ['POST', '/users', { username: 'new', password: 'ten letters and more' }],
      ['PATCH', '/users/ben', { role: 'admin' }],
      ['DELETE', '/users/ben', undefined],
      ['PUT', '/users/ben/password', { password: 'ten letters and more' }],
      ['POST', '/users/ben/password-reset', {}],
      ['POST', '/tokens', { name: 'x' }],
      ['POST', '/me/sign-out-everywhere', undefined, ben.token],
      ['GET', '/audit/export', undefined],
    ]
    for (const [method, path, body, token] of attempts) {
      const sent = body === undefined ? {} : { ...json, body: JSON.stringify(body) }
      const answer = await server.fetch(path, { method, ...sent, ...(token !== undefined && { token }) })
      expect([method, path, answer.status]).toEqual([method, path, 500])
    }
    expect((await server.fetch(`/jobs/${id}`, { token: anna.token })).status).toBe(200)
    expect((await server.fetch('/jobs', { token: ben.token })).status).toBe(200)
  } finally {
    await server.db.query('grant insert on audit_log to current_user')
  }
  expect(await server.db.query('select count(*) from jobs')).toEqual(before)
  expect((await anna.client.calls.jobs.get({ id })).state).toBe('queued')
  const { users } = await server.client.calls.users.list()
  expect(users.find(({ username }) => username === 'ben')).toMatchObject({ role: 'operator' })
  expect(users.find(({ username }) => username === 'new')).toBeUndefined()
  expect((await server.client.passwordGrant('ben', ben.password)).access_token).toBeTruthy()
  const [queue] = (await server.client.calls.queues.list()).queues.filter(({ name }) => name === 'default')
  expect(queue?.paused).toBe(false)
})

test('A1: what was changed in the database is found, and a head that was kept elsewhere tells of a new chain', async () => {
  await sealAudit(server.db)
  const verdict = await server.client.calls.audit.verify()
  expect(verdict).toMatchObject({ ok: true, problems: [] })
  const head = verdict.head!
  expect((await server.client.calls.audit.verify({ head })).ok).toBe(true)
  const other = { ...head, hash: head.hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }
  expect((await server.client.calls.audit.verify({ head: other })).problems).toEqual([
    { kind: 'rewritten', seq: head.seq },
  ])
  const later = { ...head, seq: String(Number(head.seq) + 1_000_000) }
  expect((await server.client.calls.audit.verify({ head: later })).problems).toEqual([
    { kind: 'cut_off', seq: later.seq },
  ])

  // The owner of the tables gives themselves what the migration took away.
  const owner = openDb(server.databaseUrl)
  await owner.query('alter table audit_log disable trigger user')
  await owner.query('grant update on audit_log to current_user')
  const { rows } = await owner.query<{ id: string }>(
    `update audit_log set actor = 'eve' where id = (select max(audit_id) from audit_seals where seq < $1) returning id`,
    [head.seq],
  )
  await owner.query('alter table audit_log enable trigger user')
  await owner.end()
  expect(await server.client.calls.audit.verify()).toMatchObject({
    ...{ ok: false, problems: [{ kind: 'changed', audit_id: rows[0]!.id }] },
  })
  await audit(server.db, { actor: systemPrincipal, action: 'x.after', result: 'done' })
})
