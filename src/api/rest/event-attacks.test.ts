/**
 * Rows R4 to R7, R11, Y1 and Y3 of the threat model for events and all that belongs to them: what is another's is not
 * there, what is shared gives no more than it must, and definitions that were made to hurt are refused soon.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { liveSocket } from '../../../test/live-socket.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import { openJobEnv } from '../../access/job-env.ts'
import { ensureKeys } from '../../access/keys.ts'
import { createSealer } from '../../access/secrets.ts'
import { createApiClient } from '../client.ts'
import type { EventRun } from '../contract/index.ts'
import type { TokenScope } from '../contract/people.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
/** Anna's, and nobody else's. */
let run: EventRun
let event: string
let group: string
let incident: string

const calls = (who = anna) => who.client.calls
const bash = (more: object = {}) => ({ kind: 'bash' as const, script: 'cat /runyard/input', ...more })
const make = (name: string, more: object = {}, about: object = {}, who = anna) =>
  calls(who).events.create({ name, status: 'active', ...about, definition: bash(more) })
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: { code: string; message: string; fields?: { field: string; message: string }[] }) => error,
  )
const send = (method: string, path: string, body: unknown = {}, token = ben.token) =>
  server.fetch(path, {
    method,
    token,
    ...(method !== 'GET' && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  })
const failure = { state: 'failed', error_class: 'exit', exit_code: 3, message: 'payroll of May is wrong' } as const

beforeAll(async () => {
  server = await runningServer({ RUNYARD_EVENT_RUNS_PER_MINUTE: '1000' })
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  await calls().variables.put({ scope: 'user', name: 'payroll_key', value: 'c4n4ry-key', secret: true })
  await calls().variables.put({ scope: 'user', name: 'payroll_month', value: 'c4n4ry-month' })
  await calls().messageTemplates.put({ name: 'greeting', input: { text: 'hello' } })
  const made = await make(
    'payroll',
    {
      description: 'payroll of everybody',
      secrets: { KEY: 'payroll_key' },
      schedules: [{ name: 'payroll-day', cron: '0 0 1 1 *' }],
      actions: [{ name: 'tell', do: { message: { channel: 'x', template: 'greeting' } } }],
    },
    { tags: ['payroll'] },
  )
  event = made.id
  await calls().webhooks.create({ event, name: 'payroll-hook' })
  run = await calls().events.run({ event, input: { payroll: 'c4n4ry-input' } })
  const claimed = await runner.claimOne()
  await runner.started(claimed)
  await server.db.query(
    `insert into attempt_results (job_id, number, output_type, output, output_bytes)
     values ($1, $2, 'text/html', $3, 30)`,
    [claimed.ref.jobKey, claimed.ref.number, Buffer.from('<script>payroll()</script>')],
  )
  await runner.finish(claimed, { ...failure, remaining_processes: 0 })
  await until(async () => {
    const { incidents } = await calls().incidents.list({ limit: 5 })
    incident = incidents[0]?.id ?? ''
    group = incidents[0]?.group_id ?? ''
    return incident !== '' && (await calls().eventRuns.get({ id: run.id })).settled_at !== null
  })
})
afterAll(() => server?.close())

test('R5: of what is another’s there is no sign: not by id or name, list, search, count, payload or act', async () => {
  const at = `/events/${event}`
  for (const path of [
    ...[at, '/events/payroll', `${at}/versions`, `${at}/diff?from=1&to=1`, `${at}/yaml`, `${at}/webhooks`],
    ...[`${at}/webhooks/payroll-hook/deliveries`, `/event-runs/${run.id}`, `/event-runs/${run.id}/input`],
    ...[
      `/event-runs/${run.id}/output`,
      `/event-runs?event=${event}`,
      `/jobs/${run.job_id}`,
      `/jobs/${run.job_id}/logs`,
    ],
    ...[`/jobs/${run.job_id}/artifacts`, '/variables/user/payroll_key', '/variables/user/payroll_month'],
    ...[`/incidents/${incident}`, `/analytics/series?event=${event}`, `/analytics/heat?event=payroll`],
  ]) {
    const answer = await send('GET', path)
    expect([path, answer.status]).toEqual([path, 404])
    expect(await answer.text()).not.toMatch(/c4n4ry|of everybody|of May/)
  }
  const about = ['payroll', 'anna', event, run.id, run.job_id!, incident, group, 'c4n4ry']
  for (const path of [
    ...['/events', '/events?search=everybody', '/events?tag=payroll', '/events?failing=true', '/events?owner=anna'],
    ...['/event-runs', '/event-runs?owner=anna', '/event-runs?status=failed', '/webhooks', '/variables'],
    ...['/variables?search=payroll', '/dead-letters', '/dead-letters?owner=anna', `/dead-letters?event=${event}`],
    ...['/dead-letters?search=wrong', '/failure-groups', '/failure-groups?search=May', '/incidents'],
    ...[`/incidents?event=${event}`, '/incidents?search=May', '/analytics', '/analytics?by=user', '/schedules'],
    ...['/analytics/series', '/analytics/heat', '/analytics/troubles', '/deliveries', '/schedules?owner=anna'],
  ]) {
    const answer = await send('GET', path)
    expect([path, answer.status]).toEqual([path, 200])
    const text = await answer.text()
    const found = about.filter((word) => text.includes(word))
    expect([path, found]).toEqual([path, []])
    expect([path, /"(open|runs|failed|total|active)":[1-9]/.exec(text)?.[0]]).toEqual([path, undefined])
  }
  expect((await calls(ben).messageTemplates.get({ name: 'greeting' })).used_by).toEqual([])
  expect((await calls().messageTemplates.get({ name: 'greeting' })).used_by).toEqual(['payroll'])

  const live = await liveSocket(server.url, ben.token)
  const watched = [
    { type: 'subscribe', id: 'job', topic: 'job', job_id: run.job_id! },
    { type: 'subscribe', id: 'log', topic: 'log', job_id: run.job_id! },
  ] as const
  for (const message of watched) {
    live.send(message)
    expect(await live.until((told) => 'sub' in told && told.sub === message.id)).toMatchObject({ type: 'error' })
  }
  live.socket.terminate()

  const before = await calls().events.get({ event })
  for (const [method, path, body = {}] of [
    ['PATCH', at, { shared: true }],
    ['DELETE', at],
    ['POST', `${at}/run`],
    ['POST', `${at}/clone`],
    ['POST', `${at}/restore`, { version: 1 }],
    ['POST', '/events/test', { event, definition: bash() }],
    ['POST', `${at}/webhooks`, { name: 'mine' }],
    ['PATCH', `${at}/webhooks/payroll-hook`, { enabled: false }],
    ['POST', `${at}/webhooks/payroll-hook/rotate`],
    ['DELETE', `${at}/webhooks/payroll-hook`],
    ['POST', `/event-runs/${run.id}/cancel`],
    ['POST', `/event-runs/${run.id}/rerun`],
    ['POST', `/jobs/${run.job_id}/cancel`],
    ['POST', '/schedules', { event, name: 'mine', cron: '* * * * *' }],
    ['POST', `/failure-groups/${group}/mute`, { muted: true }],
    ['POST', `/incidents/${incident}/act`, { action: 'close' }],
  ] as [string, string, object?][]) {
    const answer = await send(method, path, body)
    expect([path, answer.status]).toEqual([path, 404])
  }
  expect(await calls(ben).deadLetters.act({ action: 'dismiss', jobs: [run.job_id!] })).toMatchObject({ done: [] })
  expect(await calls(ben).deadLetters.act({ action: 'redrive', all: {} })).toMatchObject({ done: [], refused: [] })
  expect(await calls().events.get({ event })).toEqual(before)
  expect((await calls().deadLetters.list({ limit: 5 })).open).toBe(1)
})

test('W3: an output that is a page is a file to keep', async () => {
  const answer = await send('GET', `/event-runs/${run.id}/output`, undefined, anna.token)
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-disposition': expect.stringMatching(/^attachment/),
    'content-security-policy': expect.stringMatching(/sandbox/),
    'x-content-type-options': 'nosniff',
  })
})

