/** Events over HTTP: made, changed, run, seen, and who may. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { openJobEnv } from '../../access/job-env.ts'
import { createSealer } from '../../access/secrets.ts'
import { ensureKeys } from '../../access/keys.ts'
import type { SealedEnv, StoredSpec } from '../../job/spec.ts'
import type { EventDetail, EventRun } from '../contract/index.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
let vera: Person

beforeAll(async () => {
  server = await runningServer({ RUNYARD_EVENT_RUNS_PER_MINUTE: '40' })
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  vera = await server.person('viewer', 'vera')
})
afterAll(() => server?.close())

const calls = (who = anna) => who.client.calls.events
const runsOf = (who = anna) => who.client.calls.eventRuns
const bash = (more: object = {}) => ({ kind: 'bash' as const, script: 'echo hi', ...more })
const make = (name: string, more: object = {}, about: object = {}): Promise<EventDetail> =>
  calls().create({ name, status: 'active', ...about, definition: bash(more) })
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: { code: string; message: string; fields?: { field: string; message: string }[] }) => error,
  )
const jobOf = async (run: EventRun): Promise<{ spec: StoredSpec; sealed: SealedEnv }> => {
  const { rows } = await server.db.query<{ spec: StoredSpec; sealed: Buffer }>(
    'select spec, env_sealed as sealed from jobs where public_id = $1',
    [run.job_id],
  )
  const keys = await ensureKeys(server.config)
  return { spec: rows[0]!.spec, sealed: openJobEnv(rows[0]!.sealed, run.job_id!, createSealer(keys.secretKey)) }
}
const settle = (run: EventRun) =>
  server.db.query(
    `update event_runs set settled_at = now(), ended_at = now(), end_state = 'succeeded' where public_id = $1`,
    [run.id],
  )

test('an event becomes a job whose script, budgets and input are where they belong', async () => {
  const event = await make('nightly', {
    script: 'echo "$GREETING"',
    env: { GREETING: 'hello' },
    input: { default: true },
    timeouts: { setup_seconds: 10, run_seconds: 60, cleanup_seconds: 5 },
    max_attempts: 3,
    retry: { backoff_seconds: 2 },
    job: { queue: 'default', limits: { memory_bytes: 64 * 1024 * 1024 } },
  })
  expect(event).toMatchObject({ version: 1, executions: 0, may_change: true, owner: 'anna', last_run: null })
  const run = await calls().run({ event: 'nightly' })
  expect(run).toMatchObject({
    ...{ trigger: 'manual', version: 1, owner: 'anna', depth: 0, status: 'queued' },
    event: { id: event.id, name: 'nightly', kind: 'bash' },
    cause: { text: 'run by anna', by: 'anna' },
  })
  const { spec, sealed } = await jobOf(run)
  expect(spec).toMatchObject({
    ...{ name: 'nightly', command: ['bash', '/runyard/script.sh'], helpers: true, outputs: true, max_attempts: 3 },
    ...{ timeout_seconds: 60, setup_seconds: 10, cleanup_seconds: 5, executor: 'sandbox' },
    event: { run_id: run.id, name: 'nightly', kind: 'bash' },
  })
  expect(JSON.stringify(spec)).not.toContain('GREETING')
  expect(sealed).toMatchObject({ script: { kind: 'bash', text: 'echo "$GREETING"' }, env: { GREETING: 'hello' } })

  expect(await runsOf().get({ id: run.id })).toMatchObject({
    input: { type: 'application/json', json: { default: true }, url: `/api/v1/event-runs/${run.id}/input` },
    output: null,
    definition: { kind: 'bash' },
    actions: [],
    started: [],
  })
  await runner.run('hi\n')
  const ended = await runsOf().get({ id: run.id })
  expect(ended).toMatchObject({ state: 'succeeded', status: 'completed', attempts: 1 })
  expect((await calls().get({ event: event.id })).last_run).toMatchObject({ id: run.id, state: 'succeeded' })
  expect(await refusal(anna.client.calls.jobs.rerun({ id: run.job_id! }))).toMatchObject({
    message: expect.stringContaining(`runyard event rerun ${run.id}`),
  })
  const again = await runsOf().rerun({ id: run.id })
  expect((await runsOf().get({ id: again.id })).input).toMatchObject({ json: { default: true } })
  expect(await runsOf().cancel({ id: again.id, reason: 'enough' })).toMatchObject({ state: 'cancelled' })
  expect(await refusal(runsOf().cancel({ id: again.id }))).toMatchObject({ code: 'conflict' })
})

test('inputs of any type come back as bytes, never as a page', async () => {
  const event = await make('bytes')
  const page = '<script>alert(1)</script>'
  const run = await calls().run({
    event: event.id,
    input_base64: Buffer.from(page).toString('base64'),
    input_type: 'text/html',
  })
  const at = `${server.url}/api/v1/event-runs/${run.id}`
  const headers = { authorization: `Bearer ${anna.token}` }
  const whole = await fetch(`${at}/input`, { headers })
  expect(await whole.text()).toBe(page)
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    'content-disposition': expect.stringContaining('attachment'),
    'content-security-policy': expect.stringContaining('sandbox'),
    'x-content-type-options': 'nosniff',
  })
  const part = await fetch(`${at}/input`, { headers: { ...headers, range: 'bytes=1-6' } })
  expect([part.status, await part.text()]).toEqual([206, 'script'])
  expect((await fetch(`${at}/output`, { headers })).status).toBe(404)
  expect((await fetch(`${at}/input`, { headers: { authorization: `Bearer ${ben.token}` } })).status).toBe(404)
  await runsOf().cancel({ id: run.id })
  const both = { event: event.id, input: 1, input_base64: 'AA==' }
  expect(await refusal(calls().run(both))).toMatchObject({ fields: [{ field: 'input' }] })
})

test('versions: a change of the definition is one, the same content is none; diff and restore', async () => {
  const event = await make('versioned')
  const change = (more: object, about: object = {}) =>
    calls().change({ event: event.id, ...about, definition: bash(more) })
  expect((await change({})).version).toBe(1)
  expect((await change({ script: 'echo two\necho three' }, { note: 'why', expect_version: 1 })).version).toBe(2)
  expect(await refusal(change({ script: 'x' }, { expect_version: 1 }))).toMatchObject({
    code: 'conflict',
    fields: [{ field: 'expect_version' }],
  })
  const { lines } = await calls().diff({ event: event.id, from: 1, to: 2 })
  expect(lines.filter(({ kind }) => kind !== 'same')).toEqual([
    { kind: 'removed', text: 'script: echo hi' },
    ...['script: |-', '  echo two', '  echo three'].map((text) => ({ kind: 'added', text })),
  ])
  expect(await calls().restore({ event: event.id, version: 1 })).toMatchObject({
    version: 3,
    definition: { script: 'echo hi' },
  })
  expect((await calls().versions({ event: event.id })).versions).toMatchObject([
    { number: 3, in_force: true, note: 'version 1 again' },
    { number: 2, created_by: 'anna', note: 'why' },
    { number: 1, in_force: false },
  ])
  expect((await calls().get({ event: event.id, version: 2 })).definition).toMatchObject({ script: /two/ })
})

test('who sees, runs and changes what', async () => {
  const own = await make('annas own')
  const shared = await make('annas shared', {}, { shared: true })
  expect(await refusal(calls(ben).get({ event: own.id }))).toMatchObject({ code: 'not_found' })
  expect(await refusal(calls(ben).run({ event: 'annas own' }))).toMatchObject({ code: 'not_found' })
  expect(await calls(ben).get({ event: 'Annas Shared' })).toMatchObject({ may_change: false, may_run: true })
  expect(await calls(vera).get({ event: own.id })).toMatchObject({ may_change: false, may_run: false })
  for (const call of [
    () => calls(ben).change({ event: shared.id, tags: ['mine'] }),
    () => calls(ben).test({ event: shared.id, definition: bash({ script: 'env' }) }),
    () => calls(ben).delete({ event: shared.id }),
    () => calls(vera).run({ event: shared.id }),
    () => calls(vera).create({ name: 'veras', definition: bash() }),
  ]) {
    expect(await refusal(call())).toMatchObject({ code: 'permission_denied' })
  }
  const run = await calls(ben).run({ event: shared.id })
  expect(run).toMatchObject({ owner: 'anna', cause: { by: 'ben' } })
  expect((await runsOf(ben).list({ event: shared.id })).runs.map(({ id }) => id)).toEqual([run.id])
  expect((await runsOf(ben).cancel({ id: run.id })).state).toBe('cancelled')
  const copy = await calls(ben).clone({ event: shared.id })
  expect(copy).toMatchObject({ name: 'annas shared - copy', status: 'draft', shared: false, owner: 'ben' })
  const { rows } = await server.db.query<{ line: string }>(
    `select actor || ' ' || action || ' ' || result as line from audit_log where target = $1 order by id`,
    [`event:${shared.id}`],
  )
  expect(rows.map(({ line }) => line)).toEqual(
    expect.arrayContaining(['anna event.create done', 'ben event.change refused', 'ben event.run done']),
  )
})

test('whoever began a run of a shared event reads its job, log and artefacts, and changes none of them', async () => {
  const shared = await make('began by another', { env: { PLAIN: 'annas' } }, { shared: true })
  const { job_id: id, ...run } = await calls(ben).run({ event: shared.id })
  const own = await calls().run({ event: shared.id })
  const jobs = ben.client.calls.jobs
  const first = await runner.run('hi ben\n')
  expect(first.jobId).toBe(id)
  await runner.run('hi anna\n')
  const shown = await jobs.get({ id: id! })
  expect(shown).toMatchObject({ owner: 'anna', state: 'succeeded' })
  expect(shown).not.toHaveProperty('env')
  expect((await jobs.attempts({ id: id! })).attempts).toHaveLength(1)
  expect((await jobs.artifacts({ id: id! })).artifacts).toEqual([])
  const log = (job: string | null, token: string) => server.fetch(`/jobs/${job}/logs`, { token })
  expect(await (await log(id, ben.token)).text()).toBe('hi ben\n')
  const followed: unknown[] = []
  for await (const said of ben.client.followLog({ jobId: id! })) followed.push(said.type)
  expect(followed).toContain('end')
  expect(await runsOf(ben).get({ id: run.id })).toMatchObject({ state: 'succeeded', input: null, actions: [] })
  const carl = await server.person('operator', 'carl')
  for (const status of [(await log(own.job_id, ben.token)).status, (await log(id, carl.token)).status])
    expect(status).toBe(404)
  expect(await refusal(jobs.get({ id: own.job_id! }))).toMatchObject({ code: 'not_found' })
  for (const act of [jobs.rerun, jobs.cancel, jobs.delete])
    expect(await refusal(act({ id: id! }))).toMatchObject({ code: 'permission_denied' })
  expect((await jobs.list({ limit: 50 })).jobs).toEqual([])
})

test('draft, paused, archived: names, deletion, executions', async () => {
  const event = await calls().create({ name: 'short', definition: bash({ max_executions: 1 }) })
  expect(event.status).toBe('draft')
  await calls().change({ event: event.id, status: 'active' })
  const run = await calls().run({ event: event.id })
  expect(await calls().get({ event: event.id })).toMatchObject({ status: 'active', executions: 0 })
  await server.db.query(`update events set status = 'paused', executions = 1 where public_id = '${event.id}'`)
  const activate = () => calls().change({ event: event.id, status: 'active' })
  expect(await refusal(activate())).toMatchObject({ code: 'failed_precondition', message: /max_executions/ })
  await calls().change({
    ...{ event: event.id, status: 'active' },
    definition: bash({ max_executions: 1, reset_executions_on_activation: true }),
  })
  expect(await calls().get({ event: event.id })).toMatchObject({ executions: 0, problem: null })
  expect(await refusal(make('SHORT'))).toMatchObject({ code: 'conflict', fields: [{ field: 'name' }] })
  expect(await refusal(calls().delete({ event: event.id }))).toMatchObject({ code: 'failed_precondition' })
  await calls().change({ event: event.id, status: 'archived' })
  const second = await make('SHORT')
  expect(await refusal(calls().change({ event: event.id, status: 'paused' }))).toMatchObject({ code: 'conflict' })
  expect(await refusal(calls().run({ event: event.id }))).toMatchObject({ message: /archived/ })
  expect((await calls().get({ event: 'short' })).id).toBe(second.id)
  expect(await refusal(calls().delete({ event: event.id }))).toMatchObject({ code: 'conflict' })
  await anna.client.calls.jobs.cancel({ id: run.job_id! })
  await settle(run)
  await calls().delete({ event: event.id })
  expect(await refusal(runsOf().get({ id: run.id }))).toMatchObject({ code: 'not_found' })
})

test('lists: filters, counts, tags, pages', async () => {
  await make('l-one', {}, { tags: ['etl', 'big'] })
  await make('l-two', { description: 'about 100% of it' }, { tags: ['etl'], status: 'paused' })
  const names = async (filter: object) => (await calls().list({ limit: 10, ...filter })).events.map(({ name }) => name)
  expect(await names({ tag: ['etl'] })).toEqual(['l-two', 'l-one'])
  expect(await names({ tag: ['etl', 'big'] })).toEqual(['l-one'])
  expect(await names({ search: '100%' })).toEqual(['l-two'])
  expect(await names({ search: 'L-', status: ['active'] })).toEqual(['l-one'])
  expect(await names({ tag: ['etl'], kind: ['http'] })).toEqual([])
  expect(await names({ owner: 'nobody' })).toEqual([])
  const first = await calls().list({ limit: 1, tag: ['etl'] })
  expect(await names({ tag: ['etl'], cursor: first.next_cursor })).toEqual(['l-one'])
  expect(first.tags).toEqual(expect.arrayContaining(['big', 'etl']))
  expect(first.counts.paused).toBeGreaterThan(0)
  const run = await calls().run({ event: 'l-one' })
  await runner.run('', { state: 'failed', error_class: 'exit', exit_code: 3, message: 'exit code 3' })
  expect(await names({ failing: true })).toEqual(['l-one'])
  const failed = await runsOf().list({ limit: 5, event: 'l-one', status: ['failed'], trigger: ['manual'] })
  expect(failed.runs).toMatchObject([{ id: run.id, exit_code: 3, error: 'exit code 3' }])
  expect((await runsOf().list({ limit: 5, event: 'l-one', status: ['completed'] })).runs).toEqual([])
})

test('an idempotency key runs once; what does not fit is named at its field', async () => {
  const event = await make('keyed')
  const post = async (body: object) => {
    const response = await fetch(`${server.url}/api/v1/events/${event.id}/run`, {
      method: 'POST',
      headers: { authorization: `Bearer ${anna.token}`, 'content-type': 'application/json', 'idempotency-key': 'k1' },
      body: JSON.stringify(body),
    })
    const answer = (await response.json()) as { id: string; title?: string; status: string | number }
    return { ...answer, replayed: response.headers.get('idempotency-replayed') }
  }
  const first = await post({ input: 1 })
  expect(await post({ input: 1 })).toMatchObject({ id: first.id, status: 'queued', replayed: 'true' })
  expect((await post({ input: 2 })).title).toBe('conflict')
  await runsOf().cancel({ id: first.id })
  const fields = async (definition: object) =>
    (await refusal(make('wrong', definition)))?.fields?.map(({ field }) => field)
  expect(await fields({ env: { RUNYARD_X: '1' } })).toEqual(['definition.env.RUNYARD_X'])
  expect(
    await fields({
      job: { network: 'host' },
      schedules: [{ name: 'x', cron: 'every day' }],
      actions: [
        { name: 'a', if: 'outcome.state ==', do: { rerun: {} } },
        { name: 'b', do: { set_variable: { name: 'x', value: '{{ outcome.' } } },
      ],
    }),
  ).toEqual([
    ...['definition.job.network', 'definition.schedules[0].cron', 'definition.actions[0].if'],
    'definition.actions[1].do.set_variable.value',
  ])
})

test('no more than so many at once: further ones wait, or are refused', async () => {
  const event = await make('busy', { max_running: 1 })
  const first = await calls().run({ event: event.id })
  const second = await calls().run({ event: event.id })
  expect(second).toMatchObject({ job_id: null, status: 'queued', waiting: 'for a free place: at most 1 run at once' })
  expect((await runsOf().cancel({ id: second.id })).state).toBe('cancelled')
  await calls().change({ event: event.id, definition: bash({ max_running: 1, when_full: 'skip' }) })
  expect(await refusal(calls().run({ event: event.id }))).toMatchObject({ code: 'failed_precondition' })
  const test = await calls().test({ event: event.id, definition: bash({ script: 'true' }), input: 7 })
  expect(test).toMatchObject({ trigger: 'test', version: null })
  await runsOf().cancel({ id: test.id })
  await runsOf().cancel({ id: first.id })
})

test('YAML: what is exported is imported unchanged; mistakes have line and column', async () => {
  await make('yaml', { script: 'echo a\necho b\n', job: { priority: 7 }, input: null }, { tags: ['etl'] })
  const { yaml } = await calls().export({ event: 'yaml' })
  expect(yaml).toBe(
    [
      ...['name: yaml', 'status: active', 'shared: false', 'tags:', '  - etl', 'kind: bash', 'script: |', '  echo a'],
      ...['  echo b', 'input: null', 'job:', '  priority: 7', ''],
    ].join('\n'),
  )
  const send = (text: string, more: object = {}) => calls().import({ yaml: text, ...more })
  expect((await send(yaml, { existing: 'update' })).results).toMatchObject([{ outcome: 'unchanged' }])
  expect(await refusal(send(yaml))).toMatchObject({ code: 'conflict' })
  const two = `events:\n- name: y-new\n  kind: bash\n  script: 'true'\n- {name: yaml, kind: bash, script: 'false'}\n`
  expect((await send(two, { existing: 'update', dry_run: true })).results).toMatchObject([
    { name: 'y-new', id: null, outcome: 'created' },
    { name: 'yaml', outcome: 'updated' },
  ])
  expect(await refusal(calls().get({ event: 'y-new' }))).toMatchObject({ code: 'not_found' })
  expect((await send(two, { existing: 'skip' })).results.map(({ outcome }) => outcome)).toEqual(['created', 'skipped'])
  const mistakes = [
    ['name: x\nkind: bash\nscript: a\nscirpt: b\n', 'scirpt', 'line 4, column 1: is not a known field'],
    ['events:\n- name: x\n  kind: zsh\n', 'events[0].kind', 'line 3, column 3: '],
    ['name: x\nkind: bash\nscript: !!js/function x\n', 'script', 'line 3, column 23: has the tag'],
    ['name: &a x\nkind: bash\nscript: *a\n', 'script', 'line 3, column 9: is an alias'],
    ['name: x\nname: y\n', 'name', 'line 2, column 1: stands here twice'],
    ['a: [', 'yaml', 'line 1'],
  ] as const
  for (const [text, field, words] of mistakes) {
    const error = await refusal(send(text))
    expect(error?.fields?.[0]?.field).toBe(field)
    expect(error?.fields?.[0]?.message).toContain(words)
  }
})

test('a dry run says all that is wrong, and what would be made', async () => {
  const definition = bash({
    secrets: { TOKEN: 'gh_token' },
    schedules: [{ name: 'daily', cron: '30 2 * * *', zone: 'Europe/Berlin' }],
    after: [{ pipeline: 'nothing' }],
    actions: [{ name: 'tell', do: { message: { channel: 'nobody', input: { text: '{{ output }}' } } } }],
  })
  const fine = await calls().check({ definition })
  expect(fine.problems.map(({ field, severity }) => `${severity} ${field}`)).toEqual([
    'warning secrets.TOKEN',
    'warning after[0]',
    'warning actions[0].do.message.channel',
  ])
  expect(fine.job).toMatchObject({ secret_env: { TOKEN: '***' }, command: ['bash', '/runyard/script.sh'] })
  expect(fine.next_times[0]?.at).toHaveLength(10)
  const wrong = await calls().check({
    definition: {
      ...{ ...definition, kind: 'http' },
      schedules: [{ name: 'none' }, { name: 'daily', cron: '61 2 * * *' }],
      actions: [{ name: 'again', if: 'output.', do: { rerun: {} } }],
    },
  })
  expect(wrong.job).toBeNull()
  const errors = wrong.problems.filter(({ severity }) => severity === 'error').map(({ field }) => field)
  expect(errors.toSorted()).toEqual(['actions[0].if', 'request', 'schedules[0]', 'schedules[1].cron', 'script'])
})

test('an HTTP event has its secrets filled in where only its runner sees them', async () => {
  const put = { scope: 'user' as const, secret: true }
  await anna.client.calls.variables.put({ name: 'hook', value: 's3cr3t', ...put })
  const event = await calls().create({
    ...{ name: 'call', status: 'active' },
    definition: {
      kind: 'http',
      secrets: { HOOK: 'hook' },
      request: { url: 'https://example.org/{{secrets.HOOK}}', body: { t: '{{ secrets.hook }}' }, method: 'POST' },
    },
  })
  const { spec, sealed } = await jobOf(await calls().run({ event: event.id }))
  expect(spec).toMatchObject({ executor: 'http', command: ['http', 'POST'] })
  expect(JSON.stringify(spec)).not.toContain('s3cr3t')
  expect(sealed.request).toMatchObject({ url: 'https://example.org/s3cr3t', body: { t: 's3cr3t' } })
  expect(sealed.secret_env).toEqual({ HOOK: 's3cr3t' })
  const unlisted = { kind: 'http' as const, request: { url: 'https://example.org/{{secrets.OTHER}}' } }
  const error = await refusal(calls().create({ name: 'unlisted', definition: unlisted }))
  expect(error?.fields?.[0]).toMatchObject({ field: 'definition.request' })
})

test('a loop that runs events is told to wait', async () => {
  const event = await make('loop')
  let error: Awaited<ReturnType<typeof refusal>> = null
  for (let i = 0; i < 60 && error === null; i += 1) error = await refusal(calls(anna).run({ event: event.id }))
  expect(error).toMatchObject({ code: 'resource_exhausted' })
})
