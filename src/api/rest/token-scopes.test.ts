/** R7: API tokens that were made for less than all that their owner may, at every route and over the WebSocket. */
import { isContractProcedure } from '@orpc/contract'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { runningServer, type TestServer } from '../../../test/running-server.ts'
import { createApiClient, type ApiClient } from '../client.ts'
import { contract } from '../contract/index.ts'
import { tokenScopes, type TokenScope } from '../contract/people.ts'

let server: TestServer
let job: string
beforeAll(async () => {
  server = await runningServer()
  job = (await server.client.calls.jobs.submit({ command: ['true'], name: 'hidden' })).id
})
const open: WebSocket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.terminate()
})
afterAll(() => server.close())

async function tokenFor(...scopes: TokenScope[]): Promise<{ token: string; client: ApiClient }> {
  const { token } = await server.client.calls.tokens.create({ name: scopes.join(' '), scopes })
  return { token, client: createApiClient({ baseUrl: server.url, token }) }
}

interface Route {
  method: string
  path: string
  open: boolean
}

function routesOf(router: object): Route[] {
  return Object.values(router).flatMap((entry: unknown) => {
    if (!isContractProcedure(entry)) return routesOf(entry as object)
    const { method = 'POST', path = '' } = entry['~orpc'].route
    return [{ method, path, open: (entry['~orpc'].meta as { open?: boolean }).open === true }]
  })
}

const bash = { kind: 'bash', script: 'true' }

/** What each route takes, so that it is refused for who asks and not for what is asked. */
const bodies: Record<string, object> = {
  'POST /jobs': { command: ['true'] },
  'POST /jobs/bulk': { jobs: [{ command: ['true'] }] },
  'POST /jobs/actions': { action: 'cancel', ids: ['abcdefghijkl'] },
  'POST /job-batches': { name: 'x', jobs: [{ command: ['true'] }] },
  'POST /job-batches/preview': { name: 'x', jobs: [{ command: ['true'] }] },
  'PUT /batch-templates/{name}': { body: { jobs: [{ command: ['true'] }] } },
  'PUT /channels/{name}': { settings: { kind: 'slack', url: 'https://example.com/hook' } },
  'PUT /images/{name}': { reference: 'python:3.12' },
  'POST /pipelines/check': { source: 'pipelines: {}' },
  'PUT /pipelines/{name}': { source: 'pipelines: {}' },
  'POST /pipeline-runs/{id}/tasks/{task}/decide': { approve: true },
  'POST /schedules': { pipeline: 'x', name: 'x', cron: '* * * * *' },
  'POST /schedules/preview': { cron: '* * * * *' },
  'POST /certificates': { name: 'mallory', role: 'admin', request: 'x' },
  'POST /hosts': { name: 'x', address: 'x', user: 'x', auth: { method: 'agent' } },
  'POST /users': { username: 'mallory', password: 'password of mallory' },
  'PUT /users/{username}/password': { password: 'password of mallory' },
  'PATCH /users/{username}': { max_running: 1 },
  'POST /tokens': { name: 'another' },
  'POST /events/{event}/webhooks': { name: 'x' },
  'PUT /message-templates/{name}': { input: { text: 'x' } },
  'POST /message-templates/preview': { input: { text: 'x' } },
  'POST /conditions/try': { condition: 'true' },
  'POST /dead-letters/act': { action: 'dismiss', jobs: ['abcdefghijkl'] },
  'POST /failure-groups/{id}/mute': { muted: true },
  'POST /incidents/{id}/act': { action: 'close' },
  'POST /events': { name: 'x', definition: bash },
  'POST /events/check': { definition: bash },
  'POST /events/import': { yaml: 'name: x' },
  'POST /events/test': { event: 'x', definition: bash },
  'POST /events/{event}/restore': { version: 1 },
}
const queries: Record<string, string> = {
  'GET /jobs/suggested-limits': '?name=hidden',
  'GET /pipelines/{name}/diff': '?from=1&to=2',
  'GET /events/{event}/diff': '?from=1&to=2',
}

test('R7: with a scope that no route here asks for, every route refuses', async () => {
  const { token } = await tokenFor('metrics:read')
  const answers: string[] = []
  for (const { method, path, open: forAll } of routesOf(contract)) {
    const route = `${method} ${path}`
    if (forAll || route === 'GET /me') continue
    const id = /^\/(tokens|certificates|message-deliveries)/.test(path) ? '1' : job
    const url = path.replaceAll(
      /\{(\w+)\}/g,
      (_all, name: string) => ({ id, username: 'admin', number: '1', scope: 'user' })[name] ?? 'default',
    )
    const body = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(bodies[route] ?? {}) }
    const response = await server.fetch(url + (queries[route] ?? ''), { method, token, ...(method !== 'GET' && body) })
    if (response.status !== 403 && response.status !== 404) answers.push(`${route} ${await response.text()}`)
  }
  expect(answers).toEqual([])
  for (const path of [`/jobs/${job}/logs`, '/audit/export']) {
    expect([path, (await server.fetch(path, { token })).status]).toEqual([path, 403])
  }
})

