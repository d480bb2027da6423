/** Ends of runs and what follows, on a database, with effects that tests decide. */
import { beforeAll, afterAll, beforeEach, expect, test } from 'vitest'
import { aUser } from '../../test/factories.ts'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { createSealer } from '../access/secrets.ts'
import { chainRuns } from '../events/event-runs.ts'
import { eventDefinitionSchema } from '../job/event.ts'
import { AppError } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import type { Names } from '../expressions/names.ts'
import type { EventHooks, Firing, Performed } from './event-hooks.ts'
import { fireDue } from './fire.ts'
import { settleEnded } from './settle.ts'

let database: TestDatabase
let owner: string
let admitted: string[] = []
let fired: { action: string; iteration: number; names: Names }[] = []
let perform: (firing: Firing) => Promise<Performed> | Performed

const hooks: EventHooks = {
  sealer: createSealer(Buffer.alloc(32, 7)),
  async applyFileResults(tx, jobId) {
    // As a script that could not reach its socket leaves it.
    await tx.query(
      `insert into attempt_results (job_id, number, condition) select id, last_attempt, true from jobs
       where public_id = $1 and name = 'says yes by file'`,
      [jobId],
    )
  },
  async admitWaiting(_tx, eventKey) {
    admitted.push(eventKey)
  },
  async perform(tx, firing, names) {
    await tx.query('insert into attempts_seen (action) values ($1)', [firing.action])
    const performed = await perform(firing)
    fired.push({ action: firing.action, iteration: firing.iteration, names })
    return performed
  },
}
const db = () => database.db
const one = async <T>(sql: string, values: unknown[] = []): Promise<T> => (await db().query<T>(sql, values)).rows[0]!

beforeAll(async () => {
  database = await testDatabase()
  owner = (await aUser(db())).id
  await db().query('create table attempts_seen (action text)')
})
afterAll(() => database?.drop())
beforeEach(() => {
  admitted = []
  fired = []
  perform = () => ({ result: {} })
})

async function anEvent(actions: object[]): Promise<{ key: string; definition: string }> {
  const definition = JSON.stringify(eventDefinitionSchema.parse({ kind: 'bash', script: 'true', actions }))
  const { key } = await one<{ key: string }>(
    `insert into events (public_id, owner_id, name, kind, status, version)
     values ($1, $2, $3, 'bash', 'active', 1) returning id as key`,
    [newPublicId(), owner, `e-${newPublicId()}`],
  )
  return { key, definition }
}

interface RunOf {
  state?: string
  name?: string
  outcome?: object
  root?: string
}
async function aRun(actions: object[], { state = 'succeeded', name = 'job', outcome, root }: RunOf = {}) {
  const event = await anEvent(actions)
  const [run, job] = [newPublicId(), newPublicId()]
  const open = ['queued', 'running'].includes(state)
  await db().query(
    `insert into jobs (public_id, owner_id, queue_id, state, name, spec, priority, max_attempts, started_at, ended_at,
       outcome, last_attempt)
     values ($1, $2, (select id from queues where name = 'default'), $3, $4, '{"executor": "sandbox"}', 5, 1,
       now() - interval '2.5 s', case when not $5 then now() end, $6, 1)`,
    [job, owner, state, name, open, outcome ? JSON.stringify(outcome) : null],
  )
  await db().query(
    `insert into event_runs (public_id, event_id, version, definition, owner_id, trigger, job_id, root_run)
     values ($1, $2, 1, $3, $4, 'manual', $5, $6)`,
    [run, event.key, event.definition, owner, job, root ?? null],
  )
  return { run, job, event: event.key }
}
const firingsOf = async (run: string) =>
  (
    await db().query<{ action: string; state: string; reason: string | null; tries: number; wait: number }>(
      `select f.action, f.state, f.reason, f.tries, extract(epoch from f.due_at - now())::float8 as wait
       from action_firings f join event_runs er on er.id = f.run_id where er.public_id = $1 order by f.id`,
      [run],
    )
  ).rows
const pass = async () => {
  await settleEnded(db(), hooks)
  return fireDue(db(), hooks)
}
const soon = () => db().query(`update action_firings set due_at = now() where state = 'due'`)
const act = (name: string, over: object = {}) => ({ name, on: 'always', do: { rerun: {} }, ...over })

test('the end of a job ends its run with all that is kept of it, once, whoever looks', async () => {
  const outcome = { state: 'failed', error_class: 'exit', exit_code: 3, message: 'exit code 3' }
  const { run, event } = await aRun([act('a')], { state: 'failed', outcome })
  const open = await aRun([act('a')], { state: 'running' })
  await Promise.all([pass(), pass(), pass()])
  expect(admitted).toEqual([event])
  expect(
    await one(
      `select end_state, exit_code, error, settled_at is not null as settled,
         extract(epoch from ended_at - started_at)::float8 as seconds from event_runs where public_id = $1`,
      [run],
    ),
  ).toEqual({ end_state: 'failed', exit_code: 3, error: 'exit code 3', settled: true, seconds: 2.5 })
  expect(fired).toHaveLength(1)
  expect(fired[0]!.names).toMatchObject({
    outcome: { state: 'failed', success: false, exit_code: 3, error_class: 'exit', duration_seconds: 2.5 },
    ...{ output: null, condition: false, input: null, vars: {}, iteration: 0 },
  })
  expect(await firingsOf(open.run)).toEqual([])
})