test('R4: unknown and privileged fields are named at every level, and nothing is made', async () => {
  const action = { name: 'a', do: { rerun: {} } }
  const wrong: Record<string, object> = {
    owner_id: { owner_id: 1 },
    version: { version: 9 },
    executions: { executions: -1 },
    'definition.executor': { definition: bash({ executor: 'message' }) },
    'definition.profile': { definition: bash({ profile: 'project' }) },
    'definition.event': { definition: bash({ event: { run_id: run.id } }) },
    'definition.job.uid': { definition: bash({ job: { uid: 0 } }) },
    'definition.job.executor': { definition: bash({ job: { executor: 'http' } }) },
    'definition.job.limits.gid': { definition: bash({ job: { limits: { gid: 0 } } }) },
    'definition.timeouts.role': { definition: bash({ timeouts: { role: 'admin' } }) },
    'definition.retry.as': { definition: bash({ retry: { as: 'anna' } }) },
    'definition.schedules[0].owner_id': {
      definition: bash({ schedules: [{ name: 's', every_seconds: 60, owner_id: 1 }] }),
    },
    'definition.after[0].owner_id': { definition: bash({ after: [{ job: 'x', owner_id: 1 }] }) },
    'definition.actions[0].owner': { definition: bash({ actions: [{ ...action, owner: 'anna' }] }) },
    'definition.actions[0].do.rerun.as': {
      definition: bash({ actions: [{ name: 'a', do: { rerun: { as: 'anna' } } }] }),
    },
    'definition.actions[0].do.event.owner': {
      definition: bash({ actions: [{ name: 'a', do: { event: { event: 'x', owner: 'anna' } } }] }),
    },
    'definition.request.allow': { definition: { kind: 'http', request: { url: 'http://x', allow: ['127.0.0.1'] } } },
    'definition.request.auth.uid': {
      definition: { kind: 'http', request: { url: 'http://x', auth: { type: 'bearer', token: 'x', uid: 0 } } },
    },
    'definition.message.settings': { definition: { kind: 'message', message: { channel: 'x', settings: {} } } },
    'definition.pipeline.owner': { definition: { kind: 'pipeline', pipeline: { name: 'x', owner: 'anna' } } },
  }
  for (const [field, more] of Object.entries(wrong)) {
    const answer = await send('POST', '/events', { name: 'mine', definition: bash(), ...more })
    const { errors } = (await answer.json()) as { errors: { field: string; message: string }[] }
    expect([field, answer.status, errors.map((one) => one.field)]).toEqual([field, 422, [field]])
  }
  const proto = `{"name":"mine","__proto__":{"shared":true},"definition":{"kind":"bash","script":"a","env":{"__proto__":"x"}}}`
  expect((await send('POST', '/events', proto)).status).toBe(422)
  for (const [method, path, body] of [
    ['PATCH', `/events/${event}`, { owner: 'ben' }],
    ['POST', `/events/${event}/run`, { trigger: 'schedule' }],
    ['POST', `/events/${event}/run`, { depth: -5 }],
    ['PUT', '/variables/user/x', { value: 'x', owner: 'anna' }],
    ['POST', '/dead-letters/act', { action: 'redrive', all: { owner: 'anna' } }],
    ['PUT', '/incident-rules', { only_row: false }],
    ['PUT', '/message-templates/x', { input: {}, owner: 'anna' }],
  ] as const) {
    expect([path, (await send(method, path, body)).status]).toEqual([path, 422])
  }
  expect((await calls(ben).events.list({ limit: 5 })).events).toEqual([])
})

