/** What follows runs of events, over a whole server: actions, loops, chains, messages through tools, templates. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parse } from 'yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { startMessageRunner } from '../../../test/message-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import type { Outcome } from '../../job/outcome.ts'
import type { Json } from '../../lib/json.ts'
import type { EventRun } from '../contract/index.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
let vera: Person
let stopMessages: () => Promise<void>
const received: { headers: IncomingHttpHeaders; body: string }[] = []
const receiver = createServer((req, res) => {
  let body = ''
  req.on('data', (part) => (body += part))
  req.on('end', () => {
    received.push({ headers: req.headers, body })
    res.end('ok')
  })
})

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  server = await runningServer({ RUNYARD_EVENT_RUNS_PER_MINUTE: '1000', RUNYARD_PUBLIC_URL: 'https://runyard.example' })
  runner = await fakeRunner(server.runnerSocket)
  stopMessages = startMessageRunner({
    socketPath: server.runnerSocket,
    dir: server.config.dataDir,
    executors: ['message'],
  })
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  vera = await server.person('viewer', 'vera')
  const { channels } = server.client.calls
  await channels.put({ name: 'hook', settings: { kind: 'webhook', url } })
  await channels.put({ name: 'team', settings: { kind: 'slack', url } })
  const from = { from: 'runyard@example.com', to: ['ops@example.com'] }
  await channels.put({ name: 'mail', settings: { kind: 'email', smtp_url: 'smtp://127.0.0.1:9', ...from } })
})
afterAll(async () => {
  await stopMessages?.()
  await server?.close()
  receiver.close()
})

const good: Outcome = { state: 'succeeded', exit_code: 0, remaining_processes: 0 }
const bad: Outcome = {
  state: 'failed',
  error_class: 'exit',
  exit_code: 3,
  message: 'exit code 3',
  remaining_processes: 0,
}
const calls = (who = anna) => who.client.calls
const make = (name: string, actions: object[], more: object = {}) =>
  calls().events.create({
    name,
    status: 'active',
    definition: { kind: 'bash', script: 'true', actions: actions as never, ...more },
  })

interface Said {
  outcome?: Outcome
  output?: unknown
  type?: string
  condition?: boolean
}
/** Plays the attempt: what its helpers said, and its end. */
async function play(run: EventRun, { outcome = good, output, type = 'application/json', condition }: Said = {}) {
  const claimed = await runner.claimOne()
  await runner.started(claimed)
  await server.db.query(
    `insert into attempt_results (job_id, number, condition, output_type, output, output_bytes)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      ...[claimed.ref.jobKey, claimed.ref.number, condition ?? null, output === undefined ? null : type],
      ...[output === undefined ? null : Buffer.from(JSON.stringify(output)), 1],
    ],
  )
  await runner.finish(claimed, outcome)
  return settled(run.id)
}
const settled = (id: string) =>
  until(async () => {
    const detail = await calls().eventRuns.get({ id })
    return detail.settled_at !== null && detail.actions.every(({ state }) => state !== 'due') && detail
  })
const runsOf = async (event: string) => (await calls().eventRuns.list({ event, limit: 100 })).runs
const actionsOf = (run: { actions: { action: string; state: string; reason: string | null }[] }) =>
  run.actions.map(({ action, state, reason }) => [action, state, reason])

test('outcome, output and variables decide what follows, and each kind of action does what it says', async () => {
  await calls().variables.put({ scope: 'user', name: 'limit', value: '2' })
  await make('report', [])
  const input = { subject: 'Backup: {{ output.files }} files', text: '{{ output.evil }} by {{ vars.limit }}' }
  await make('backup', [
    { name: 'tell', do: { message: { channel: 'hook', input: { ...input, data: { all: '{{ output }}' } } } } },
    { name: 'next', if: 'output.files > int(vars.limit)', do: { event: { event: 'report' } } },
    { name: 'few', if: 'output.files < 2', do: { event: { event: 'report', input: 'few' } } },
    { name: 'count', do: { set_variable: { name: 'backups', operation: 'increment', value: '{{ output.files }}' } } },
    { name: 'keep', do: { set_variable: { name: 'last', value: '{{ output }}' } } },
    { name: 'wrong', if: 'output.nothing.at == 1', do: { rerun: {} } },
    { name: 'sorry', on: 'failure', do: { event: { event: 'report' } } },
    { name: 'when said', on: 'ON_CONDITION', do: { event: { event: 'report', input: { from: '{{ event.name }}' } } } },
    { name: 'gone', on: 'always', do: { event: { event: 'nowhere' } } },
    { name: 'number', do: { message: { channel: 'team', input: { text: '{{ output.files }}' } } } },
    { name: 'off', enabled: false, do: { event: { event: 'report' } } },
  ])
  const output = { files: 3, evil: '{{ vars.limit }}{% include "x" %}' }
  const run = await play(await calls().events.run({ event: 'backup' }), { output, condition: true })
  expect(run).toMatchObject({ state: 'succeeded', output: { json: output } })
  expect(actionsOf(run)).toEqual([
    ['tell', 'done', null],
    ['next', 'done', null],
    ['few', 'skipped', 'its condition was false'],
    ['count', 'done', null],
    ['keep', 'done', null],
    ['wrong', 'refused', expect.stringMatching(/^its condition .*nothing/)],
    ['when said', 'done', null],
    ['gone', 'refused', expect.stringMatching(/event/)],
    ['number', 'done', null],
  ])
  const begun = await runsOf('report')
  const byCause = begun.toSorted((a, b) => a.cause.text.localeCompare(b.cause.text))
  expect(byCause.map(({ cause, depth, trigger }) => [cause.text, cause.run_id, depth, trigger])).toEqual([
    ['action next of event backup', run.id, 1, 'action'],
    ['action when said of event backup', run.id, 1, 'action'],
  ])
  const inputs = await Promise.all(begun.map(async ({ id }) => (await calls().eventRuns.get({ id })).input?.json))
  expect(inputs).toEqual(expect.arrayContaining([output, { from: 'backup' }]))
  const valueOf = async (name: string) => (await calls().variables.get({ scope: 'user', name })).value
  expect(await valueOf('backups')).toBe('3')
  expect(JSON.parse((await valueOf('last'))!)).toEqual(output)

  const sent = await until(() => received.find(({ body }) => body.includes('Backup: 3 files')))
  expect(JSON.parse(sent.body)).toMatchObject({
    type: 'event.message',
    data: { subject: 'Backup: 3 files', text: `${output.evil} by 2`, all: output, event: 'backup', run_id: run.id },
  })
  const { deliveries } = await calls().messageDeliveries.list({ channel: 'hook' })
  expect(deliveries).toEqual([
    expect.objectContaining({ about: `action:${run.id}:tell:0`, subject: 'Backup: 3 files' }),
  ])
  expect(sent.headers['webhook-id']).toBe(deliveries[0]!.id)
  // Those that were begun, out of the way of the next test.
  for (const next of begun) await calls().eventRuns.cancel({ id: next.id })
})

test('a loop goes on until it is told, and a rerun is bounded by it', async () => {
  await make('flaky', [
    {
      name: 'again',
      on: 'failure',
      repeat: { times: 5, every_seconds: 1, until: 'outcome.success' },
      do: { rerun: {} },
    },
  ])
  const soon = () => server.db.query(`update action_firings set due_at = now() where state = 'due'`)
  const first = await calls().events.run({ event: 'flaky', input: { n: 1 } })
  for (const outcome of [bad, bad, good]) {
    const claimed = await until(async () => (await soon(), (await runner.claim(1))[0]))
    await runner.started(claimed)
    await runner.finish(claimed, outcome)
  }
  const done = await until(async () => {
    await soon()
    const detail = await calls().eventRuns.get({ id: first.id })
    return detail.actions.length === 3 && detail.actions.every(({ state }) => state !== 'due') && detail
  })
  expect(actionsOf(done)).toEqual([
    ['again', 'done', null],
    ['again', 'done', null],
    ['again', 'skipped', 'until is true: the loop is over'],
  ])
  const reruns = (await runsOf('flaky')).filter(({ id }) => id !== first.id)
  expect(reruns.map(({ state, depth }) => [state, depth])).toEqual([
    ['succeeded', 1],
    ['failed', 1],
  ])
  // A rerun's own failure is its loop's affair.
  expect(actionsOf(await settled(reruns[1]!.id))).toEqual([['again', 'skipped', 'the run is itself a rerun']])
  expect((await calls().eventRuns.get({ id: reruns[0]!.id })).input?.json).toEqual({ n: 1 })
})

test('a circle of events ends at the depth cap, and says so', async () => {
  await make('ping', [{ name: 'pong', on: 'always', do: { event: { event: 'pong' } } }])
  await make('pong', [{ name: 'ping', on: 'always', do: { event: { event: 'ping' } } }])
  let run = await play(await calls().events.run({ event: 'ping' }))
  for (let depth = 1; depth <= 10; depth++) {
    const next = run.actions[0]!.event_run_id!
    run = await play(await calls().eventRuns.get({ id: next }))
    expect(run.depth).toBe(depth)
  }
  expect(actionsOf(run)).toEqual([['pong', 'refused', expect.stringMatching(/11 runs deep; at most 10/)]])
  expect(await runsOf('ping')).toHaveLength(6)
})

test('a webhook action is an HTTP job with its secrets filled in once, sealed', async () => {
  await calls().variables.put({ scope: 'user', name: 'api_key', value: 'c4n4ry{{ output }}', secret: true })
  const webhook = {
    ...{ method: 'POST', url: 'https://example.com/{{ event.name }}', body: { got: '{{ output }}' } },
    headers: { 'x-key': 'k {{ secrets.KEY }}', 'x-n': '{{ output.n }}' },
  }
  await make('call out', [{ name: 'post', do: { webhook } }], { secrets: { KEY: 'api_key' } })
  await make('call blind', [{ name: 'post', do: { webhook } }])
  const run = await play(await calls().events.run({ event: 'call out' }), { output: { n: 5 } })
  expect(actionsOf(run)).toEqual([['post', 'done', null]])
  const job = await calls().jobs.get({ id: run.actions[0]!.job_id! })
  expect(job).toMatchObject({ name: 'call out: post', executor: 'http' })
  expect(JSON.stringify(job)).not.toContain('c4n4ry')
  const blind = await play(await calls().events.run({ event: 'call blind' }))
  expect(actionsOf(blind)).toEqual([['post', 'refused', expect.stringMatching(/secrets\.KEY: list it under secrets/)]])
})

test('an event of kind message sends through its tool; what is wrong with it is named', async () => {
  const message = { channel: 'team', template: 'greeting', input: { text: 'Hi {{ input.who }} of {{ event.name }}' } }
  await calls().messageTemplates.put({ name: 'greeting', input: { subject: 'To {{ input.who }}', text: 'never' } })
  await calls().events.create({ name: 'greet', status: 'active', definition: { kind: 'message', message } })
  const run = await calls().events.run({ event: 'greet', input: { who: '<!channel>' } })
  const sent = await until(() => received.find(({ body }) => body.includes('of greet')))
  expect(JSON.parse(sent.body)).toEqual({ text: '*To &lt;!channel&gt;*\nHi &lt;!channel&gt; of greet' })
  expect(await settled(run.id)).toMatchObject({ state: 'succeeded' })
  expect((await calls().messageTemplates.get({ name: 'greeting' })).used_by).toEqual(['greet'])

  // The channel is there, so what its tool refuses is refused now; nothing is known of one that is not there yet.
  const check = (given: object) =>
    calls().events.check({ definition: { kind: 'message', message: { channel: 'mail', ...given } } })
  const found = async (given: object) => (await check(given)).problems.map(({ field, severity }) => [field, severity])
  expect(await found({ input: { subject: '{{ input.s }}', txt: 'x' } })).toEqual([
    ['message.input.txt', 'error'],
    ['message.input.text', 'error'],
  ])
  expect(await found({ action: 'dance' })).toEqual([['message.action', 'error']])
  expect(await found({ channel: 'later', action: 'dance' })).toEqual([['message.channel', 'warning']])
  expect(await found({ input: { subject: '{{ outcome.state }}', text: 'x' } })).toEqual([
    ['message.input.subject', 'error'],
  ])

  const saved = (given: object) =>
    calls()
      .events.change({ event: 'greet', definition: { kind: 'message', message: { channel: 'team', ...given } } })
      .then(() => 'saved')
      .catch((error: Error) => error.message)
  expect(await saved({ action: 'dance' })).toMatch(/message\.action: slack has no action dance; it has send/)
  expect(await saved({ input: { txt: '{{ input.a }}', text: 'x' } })).toMatch(
    /message\.input\.txt: .*slack send takes subject, text/,
  )
  const refusal = async (given: object) => {
    expect(await saved(given)).toBe('saved')
    return calls()
      .events.run({ event: 'greet' })
      .catch((error: Error) => error.message)
  }
  expect(await refusal({ channel: 'nowhere' })).toMatch(/there is no channel nowhere/)
  expect(await refusal({ template: 'none' })).toMatch(/there is no message template none/)
  const to = ['someone@elsewhere.example']
  expect(await refusal({ channel: 'mail', input: { subject: 's', text: 't', to } })).toMatch(/own domains only/)
})

test('the examples of docs/actions.md are taken as they stand there', async () => {
  const docs = readFileSync(new URL('../../../docs/actions.md', import.meta.url), 'utf8')
  const [, yaml] = /```yaml\n([^]*?)```/.exec(docs)!
  await calls().events.import({ yaml: yaml!, existing: 'update' })
  const { name, status, ...definition } = parse(yaml!) as Record<string, Json>
  expect([name, status]).toEqual(['backup', 'active'])
  const { problems } = await calls().events.check({ definition })
  expect(problems.map(({ field, severity }) => [field, severity])).toEqual([
    ['actions[1].do.event.event', 'warning'], // the reader's own
  ])
  const [, template] = /<<'END'\n([^]*?)END/.exec(docs)!
  const { input, sample } = parse(template!) as { input: Record<string, Json>; sample: object }
  expect((await calls().messageTemplates.preview({ input, names: sample })).input).toEqual({
    ...{ subject: 'nightly backup succeeded', text: 'done, 7 files' },
  })
})

test('templates are their owner’s to change, everybody’s to use; a preview and a try store nothing', async () => {
  const { messageTemplates, conditions, tools } = calls()
  const put = { name: 'standup', description: 'daily', input: { text: '{{ output.files }} files' }, sample: { a: 1 } }
  expect(await messageTemplates.put(put)).toMatchObject({ ...put, owner: 'anna', used_by: [] })
  await expect(calls(ben).messageTemplates.put(put)).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(calls(vera).messageTemplates.put({ ...put, name: 'v' })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  await expect(messageTemplates.put({ ...put, input: { text: '{{ outptu }}' } })).rejects.toMatchObject({
    code: 'invalid_argument',
    fields: [expect.objectContaining({ field: 'input.text' })],
  })
  expect((await calls(vera).messageTemplates.list({})).templates.map(({ name }) => name)).toContain('standup')
  expect(await server.client.calls.messageTemplates.put({ ...put, description: null })).toMatchObject({ owner: 'anna' })
  const names = { output: { files: 7, html: '<b>' } }
  expect(
    await messageTemplates.preview({ input: { text: '{{ output.files }}', html: '{{ output.html }}' }, names }),
  ).toEqual({ input: { text: 7, html: '&lt;b&gt;' }, problems: [] })
  expect(await messageTemplates.preview({ input: { text: '{{ x' } })).toMatchObject({ input: null })
  expect(await conditions.try({ condition: 'output.files == 7 && outcome.success', names })).toEqual({
    ...{ value: true, problem: null },
  })
  expect(await conditions.try({ condition: 'output.files' })).toMatchObject({ value: null })
  await messageTemplates.delete({ name: 'standup' })
  await expect(messageTemplates.get({ name: 'standup' })).rejects.toMatchObject({ code: 'not_found' })

  const { tools: all } = await tools.list({})
  expect(all.map(({ name, actions }) => [name, actions.map((action) => action.name)])).toEqual([
    ['slack', ['send']],
    ['discord', ['send']],
    ['webhook', ['send', 'post']],
    ['email', ['send']],
  ])
  expect(all[3]!.actions[0]!.input).toMatchObject({
    properties: { subject: { type: 'string' } },
    required: ['subject'],
  })
  expect(all[0]!.credentials).toMatchObject({ properties: { url: { writeOnly: true } } })
})