test('a job that is gone is lost, what was left in files counts, a pipeline ends its run too', async () => {
  const gone = await aRun([act('a')])
  await db().query('delete from jobs where public_id = $1', [gone.job])
  const byFile = await aRun([act('b', { on: 'condition' })], { name: 'says yes by file' })
  const piped = await aRun([act('c', { on: 'failure' })])
  const ofPipeline = (result: string | null) =>
    db().query(
      `with r as (insert into runs (public_id, kind, owner_id, name, size) values ($1, 'pipeline', $2, 'p', 0) returning id),
       p as (insert into pipelines (name, source, version) values ($1, 'stored', 1) returning id),
       v as (insert into pipeline_versions (pipeline_id, number, hash, definition, source)
         select id, 1, 'x', '{}', 'stored' from p returning id, pipeline_id),
       e as (update event_runs set job_id = null, pipeline_run_id = $1 where public_id = $4)
       insert into pipeline_runs (run_id, uuid, pipeline_id, version_id, state, result, last_error, trigger)
       select r.id, gen_random_uuid(), v.pipeline_id, v.id, case when $3::text is null then 'running' else 'ended' end, $3,
         'task build failed', 'manual' from r, v`,
      [newPublicId(), owner, result, piped.run],
    )
  await ofPipeline(null)
  await pass()
  expect(fired.map(({ action, names }) => [action, (names.outcome as { state: string }).state])).toEqual([
    ['a', 'lost'],
    ['b', 'succeeded'],
  ])
  expect(await firingsOf(byFile.run)).toMatchObject([{ state: 'done' }])
  expect(await firingsOf(piped.run)).toEqual([])
  await ofPipeline('failed')
  await pass()
  expect(fired.at(-1)!.names.outcome).toMatchObject({ state: 'failed', message: 'task build failed', exit_code: null })
})

test('a delay is kept, and tells when to look again', async () => {
  const { run } = await aRun([act('later', { delay_seconds: 60 })])
  const nextMs = await pass()
  expect(nextMs).toBeGreaterThan(55_000)
  expect(fired).toEqual([])
  await soon()
  await pass()
  expect(await firingsOf(run)).toMatchObject([{ state: 'done' }])
})

test('an outage puts it off and takes back what was done, a refusal ends it, and neither holds up another', async () => {
  perform = ({ action }) => {
    if (action === 'away') throw new AppError('unavailable', 'the server is being stopped')
    if (action === 'refused') throw new AppError('not_found', 'there is no event x')
    return action === 'full' ? { refused: 'event x is paused' } : { result: {} }
  }
  await db().query('truncate attempts_seen')
  const { run } = await aRun(['away', 'refused', 'full', 'fine'].map((name) => act(name)))
  await pass()
  expect(await firingsOf(run)).toMatchObject([
    { action: 'away', state: 'due', tries: 1, reason: 'the server is being stopped' },
    { action: 'refused', state: 'refused', reason: 'there is no event x' },
    { action: 'full', state: 'refused', reason: 'event x is paused' },
    { action: 'fine', state: 'done' },
  ])
  expect((await db().query('select action from attempts_seen order by 1')).rows).toEqual([
    { action: 'fine' },
    { action: 'full' },
  ])
  const [away] = await firingsOf(run)
  expect(away!.wait).toBeGreaterThan(0)
  await db().query(`update action_firings set tries = 17 where state = 'due'`)
  await soon()
  await pass()
  expect((await firingsOf(run))[0]).toMatchObject({ state: 'failed', tries: 18 })
})

test('a loop does no more than its times, and its end is its own', async () => {
  const { run } = await aRun([
    act('loop', { repeat: { times: 3, every_seconds: 1 }, do: { message: { channel: 'x' } } }),
  ])
  for (let i = 0; i < 6; i++) {
    await pass()
    await soon()
  }
  expect(fired.map(({ action, iteration }) => [action, iteration])).toEqual([
    ['loop', 0],
    ['loop', 1],
    ['loop', 2],
  ])
  expect(await firingsOf(run)).toHaveLength(3)
})

test('a chain that grows in breadth ends as well', async () => {
  const root = newPublicId()
  const { event } = await aRun([], { root })
  await db().query(
    `insert into event_runs (public_id, event_id, definition, owner_id, trigger, root_run, settled_at, end_state)
     select 'x' || g, $1, '{"actions": []}', $2, 'action', $3, now(), 'succeeded' from generate_series(2, $4) g`,
    [event, owner, root, chainRuns],
  )
  const { run } = await aRun([act('more'), act('tell', { do: { message: { channel: 'x' } } })], { root })
  await pass()
  expect(await firingsOf(run)).toMatchObject([
    { action: 'more', state: 'refused', reason: `${chainRuns} runs have followed from the first one already` },
    { action: 'tell', state: 'done' },
  ])
})

test('a variable that does not open refuses what asks for it, and the run ends all the same', async () => {
  await db().query(
    `insert into variables (scope, owner_id, name, value_sealed, bytes, updated_by) values ('user', $1, 'broken', 'x', 1, 'x')`,
    [owner],
  )
  const { run } = await aRun([
    act('asks', { if: 'vars.broken == 1' }),
    act('tell', { do: { message: { channel: 'x' } } }),
  ])
  await pass()
  expect(await firingsOf(run)).toMatchObject([
    { action: 'asks', state: 'refused', reason: 'its condition cannot be asked: not a sealed value' },
    { action: 'tell', state: 'done' },
  ])
})