test('R7: lists, searches and counts are as closed as the single thing', async () => {
  const { token, client } = await tokenFor('queues:read', 'users:read')
  for (const path of ['/jobs', '/jobs?name=hidden', '/jobs/stats', `/jobs/${job}`, `/jobs/${job}/attempts`]) {
    const answer = await server.fetch(path, { token })
    expect([path, answer.status]).toEqual([path, 403])
    expect(await answer.text()).toMatch(/this API token is for queues:read, users:read only/)
  }
  expect((await client.calls.queues.list()).queues.length).toBeGreaterThan(0)
  await expect(client.calls.queues.put({ name: 'default', paused: true })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  expect((await client.calls.users.list()).users.length).toBeGreaterThan(0)
  expect((await client.calls.me()).username).toBe('admin')
})

test('jobs:write reads jobs, too, and nothing beside jobs', async () => {
  const { client } = await tokenFor('jobs:write')
  const made = await client.calls.jobs.submit({ command: ['true'] })
  expect((await client.calls.jobs.get({ id: made.id })).id).toBe(made.id)
  await client.calls.jobs.cancel({ id: made.id })
  for (const call of [
    () => client.calls.queues.list(),
    () => client.calls.runners.list(),
    () => client.calls.users.list(),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'permission_denied' })
  }
})

test('a refusal for want of a scope says so, also in the audit log', async () => {
  const { client } = await tokenFor('jobs:read')
  const reason = 'this API token lacks the scope jobs:write'
  await expect(client.calls.jobs.submit({ command: ['true'] })).rejects.toThrow(reason)
  await expect(client.calls.jobs.cancel({ id: job })).rejects.toThrow(reason)
  await expect(client.calls.batches.create({ name: 'x', jobs: [] })).rejects.toThrow('lacks the scope batches:write')
  const { rows } = await server.db.query<{ reason: string }>(
    `select detail->>'reason' as reason from audit_log where result = 'refused' order by id desc limit 3`,
  )
  expect(rows.map((row) => row.reason)).toEqual([reason.replace('jobs', 'batches'), reason, reason])
})

test('R8: a token makes no token that can do more or lasts longer, and cannot shed its scopes otherwise', async () => {
  const { client } = await tokenFor('tokens:write', 'jobs:read')
  await expect(client.calls.tokens.create({ name: 'more', scopes: ['jobs:write'] })).rejects.toMatchObject({
    code: 'permission_denied',
    fields: [{ field: 'scopes', message: 'has jobs:write, which the token that asks has not' }],
  })
  expect((await client.calls.tokens.create({ name: 'as much' })).scopes).toEqual(['jobs:read', 'tokens:write'])
  expect((await client.calls.tokens.create({ name: 'less', scopes: ['tokens:read'] })).scopes).toEqual(['tokens:read'])
  for (const escape of [
    () => client.calls.users.setPassword({ username: 'admin', password: 'mine from now on' }),
    () => client.calls.account.signOutEverywhere(),
    () => client.calls.users.createReset({ username: 'admin' }),
    () => client.calls.users.create({ username: 'mallory', password: 'mine from now on', role: 'admin' }),
  ]) {
    const refused = await escape().then(
      () => 'done',
      (error: { code: string }) => error.code,
    )
    expect(['permission_denied', 'not_found']).toContain(refused)
  }
  const short = await server.client.calls.tokens.create({ name: 'short', expires_in_days: 1 })
  const child = await createApiClient({ baseUrl: server.url, token: short.token }).calls.tokens.create({
    ...{ name: 'for ever', expires_in_days: 3650 },
  })
  expect(child.expires_at).toBe(short.expires_at)
})

test('an unknown scope is refused, and each holds once, in the order of the list', async () => {
  const create = (scopes: string[]) => server.client.calls.tokens.create({ name: 'x', scopes: scopes as TokenScope[] })
  for (const bad of ['jobs', 'jobs:*', '*', 'job:read', 'jobs:read ', 'JOBS:READ', '']) {
    await expect(create([bad]), bad).rejects.toMatchObject({ code: 'invalid_argument' })
  }
  await expect(create([])).rejects.toMatchObject({ code: 'invalid_argument' })
  expect((await create(['queues:read', 'jobs:read', 'jobs:read'])).scopes).toEqual(['jobs:read', 'queues:read'])
  expect((await create([...tokenScopes])).scopes).toEqual([...tokenScopes])
})

test('R7: the WebSocket tells a token of nothing that it may not read', async () => {
  const { token } = await tokenFor('queues:read')
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/ws`, {
    headers: { authorization: `Bearer ${token}` },
  })
  open.push(socket)
  const came: { type: string; sub: string; code?: string }[] = []
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const answers = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      came.push(JSON.parse(String(data)) as (typeof came)[number])
      if (came.filter(({ type }) => type === 'error').length === 3) resolve()
    })
  })
  socket.send(JSON.stringify({ type: 'subscribe', id: 'a', topic: 'job', job_id: job }))
  socket.send(JSON.stringify({ type: 'subscribe', id: 'b', topic: 'log', job_id: job }))
  socket.send(JSON.stringify({ type: 'subscribe', id: 'c', topic: 'jobs' }))
  await server.client.calls.jobs.cancel({ id: job })
  await answers
  expect(came.filter(({ type }) => type === 'job' || type === 'log')).toEqual([])
  expect(new Set(came.filter(({ type }) => type === 'error').map(({ sub }) => sub))).toEqual(new Set(['a', 'b', 'c']))
})
