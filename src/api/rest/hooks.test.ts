/** Inbound webhooks through a whole server: what is let in begins one run, everything else (P2) hears the same 401. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import { pruneDeliveries } from '../../events/webhook-deliveries.ts'

let server: TestServer
let anna: Person
let ben: Person
beforeAll(async () => {
  server = await runningServer()
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
})
afterAll(() => server?.close())

const event = async (name: string, more: object = {}, status: 'active' | 'paused' = 'active') =>
  anna.client.calls.events.create({ name, status, definition: { kind: 'bash', script: 'cat', ...more } })
const hook = (of: string, more: object = {}) =>
  anna.client.calls.webhooks.create({ event: of, name: 'deploy', ...more })
const runs = async (of: string) => (await anna.client.calls.eventRuns.list({ event: of, limit: 50 })).runs

interface Door {
  url: string | null
  secret: string
}
interface Post {
  id?: string
  body?: string | Buffer
  headers?: Record<string, string | undefined>
}
let ids = 0
function post({ url, secret }: Door, { id = `msg_${++ids}`, body = '{"n": 1.0}', headers = {} }: Post = {}) {
  const at = Math.floor(Date.now() / 1000)
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${at}.`).update(body).digest('base64')
  const standard = {
    ...{ 'webhook-id': id, 'webhook-timestamp': `${at}`, 'webhook-signature': `v1,${mac}` },
    'content-type': 'application/json',
  }
  return send(url, body, { ...standard, ...headers })
}
async function send(url: string | null, body: string | Buffer, headers: Record<string, string | undefined>) {
  const there = Object.entries(headers).filter((one): one is [string, string] => one[1] !== undefined)
  const response = await fetch(`${server.url}${url}`, { method: 'POST', body, headers: there })
  const json = (await response.json()) as { run_id?: string; detail?: string; request_id?: string }
  return { status: response.status, headers: response.headers, json }
}

test('a signed delivery begins one run with these bytes as its input; the same id again does not', async () => {
  await event('on-push')
  const door = await hook('on-push')
  expect(door).toMatchObject({
    url: expect.stringMatching(/^\/hooks\/[\w-]{43}$/),
    secret: expect.stringMatching(/^whsec_/),
  })
  const body = Buffer.from([0x7b, 0x7d, 0, 0xff])
  const sent = {
    id: 'msg_first',
    body,
    headers: { 'content-type': 'application/x-odd', 'x-gitea-event': 'push', cookie: 'a=b' },
  }
  const taken = await post(door, sent)
  expect([taken.status, taken.json]).toMatchObject([202, { delivery_id: 'msg_first', run_id: expect.any(String) }])
  const run = await anna.client.calls.eventRuns.get({ id: taken.json.run_id! })
  expect(run).toMatchObject({ trigger: 'webhook', owner: 'anna', cause: { webhook_id: door.id } })
  expect(run.input).toMatchObject({ type: 'application/x-odd', bytes: 4 })
  const { rows } = await server.db.query<{ input: Buffer; cause: { headers: object } }>(
    'select input, cause from event_runs where public_id = $1',
    [run.id],
  )
  expect(rows[0]!.input).toEqual(body)
  expect(rows[0]!.cause.headers).toEqual({
    ...{ 'content-type': 'application/x-odd', 'user-agent': 'node', 'x-gitea-event': 'push' },
  })

  const again = await Promise.all([post(door, sent), post(door, { ...sent, body: 'another' }), post(door, sent)])
  expect(again.map(({ status }) => status)).toEqual([401, 401, 401])
  const both = await Promise.all([post(door, { id: 'msg_twins' }), post(door, { id: 'msg_twins' })])
  expect(both.map(({ status }) => `${status}`).toSorted()).toEqual(['202', '401'])
  expect(await runs('on-push')).toHaveLength(2)
})

test('P2: whatever is wrong, the answer is the same, and nothing begins', async () => {
  await event('guarded')
  const door = await hook('guarded')
  const keyless = await hook('guarded', { name: 'keyless' })
  await server.db.query(`update event_webhooks set secret_sealed = '' where public_id = $1`, [keyless.id])
  const moved = await hook('guarded', { name: 'moved' })
  // A sealed secret that was copied here from another row does not open.
  await server.db.query(
    `update event_webhooks set secret_sealed = (select secret_sealed from event_webhooks where public_id = $2)
     where public_id = $1`,
    [moved.id, door.id],
  )
  const off = await hook('guarded', { name: 'off' })
  await anna.client.calls.webhooks.change({ event: 'guarded', name: 'off', enabled: false })
  const old = Math.floor(Date.now() / 1000) - 301
  const late = createHmac('sha256', Buffer.from(door.secret.slice(6), 'base64'))
    .update(`late.${old}.x`)
    .digest('base64')
  const asGithub = createHmac('sha256', door.secret).update('x').digest('hex')
  const answers = await Promise.all([
    post(door, { headers: { 'webhook-signature': undefined } }),
    post(door, { headers: { 'webhook-signature': 'v1,' } }),
    post(door, { headers: { 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` } }),
    post({ ...door, secret: keyless.secret }),
    post({ ...keyless, secret: '' }),
    post(keyless),
    post({ ...moved, secret: door.secret }),
    post(moved),
    post(off),
    post({ ...door, url: `${door.url!.slice(0, -1)}${door.url!.endsWith('A') ? 'B' : 'A'}` }),
    post({ ...door, url: '/hooks/x' }),
    post({ ...door, url: `/hooks/${off.id}` }),
    post(door, { body: '{"n":1}', headers: { 'webhook-signature': signatureOf(door, 'msg_other', '{"n": 1}') } }),
    send(door.url, 'x', { 'webhook-id': 'late', 'webhook-timestamp': `${old}`, 'webhook-signature': `v1,${late}` }),
    send(door.url, 'x', { 'x-github-delivery': 'a', 'x-hub-signature-256': `sha256=${asGithub}` }),
    send(door.url, '', {}),
  ])
  const shown = answers.map(({ status, json, headers }) => ({
    ...{
      status,
      json: { ...json, request_id: 'any' },
      names: [...headers.keys()].filter((name) => !/^(date|x-ratelimit.*)$/.test(name)),
    },
    ...{ length: headers.get('content-length'), challenge: headers.get('www-authenticate') },
  }))
  expect(shown[0]).toMatchObject({ status: 401, json: { title: 'unauthenticated' } })
  for (const one of shown) expect(one).toEqual(shown[0])
  expect(await runs('guarded')).toEqual([])

  // Why is told to those who may change the event, and to the audit log.
  const why = async (name: string) =>
    (await anna.client.calls.webhooks.deliveries({ event: 'guarded', name })).deliveries.map(({ reason }) => reason)
  await until(
    async () => (await why('off')).length > 0 && (await why('deploy')).includes('its time is not within 300 s'),
  )
  expect(await why('off')).toEqual(['the webhook is disabled'])
  const { entries } = await server.client.calls.audit.list({ target: `webhook:${off.id}`, limit: 5 })
  expect(entries).toMatchObject([
    { action: 'webhook.deliver', result: 'refused', detail: { reason: 'the webhook is disabled' } },
  ])
})

const signatureOf = ({ secret }: Door, id: string, body: string): string => {
  const key = Buffer.from(secret.slice(6), 'base64')
  return `v1,${createHmac('sha256', key)
    .update(`${id}.${Math.floor(Date.now() / 1000)}.${body}`)
    .digest('base64')}`
}

test('github: signed over the body alone, so the same body is a replay under whatever id; a ping begins nothing', async () => {
  await event('on-github')
  const door = await hook('on-github', { scheme: 'github', secret: 'It is a secret of mine' })
  const github = (id: string, body: string, name = 'push') =>
    send(door.url, body, {
      'x-github-delivery': id,
      'x-github-event': name,
      'x-hub-signature-256': `sha256=${createHmac('sha256', 'It is a secret of mine').update(body).digest('hex')}`,
    })
  expect((await github('p', '{"zen":1}', 'ping')).status).toBe(200)
  expect((await github('1', '{"ref":1}')).status).toBe(202)
  for (const id of ['1', '2']) expect((await github(id, '{"ref":1}')).status).toBe(401)
  expect((await github('3', '{"ref":2}')).status).toBe(202)
  expect(await runs('on-github')).toHaveLength(2)
})

test('an event that takes none says why to who has signed, and the same delivery comes through once it does', async () => {
  await event('resting', {}, 'paused')
  const door = await hook('resting')
  const refused = await post(door, { id: 'msg_patient' })
  expect([refused.status, refused.json.detail]).toEqual([409, 'event resting is paused'])
  await anna.client.calls.events.change({ event: 'resting', status: 'active' })
  expect((await post(door, { id: 'msg_patient' })).status).toBe(202)
  expect((await post(door, { id: 'msg_patient' })).status).toBe(401)
  const { deliveries } = await anna.client.calls.webhooks.deliveries({ event: 'resting', name: 'deploy' })
  expect(deliveries.filter(({ run_id }) => run_id !== null)).toMatchObject([
    { delivery_id: 'msg_patient', reason: null },
  ])
})

test('too many, too large, encoded: refused before anything begins', async () => {
  await event('busy')
  const door = await hook('busy', { per_minute: 2 })
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push(await post(door, { id: `msg_rate_${i}` }))
  expect(statuses.map(({ status }) => status)).toEqual([202, 202, 429])
  expect(Number(statuses[2]!.headers.get('retry-after'))).toBeGreaterThan(20)
  // Those that are not signed take no turn, and learn nothing of it.
  expect((await post(door, { headers: { 'webhook-signature': 'v1,x' } })).status).toBe(401)
  await anna.client.calls.webhooks.change({ event: 'busy', name: 'deploy', per_minute: 6000 })
  await server.db.query(`update event_webhooks set rate_refilled_at = rate_refilled_at - interval '1 minute'`)
  expect((await post(door, { id: 'msg_rate_2' })).status).toBe(202)
  expect((await post(door, { body: Buffer.alloc(1024 * 1024) })).status).toBe(202)
  for (const url of [door.url, '/hooks/unknown'])
    expect((await post({ ...door, url }, { body: Buffer.alloc(1024 * 1024 + 1) })).status).toBe(413)
  expect((await post(door, { headers: { 'content-encoding': 'gzip' } })).status).toBe(415)
  expect(await runs('busy')).toHaveLength(4)
})

test('who may: owners and administrators; the address is theirs to read, the secret is shown once, rotation keeps the old', async () => {
  await event('shared-one')
  await anna.client.calls.events.change({ event: 'shared-one', shared: true })
  const door = await hook('shared-one')
  const { calls } = anna.client
  expect((await ben.client.calls.webhooks.list({ event: 'shared-one' })).webhooks).toMatchObject([{ url: null }])
  expect((await ben.client.calls.webhooks.all()).webhooks).toEqual([])
  await expect(ben.client.calls.webhooks.create({ event: 'shared-one', name: 'mine' })).rejects.toThrow(
    'only its owner',
  )
  await expect(ben.client.calls.webhooks.list({ event: 'on-push' })).rejects.toThrow('no such event')
  await expect(hook('shared-one')).rejects.toThrow('name: is taken: shared-one has a webhook deploy')
  await expect(hook('shared-one', { name: 'short', secret: 'whsec_AAAAAAAAAAAAA' })).rejects.toThrow(
    'secret: has too few',
  )
  const [seen] = (await calls.webhooks.list({ event: 'shared-one' })).webhooks
  expect(seen).not.toHaveProperty('secret')
  expect(seen!.url).toBe(door.url)

  const next = await calls.webhooks.rotate({ event: 'shared-one', name: 'deploy', keep_old_hours: 1 })
  expect([(await post(door)).status, (await post({ ...door, secret: next.secret })).status]).toEqual([202, 202])
  const last = await calls.webhooks.rotate({ event: 'shared-one', name: 'deploy', keep_old_hours: 0 })
  expect([
    (await post({ ...door, secret: next.secret })).status,
    (await post({ ...door, secret: last.secret })).status,
  ]).toEqual([401, 202])
  await calls.webhooks.delete({ event: 'shared-one', name: 'deploy' })
  expect((await post({ ...door, secret: last.secret })).status).toBe(401)
  const { rows } = await server.db.query<{ text: string }>('select detail::text as text from audit_log')
  const written = rows.map(({ text }) => text).join('\n')
  expect(written).toContain('keep_old_hours')
  for (const told of [door.url!.slice(7), door.secret, last.secret]) expect(written).not.toContain(told)
})

test('what was turned away goes after 30 days; what began a run as runs do, and later where nothing else tells a replay', async () => {
  await event('pruned')
  const door = await hook('pruned')
  await server.db.query(
    `insert into webhook_deliveries (webhook_id, delivery_id, run_id, reason, body_hash, received_at)
     select w.id, kind || days, case when kind <> 'refused' then 'run000000000' end, kind,
       case when kind = 'github' then sha256(days::text::bytea) end, now() - make_interval(days => days)
     from event_webhooks w, unnest(array['refused', 'standard', 'github']) kind, unnest(array[20, 40, 100, 401]) days
     where w.public_id = $1`,
    [door.id],
  )
  await pruneDeliveries(server.db, 90)
  const { deliveries } = await anna.client.calls.webhooks.deliveries({ event: 'pruned', name: 'deploy' })
  expect(deliveries.map(({ delivery_id: id }) => id).toSorted()).toEqual([
    ...['github100', 'github20', 'github40', 'refused20', 'standard20', 'standard40'],
  ])
  const page = await anna.client.calls.webhooks.deliveries({ event: 'pruned', name: 'deploy', limit: 4 })
  const next = { event: 'pruned', name: 'deploy', limit: 4, before: page.next_before! }
  expect([page.deliveries.length, (await anna.client.calls.webhooks.deliveries(next)).next_before]).toEqual([4, null])
})
