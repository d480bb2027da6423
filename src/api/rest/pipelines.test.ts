/** Pipelines over HTTP and the WebSocket: starts, tasks, what people may do to a run, and who may. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { liveSocket, type LiveSocket } from '../../../test/live-socket.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import type { Parameter } from '../../job/pipeline.ts'
import { definitionOf, storePipeline, type DefinitionParts } from '../../pipelines/testing/definitions.ts'
import type { PipelineRun, PipelineTask } from '../contract/index.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
let vera: Person
const open: LiveSocket[] = []

beforeAll(async () => {
  server = await runningServer()
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  vera = await server.person('viewer', 'vera')
})
afterEach(() => {
  for (const live of open.splice(0)) live.socket.terminate()
})
afterAll(() => server.close())

const store = (name: string, parts: DefinitionParts) => storePipeline(server.db, name, definitionOf(parts))
const runs = () => anna.client.calls.pipelineRuns
const start = (name: string, variables = {}): Promise<PipelineRun> =>
  anna.client.calls.pipelines.start({ name, variables })
const tasksOf = async (id: string): Promise<PipelineTask[]> => (await runs().tasks({ id })).tasks
const statesOf = async (id: string): Promise<string[]> =>
  (await tasksOf(id)).map(({ name, item, state }) => `${name}${item === null ? '' : `[${item}]`} ${state}`)
const ended = (id: string): Promise<PipelineRun> =>
  until(async () => {
    const run = await runs().get({ id })
    return run.ended_at !== null && run
  }, 'the end of the run')
const failure = { state: 'failed', error_class: 'exit', exit_code: 3, message: 'exit code 3' } as const
const audit = async (target: string): Promise<string[]> => {
  const { rows } = await server.db.query<{ line: string }>(
    `select action || ' ' || result as line from audit_log where target = $1 order by id`,
    [target],
  )
  return rows.map((row) => row.line)
}

test('a run from its start to its end: states, times, why tasks wait, the critical path, a log, audit', async () => {
  const tasks = { build: {}, lint: {}, test: { depends_on: ['build'] } }
  await store('release', { tasks, description: 'ships it' })
  const made = await start('release', { tag: 'v1' })
  expect(made).toMatchObject({
    ...{
      pipeline: 'release',
      version: 1,
      status: 'running',
      owner: 'anna',
      trigger: 'manual',
      variables: { tag: 'v1' },
    },
    ...{ rerun_of: null, parent: null, last_error: null, position: null, waiting_reason: null },
  })
  const first = await tasksOf(made.id)
  expect(first.map(({ name, state }) => [name, state])).toEqual([
    ...[
      ['build', 'running'],
      ['lint', 'running'],
      ['test', 'waiting'],
    ],
  ])
  expect(first[2]!.waiting_reason).toBe('waits for build')
  expect(first[0]).toMatchObject({ job_state: 'queued', kind: 'script', attempts: 0, waiting_reason: 'next free slot' })
  for (let i = 0; i < 3; i++) await runner.run(`output ${i}\n`)
  const run = await ended(made.id)
  expect(run).toMatchObject({ status: 'succeeded', tasks: { done: 3, total: 3, waiting: 0 } })
  expect((await runs().get({ id: run.uuid })).id).toBe(run.id)
  const over = await tasksOf(run.id)
  expect(over.every(({ exit_code: code, duration_ms: ms }) => code === 0 && ms !== null)).toBe(true)
  expect(over.find(({ name }) => name === 'test')!.critical).toBe(true)
  // A viewer reads a task's log where any job's is read.
  const log = await server.fetch(`/jobs/${over[2]!.job_id}/logs`, { token: vera.token })
  expect(await log.text()).toBe('output 2\n')
  expect(await audit('pipeline:release')).toEqual(['pipeline.start done'])

  const { pipelines } = await vera.client.calls.pipelines.list({ search: 'SHIPS' })
  expect(pipelines).toHaveLength(1)
  expect(pipelines[0]).toMatchObject({
    ...{ name: 'release', startable: true, running: 0, waiting: 0, tasks: 3, gone: false },
    last_run: { id: run.id, status: 'succeeded' },
  })
  expect((await ben.client.calls.pipelines.get({ name: 'release' })).last_run).toBeNull()
  expect((await anna.client.calls.pipelines.get({ name: 'release' })).graph[2]).toMatchObject({ depends_on: ['build'] })
  // No batch, anywhere.
  expect((await anna.client.calls.batches.list({})).batches).toEqual([])
  await expect(anna.client.calls.batches.get({ id: run.id })).rejects.toMatchObject({ code: 'not_found' })
})

test('variables are checked against the declared ones; a key starts once; a full list is a 409', async () => {
  const tag: Parameter = { type: 'string', description: null, required: true, choices: [] }
  await store('strict', { parameters: { tag }, tasks: { hold: {} }, queue_limit: 1 })
  const refused = await start('strict', { tagg: 'x' }).catch((error: unknown) => error)
  expect(refused).toMatchObject({
    code: 'invalid_argument',
    fields: [{ field: 'variables.tagg' }, { field: 'variables.tag' }],
  })
  await expect(start('nothing')).rejects.toMatchObject({ code: 'not_found' })
  const context = { idempotencyKey: 'once' }
  const once = () => anna.client.calls.pipelines.start({ name: 'strict', variables: { tag: 'a' } }, { context })
  const [one, again] = [await once(), await once()]
  expect(again.id).toBe(one.id)
  const waiting = await start('strict', { tag: 'b' })
  expect(waiting).toMatchObject({ status: 'waiting', position: 1 })
  expect(waiting.waiting_reason).toMatch(/1 of 1 run is running/)
  expect((await anna.client.calls.pipelines.get({ name: 'strict' })).not_startable).toMatch(/queue_limit/)
  const full = await server.fetch('/pipelines/strict/runs', {
    ...{ method: 'POST', token: anna.token, headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ variables: { tag: 'c' } }),
  })
  expect([full.status, await full.text()]).toEqual([409, expect.stringContaining('queue_limit')])

  // What waits leaves the list at once; what runs stops its job.
  expect((await runs().cancel({ id: waiting.id, reason: 'not needed' })).status).toBe('cancelled')
  expect(await runs().cancel({ id: one.id })).toMatchObject({ cancel_requested: true })
  const run = await ended(one.id)
  expect(run).toMatchObject({ status: 'cancelled', last_error: 'cancelled by anna' })
  expect(await audit(`pipeline_run:${waiting.id}`)).toEqual(['pipeline_run.cancel done'])
})

test('a start of what is not there says so, and where its definition is wrong when it has one', async () => {
  const problem = {
    file: '/p/pipelines.yml',
    line: 3,
    column: 18,
    severity: 'error',
    message: 'must be a whole number',
  }
  const problems = [{ ...problem, path: 'pipelines.typo.concurrency' }]
  await server.db.query(
    `insert into pipeline_roots (server_id, root, problems) select id, '/p', $1 from servers limit 1`,
    [JSON.stringify(problems)],
  )
  const refused = async (name: string): Promise<string> => start(name).then(String, (error: Error) => error.message)
  expect(await refused('typ')).toBe('there is no pipeline named typ')
  expect(await refused('typo')).toBe(
    'there is no pipeline named typo, as its definition is wrong: /p/pipelines.yml:3:18: pipelines.typo.concurrency: must be a whole number',
  )
  await expect(start('../etc')).rejects.toMatchObject({ message: expect.stringContaining('must not contain / or \\') })
  await server.db.query(`delete from pipeline_roots where root = '/p'`)
})

test('a failed run goes on from what failed, and takes over what was done', async () => {
  await store('again', { tasks: { a: {}, b: { depends_on: ['a'] }, c: { depends_on: ['b'] } } })
  const { id } = await start('again')
  await runner.run('')
  await runner.run('', failure)
  expect(await ended(id)).toMatchObject({ status: 'failed' })
  expect(await statesOf(id)).toEqual(['a done', 'b failed', 'c skipped'])
  expect((await tasksOf(id))[1]).toMatchObject({ exit_code: 3 })
  const second = await runs().rerun({ id })
  expect(second).toMatchObject({ rerun_of: id, trigger: 'rerun' })
  expect(await statesOf(second.id)).toEqual(['a done', 'b running', 'c waiting'])
  await runner.run('')
  await runner.run('')
  expect(await ended(second.id)).toMatchObject({ status: 'succeeded' })
  await expect(runs().rerun({ id: second.id })).rejects.toMatchObject({ code: 'conflict' })
  await runs().delete({ id: second.id })
  await expect(runs().get({ id: second.id })).rejects.toMatchObject({ code: 'not_found' })
  expect((await runs().list({ pipeline: 'again', status: 'failed' })).runs.map((run) => run.id)).toEqual([id])
})

test('an approval waits for somebody, who decides once; a task can be cancelled by itself', async () => {
  const approval = { message: 'ship it?', timeout_ms: null, on_timeout: 'reject' } as const
  await store('gate', {
    tasks: { gate: { script: [], approval }, other: {}, after: { script: [], depends_on: ['gate'] } },
    continue_running_tasks_after_failure: true,
  })
  const { id } = await start('gate')
  const decide = (person: Person, approve: boolean) =>
    person.client.calls.pipelineRuns.decide({ id, task: 'gate', approve, note: 'fine' })
  expect((await tasksOf(id))[0]).toMatchObject({ state: 'approval', approval: { message: 'ship it?', decision: null } })
  await expect(decide(ben, true)).rejects.toMatchObject({ code: 'not_found' })
  await expect(decide(vera, true)).rejects.toMatchObject({ code: 'permission_denied' })
  expect((await decide(anna, true)).approval).toMatchObject({ decision: 'approved', decided_by: 'anna', note: 'fine' })
  await expect(decide(anna, false)).rejects.toMatchObject({ code: 'conflict' })
  await runs().cancelTask({ id, task: 'other' })
  await ended(id)
  expect(await statesOf(id)).toEqual(['gate done', 'other cancelled', 'after done'])
  await expect(runs().cancelTask({ id, task: 'none' })).rejects.toMatchObject({ code: 'not_found' })
})

test('runs of others do not exist; a viewer sees all and starts nothing', async () => {
  await store('private', { tasks: { one: { script: [] } } })
  const { id, uuid } = await start('private')
  const others = ben.client.calls.pipelineRuns
  for (const call of [
    () => others.get({ id }),
    () => others.get({ id: uuid }),
    () => others.tasks({ id }),
    () => others.cancel({ id }),
    () => others.rerun({ id }),
    () => others.delete({ id }),
    () => others.get({ id: 'aaaaaaaaaaaa' }),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'not_found' })
  }
  expect((await others.list({})).runs).toEqual([])
  expect((await others.list({ owner: 'anna' })).runs).toEqual([])
  expect((await vera.client.calls.pipelineRuns.get({ id })).id).toBe(id)
  const starting = vera.client.calls.pipelines.start({ name: 'private' })
  await expect(starting).rejects.toMatchObject({ code: 'permission_denied' })
  // Pages of a list have every run once.
  for (let i = 0; i < 4; i++) await start('private')
  const seen: string[] = []
  for (let cursor: string | undefined, more = true; more;) {
    const page = await runs().list({ pipeline: 'private', limit: 2, cursor })
    seen.push(...page.runs.map((run) => run.id))
    more = page.next_cursor !== null
    cursor = page.next_cursor ?? undefined
  }
  expect([seen.length, new Set(seen).size]).toEqual([5, 5])
})

test('live: the list tells of runs to those who may see them, one run of its tasks as they change', async () => {
  await store('told', { tasks: { a: {}, b: { depends_on: ['a'] } } })
  const connect = async (token: string): Promise<LiveSocket> => {
    const live = await liveSocket(server.url, token)
    open.push(live)
    live.send({ type: 'subscribe', id: 'runs', topic: 'pipeline_runs', pipeline: 'told' })
    await live.until((m) => m.type === 'subscribed')
    return live
  }
  const [mine, others] = [await connect(anna.token), await connect(ben.token)]
  const { id } = await start('told')
  await mine.until((m) => m.type === 'pipeline_run' && m.run.id === id && m.run.status === 'running')
  mine.send({ type: 'subscribe', id: 'one', topic: 'pipeline_run', run_id: id, tasks: true })
  others.send({ type: 'subscribe', id: 'one', topic: 'pipeline_run', run_id: id })
  await others.until((m) => m.type === 'error' && m.sub === 'one' && m.code === 'not_found')
  const told = (name: string, state: string) =>
    mine.until((m) => m.type === 'pipeline_tasks' && m.tasks.some((t) => t.name === name && t.state === state))
  await told('b', 'waiting')
  await runner.run('')
  await told('a', 'done')
  await runner.run('')
  await told('b', 'done')
  await mine.until((m) => m.type === 'pipeline_run' && m.sub === 'one' && m.run.status === 'succeeded')
  await runs().delete({ id })
  for (const sub of ['runs', 'one']) await mine.until((m) => m.type === 'pipeline_run_gone' && m.sub === sub)
  expect(JSON.stringify(others.came)).not.toContain(id)
})