test('R12: what stands in a query is text to look for, or refused', async () => {
  for (const path of [
    ...['/events?cursor=', '/events?status=', '/event-runs?cursor=', '/event-runs?trigger=', '/variables?cursor='],
    ...[
      '/dead-letters?cursor=',
      '/dead-letters?group=',
      '/incidents?cursor=',
      '/failure-groups?cursor=',
      '/analytics?by=',
    ],
    ...['/analytics?sort=', '/analytics/heat?zone=', '/event-runs?since='],
  ]) {
    const answer = await send('GET', path + encodeURIComponent(`x'; drop table events; --`))
    expect([path, answer.status]).toEqual([path, 422])
  }
  for (const path of [
    '/events?search=',
    '/events?owner=',
    '/dead-letters?search=',
    '/incidents?search=',
    '/analytics?search=',
  ]) {
    for (const text of [`x'; drop table events; --`, '%', '\\', '(']) {
      expect([path, (await send('GET', path + encodeURIComponent(text))).status]).toEqual([path, 200])
    }
  }
})

test('a shared event gives no more than it must: its definition, and runs with an input that is data', async () => {
  const script = 'cat /runyard/input # {{ input }}'
  const env = { PLAIN: 'everybody reads this' }
  const shared = await make('team-report', { script, env, secrets: { KEY: 'payroll_key' } }, { shared: true })
  await calls().webhooks.create({ event: shared.id, name: 'deploy' })
  const hers = await calls().events.run({ event: shared.id, input: 'c4n4ry-hers' })
  await calls().eventRuns.cancel({ id: hers.id })
  const seen = JSON.stringify([
    await calls(ben).events.get({ event: 'team-report' }),
    await calls(ben).events.export({ event: 'team-report' }),
    await calls(ben).webhooks.list({ event: 'team-report' }),
  ])
  expect(seen).toContain('everybody reads this')
  expect(seen).toContain('payroll_key')
  expect(seen).not.toMatch(/c4n4ry|\/hooks\//)
  expect(await refusal(calls(ben).eventRuns.get({ id: hers.id }))).toMatchObject({ code: 'not_found' })
  const deliveries = calls(ben).webhooks.deliveries({ event: 'team-report', name: 'deploy', limit: 5 })
  expect(await refusal(deliveries)).toMatchObject({ code: 'permission_denied' })

  const evil = { '{{ input }}': "$(id); '; {{secrets.KEY}} {% raw %}", event: 'payroll' }
  const his = await calls(ben).events.run({ event: shared.id, input: evil })
  expect(his).toMatchObject({ owner: 'anna', cause: { by: 'ben' } })
  const { rows } = await server.db.query<{ sealed: Buffer; spec: object }>(
    'select env_sealed as sealed, spec from jobs where public_id = $1',
    [his.job_id],
  )
  const sealer = createSealer((await ensureKeys(server.config)).secretKey)
  expect(openJobEnv(rows[0]!.sealed, his.job_id!, sealer)).toMatchObject({
    ...{ env, secret_env: { KEY: 'c4n4ry-key' } },
    script: { kind: 'bash', text: script },
  })
  expect(JSON.stringify(rows[0]!.spec)).not.toMatch(/raw|c4n4ry/)
  expect((await calls(ben).eventRuns.get({ id: his.id })).input).toMatchObject({ json: evil })
  for (const act of [
    () => calls(ben).jobs.cancel({ id: his.job_id! }),
    () => calls(ben).jobs.delete({ id: his.job_id! }),
    () => calls(ben).jobs.rerun({ id: his.job_id! }),
  ]) {
    expect(await refusal(act())).toMatchObject({ code: 'permission_denied' })
  }
  await calls(ben).eventRuns.cancel({ id: his.id })
  // What he began stays his to see; nothing more begins.
  await calls().events.change({ event: shared.id, shared: false })
  expect((await calls(ben).eventRuns.get({ id: his.id })).id).toBe(his.id)
  for (const again of [
    () => calls(ben).eventRuns.rerun({ id: his.id }),
    () => calls(ben).events.run({ event: shared.id }),
  ]) {
    expect(await refusal(again())).toMatchObject({ code: 'not_found' })
  }
})

test('triggers and actions reach what their owner may see now, and tell nobody of anything else', async () => {
  const waits = (name: string, on: string) => make(name, { after: [{ event: on, on: ['cancelled'] }] }, {}, ben)
  expect(await refusal(waits('spy', event))).toMatchObject({ fields: [{ field: 'definition.after[0].event' }] })
  const shared = await make('team-build', {}, { shared: true })
  const spy = await waits('secret-spy', shared.id)
  const cancelled = async (): Promise<EventRun> => {
    const begun = await calls().events.run({ event: shared.id, input: 'c4n4ry-input' })
    return calls().eventRuns.cancel({ id: begun.id })
  }
  const runsOf = async (of: string, who: Person) => (await calls(who).eventRuns.list({ event: of, limit: 20 })).runs
  const first = await cancelled()
  const [spied] = await until(async () => {
    const found = await runsOf(spy.id, ben)
    return found.length === 1 && found
  })
  expect((await calls(ben).eventRuns.get({ id: spied!.id })).input).toBeNull()
  await calls(ben).eventRuns.cancel({ id: spied!.id })
  // Nor does she hear who listens.
  expect((await calls().eventRuns.get({ id: first.id })).started).toEqual([])
  await calls().events.change({ event: shared.id, shared: false })
  const second = await cancelled()
  await until(async () => (await calls().eventRuns.get({ id: second.id })).settled_at !== null)
  await until(async () => (await server.db.query('select from event_signals')).rowCount === 0)
  expect(await runsOf(spy.id, ben)).toHaveLength(1)

  await calls().events.change({ event: shared.id, shared: true })
  const fires = await make(
    'secret-fuse',
    {
      actions: [
        { name: 'on-hers', on: 'always', do: { event: { event: 'team-build' } } },
        { name: 'on-private', on: 'always', do: { event: { event } } },
        { name: 'with-rights', on: 'always', do: { set_variable: { name: 'x', scope: 'global', value: 1 } } },
        {
          name: 'on-secret',
          on: 'always',
          do: { set_variable: { name: 'payroll_month', operation: 'append', value: '!' } },
        },
      ],
    },
    {},
    ben,
  )
  const fuse = await calls(ben).events.run({ event: fires.id })
  await calls(ben).eventRuns.cancel({ id: fuse.id })
  const { actions } = await until(async () => {
    const found = await calls(ben).eventRuns.get({ id: fuse.id })
    return found.actions.length === 4 && found.actions.every(({ state }) => state !== 'due') && found
  })
  expect(actions.map(({ action, state }) => `${action} ${state}`)).toEqual([
    ...['on-hers done', 'on-private refused', 'with-rights refused', 'on-secret done'],
  ])
  expect(actions[1]!.reason).toMatch(/no such event/)
  expect((await calls().variables.get({ scope: 'user', name: 'payroll_month' })).value).toBe('c4n4ry-month')
  const hers = await calls().eventRuns.get({ id: actions[0]!.event_run_id! })
  expect(hers.cause).toMatchObject({ by: 'ben', text: `an action of run ${fuse.id} by ben` })
  expect(JSON.stringify(hers)).not.toMatch(/secret-fuse|on-hers/)
  expect((await calls(ben).eventRuns.get({ id: hers.id })).cause.text).toMatch(/^action on-hers of event secret-fuse/)
  await calls().eventRuns.cancel({ id: hers.id })
})

test('Y3: an output of ten thousand brackets ends its run like any other, and can be looked at', async () => {
  const deep = await make('deep', {
    actions: [
      { name: 'a', if: 'output.bytes == 20000', do: { set_variable: { name: 'deep', value: '{{ output }}' } } },
    ],
  })
  const begun = await calls().events.run({ event: deep.id })
  const claimed = await until(async () => {
    const all = await runner.claim(10)
    return all.find(({ jobId }) => jobId === begun.job_id)
  })
  await runner.started(claimed)
  await server.db.query(
    `insert into attempt_results (job_id, number, output_type, output, output_bytes)
     values ($1, $2, 'application/json', $3, 20000)`,
    [claimed.ref!.jobKey, claimed.ref!.number, Buffer.from('['.repeat(10_000) + ']'.repeat(10_000))],
  )
  await runner.finish(claimed, { state: 'succeeded', exit_code: 0, remaining_processes: 0 })
  const ended = await until(async () => {
    const found = await calls().eventRuns.get({ id: begun.id })
    return found.actions.some(({ state }) => state === 'done') && found
  })
  expect(ended).toMatchObject({ state: 'succeeded', output: { type: 'application/json', bytes: 20_000 } })
  expect(ended.output).not.toHaveProperty('json')
})

test('an account that is disabled runs nothing, whoever asks for its shared event', async () => {
  const cleo = await server.person('operator', 'cleo')
  const shared = await make('cleos', { max_running: 1 }, { shared: true }, cleo)
  const first = await calls(ben).events.run({ event: shared.id })
  const waiting = await calls(ben).events.run({ event: shared.id })
  await server.client.calls.users.change({ username: 'cleo', disabled: true })
  expect(await refusal(calls(ben).events.run({ event: shared.id }))).toMatchObject({
    message: expect.stringContaining('the account cleo is disabled'),
  })
  const { calls: admin } = server.client
  await admin.eventRuns.cancel({ id: first.id })
  const over = await until(async () => {
    const found = await admin.eventRuns.get({ id: waiting.id })
    return found.settled_at !== null && found
  })
  expect(over).toMatchObject({ state: 'failed', job_id: null, error: expect.stringContaining('cleo is disabled') })
})

test('R7: a token for one thing is told no names of another', async () => {
  const tokenFor = async (...scopes: TokenScope[]) => {
    const { token } = await calls().tokens.create({ name: scopes.join(), scopes })
    const payload = await send('GET', `/event-runs/${run.id}/output`, undefined, token)
    expect([scopes, payload.status]).toEqual([scopes, scopes.includes('events:read') ? 200 : 403])
    return createApiClient({ baseUrl: server.url, token }).calls
  }
  const channels = await tokenFor('channels:read')
  expect((await channels.messageTemplates.get({ name: 'greeting' })).used_by).toEqual([])
  const variables = await tokenFor('variables:read')
  expect((await variables.variables.get({ scope: 'user', name: 'payroll_key' })).used_by).toEqual([])
  const events = await tokenFor('events:read')
  expect((await events.analytics.table({ by: 'event' })).rows.length).toBeGreaterThan(0)
  for (const call of [
    () => events.analytics.table({ by: 'user' }),
    () => events.analytics.table({ by: 'pipeline' }),
    () => events.events.run({ event }),
    () => events.variables.list({ limit: 5 }),
    () => events.deadLetters.list({ limit: 5 }),
    () => events.incidents.act({ id: incident, action: 'close' }),
  ]) {
    expect(await refusal(call())).toMatchObject({ code: 'permission_denied' })
  }
})

test('R11, Y1, Y3: what was made to hurt is refused soon at each door, and the next request does not wait', async () => {
  const many = '{{ output.a }}'.repeat(17_000)
  const tell = (text: string) => ({ actions: [{ name: 'a', do: { message: { channel: 'x', input: { text } } } }] })
  const laughs = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')
  const doors: [string, string, unknown, number[]][] = [
    ['POST', '/events', { name: 'x', definition: bash(tell(many)) }, [422]],
    ['POST', '/events', { name: 'x', definition: bash(tell('{% if output %}'.repeat(4000))) }, [422]],
    ['POST', '/events/check', { definition: bash(tell(many)) }, [200]],
    [
      'POST',
      '/events/import',
      {
        yaml: `name: x\nkind: bash\nscript: a\nactions: [{name: a, do: {message: {channel: x, input: {t: "${many}"}}}}]`,
      },
      [422],
    ],
    ['POST', '/events/import', { yaml: `a0: &a0 [x]\n${laughs}\nname: x\nkind: bash\ninput: *a12` }, [422]],
    ['POST', '/events/import', { yaml: `name: x\nkind: bash\ninput: ${'['.repeat(10_000)}` }, [422]],
    ['POST', '/events/import', { yaml: 'name: x\nkind: bash\nscript: !!js/function "x"' }, [422]],
    ['POST', '/events/import', { yaml: 'name: x\nkind: bash\nscript: on\nshared: yes' }, [422]],
    ['POST', '/events/import', { yaml: 'name: x\nkind: bash\nscript: a\n__proto__: {shared: true}' }, [422]],
    ['PUT', '/message-templates/x', { input: { text: many } }, [422]],
    ['POST', '/message-templates/preview', { input: { text: many } }, [200]],
    ['POST', '/message-templates/preview', { input: { text: '{{ constructor.constructor("return 1")() }}' } }, [200]],
    ['POST', '/message-templates/preview', { input: { text: '{% include "/etc/passwd" %}' } }, [200]],
    ['POST', '/conditions/try', { condition: '('.repeat(2000) }, [200]],
    ['POST', '/conditions/try', { condition: 'output.constructor.constructor("x")()' }, [200]],
    ['POST', '/conditions/try', { condition: '__proto__ == null' }, [200]],
    [
      'POST',
      '/events',
      { name: 'x', definition: { kind: 'http', request: { url: 'http://x', assert: ['('.repeat(900)] } } },
      [422],
    ],
    [
      'POST',
      '/events',
      { name: 'x', definition: { kind: 'http', request: { url: 'http://x', assert: ['json.a == "{{secrets.A}}"'] } } },
      [422],
    ],
    [
      'POST',
      '/events',
      { name: 'x', definition: { kind: 'http', request: { url: 'http://x', headers: { 'a\nb': 'c' } } } },
      [422],
    ],
    [
      'POST',
      '/events',
      {
        name: 'x',
        definition: bash({ actions: [{ name: 'a', do: { webhook: { url: 'http://x', assert: ['{{ input }}'] } } }] }),
      },
      [422],
    ],
    [
      'POST',
      '/events',
      {
        name: 'x',
        definition: bash({
          actions: [{ name: 'a', if: 'secrets.x == 1', do: { set_variable: { name: 'a', value: '{{ secrets.x }}' } } }],
        }),
      },
      [422],
    ],
  ]
  for (const [method, path, body, statuses] of doors) {
    const began = performance.now()
    const answer = await send(method, path, body)
    const what = `${path} ${JSON.stringify(body).slice(0, 80)}`
    expect(statuses, what).toContain(answer.status)
    const told = (await answer.json()) as { input?: unknown; value?: unknown; problems?: unknown[]; problem?: string }
    if (answer.status === 200) expect([what, told.input ?? told.value ?? null]).toEqual([what, null])
    expect(performance.now() - began, what).toBeLessThan(2000)
  }
  // Read in a thread of its own: whoever asks meanwhile is answered.
  const fields = Array.from({ length: 100 }, (_, i) => `k${i}: 1`).join(', ')
  const long = `events:\n${`- {name: x, kind: bash, script: a, ${fields}}\n`.repeat(150)}`
  const order: string[] = []
  const slow = send('POST', '/events/import', { yaml: long }).then((answer) => (order.push('slow'), answer))
  await calls().events.get({ event })
  order.push('meanwhile')
  const refused = (await (await slow).json()) as { status: number; errors: { message: string }[] }
  expect([refused.status, refused.errors.length, order]).toEqual([422, 100, ['meanwhile', 'slow']])
  expect(refused.errors[0]!.message).toBe('line 2, column 36: is not a known field')
  expect((await calls(ben).events.list({ limit: 50 })).events.filter(({ name }) => name === 'x')).toEqual([])
})
