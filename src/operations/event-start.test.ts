/** Who may begin a run, and when; nothing runs here. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { until } from '../../test/until.ts'
import { createSealer } from '../access/secrets.ts'
import type { BeginEvent, Begun } from '../events/begin.ts'
import { chainRuns } from '../events/event-runs.ts'
import { insertEvent } from '../events/event-store.ts'
import { loadConfig } from '../config/config.ts'
import { eventDefinitionSchema, type EventDefinitionInput, type EventStatus, type EventTrigger } from '../job/event.ts'
import { definitionOf, storePipeline } from '../pipelines/testing/definitions.ts'
import { cancelEventRunIn } from './cancel-event-run.ts'
import { createClosing } from './closing.ts'
import type { Deps } from './deps.ts'
import { pruneEventRuns } from './event-services.ts'
import { admitWaiting, beginEventIn } from './event-start.ts'

let database: Awaited<ReturnType<typeof testDatabase>>
let deps: Deps
let names = 0
beforeAll(async () => {
  database = await testDatabase()
  const config = loadConfig({ env: { RUNYARD_DATA_DIR: '/nonexistent/runyard' } })
  const sealer = createSealer(Buffer.alloc(32, 7))
  deps = { db: database.db, config, sealer, closing: createClosing() } as Partial<Deps> as Deps
})
afterAll(() => database?.drop())

const db = () => database.db

interface Made {
  key: string
  owner: string
  begin(trigger?: EventTrigger, more?: Partial<BeginEvent>): Promise<Begun>
  row(): Promise<{ status: EventStatus; executions: number; problem: string | null }>
  /** As the end of its job settles it. */
  settle(run: Begun): Promise<void>
}

async function event(
  given: Partial<EventDefinitionInput> = {},
  { status = 'active' as EventStatus, role = 'operator' } = {},
): Promise<Made> {
  names += 1
  const { rows } = await db().query<{ id: string }>(
    `insert into users (username, password_hash, role) values ($1, '!', $2) returning id`,
    [`user-${names}`, role],
  )
  const owner = rows[0]!.id
  const body = given.kind === undefined || given.kind === 'bash' ? { kind: 'bash', script: 'true' } : {}
  const definition = eventDefinitionSchema.parse({ ...body, ...given })
  const about = { ownerId: owner, name: `event-${names}`, status, shared: false, tags: [], by: 'test' }
  const { key } = await db().tx((tx) => insertEvent(tx, { ...about, definition }))
  return {
    ...{ key, owner },
    begin: (trigger = 'schedule', more = {}) =>
      db().tx((tx) => beginEventIn(deps)(tx, { eventKey: key, trigger, cause: {}, ...more })),
    async row() {
      const found = await db().query('select status, executions, problem from events where id = $1', [key])
      return found.rows[0] as never
    },
    async settle(run) {
      await db().query(`update event_runs set settled_at = now(), end_state = 'succeeded' where public_id = $1`, [
        (run as { run: string }).run,
      ])
    },
  }
}
const runRow = async (begun: Begun) => {
  const { rows } = await db().query('select * from event_runs where public_id = $1', [(begun as { run: string }).run])
  return rows[0] as Record<string, unknown>
}

test.each([
  ['draft', 'is a draft'],
  ['paused', 'is paused'],
  ['archived', 'is archived'],
] as const)('one that is %s is started by no trigger; by hand only when it is not archived', async (status, why) => {
  const made = await event({}, { status })
  const name = `event-${names}`
  expect(await made.begin('webhook')).toEqual({ refused: expect.stringContaining(`event ${name} ${why}`) })
  expect((await made.row()).problem).toContain(why)
  for (const trigger of ['manual', 'api', 'test', 'redrive'] as const) {
    expect('run' in (await made.begin(trigger))).toBe(status !== 'archived')
  }
})

test('its dates hold up triggers, not people', async () => {
  for (const dates of [{ starts_at: '2999-01-01T00:00:00Z' }, { ends_at: '2001-01-01T00:00:00Z' }]) {
    const made = await event(dates)
    expect(await made.begin()).toEqual({ refused: expect.stringMatching(/starts at 2999|ended at 2001/) })
    expect(await made.begin('manual')).toHaveProperty('run')
  }
})

test('in the name of its owner, with the rights that the account has now', async () => {
  const made = await event()
  const begun = await made.begin()
  expect(await runRow(begun)).toMatchObject({ owner_id: made.owner, trigger: 'schedule', version: 1, depth: 0 })
  const audit = await db().query(
    `select actor, action from audit_log where action = 'event.run' order by id desc limit 1`,
  )
  expect(audit.rows).toEqual([{ actor: `user-${names}`, action: 'event.run' }])
  for (const change of [`role = 'viewer'`, `role = 'operator', disabled_at = now()`]) {
    await db().query(`update users set ${change} where id = $1`, [made.owner])
    expect(await made.begin()).toEqual({ refused: expect.stringMatching(/may not run events any more|is disabled/) })
  }
})

test('a chain ends where it is too deep, and what began it is kept', async () => {
  const made = await event()
  const deep = await made.begin('event', { depth: 10, rootRun: 'abcdefghijkl', cause: { run: 'abcdefghijkl' } })
  expect(await runRow(deep)).toMatchObject({ depth: 10, root_run: 'abcdefghijkl', cause: { run: 'abcdefghijkl' } })
  expect(await made.begin('event', { depth: 11 })).toEqual({ refused: expect.stringContaining('11 runs deep') })
})

test('a chain that grows in breadth ends as well, whatever goes on with it', async () => {
  const made = await event()
  await db().query(
    `insert into event_runs (public_id, event_id, definition, owner_id, trigger, root_run, settled_at, end_state)
     select 'y' || g, $1, '{}', $2, 'event', 'broadbroadbr', now(), 'succeeded' from generate_series(2, $3) g`,
    [made.key, made.owner, chainRuns],
  )
  const more = { depth: 1, rootRun: 'broadbroadbr' }
  expect(await made.begin('event', more)).toMatchObject({ run: expect.any(String) })
  for (const trigger of ['event', 'job', 'pipeline', 'action'] as const) {
    expect(await made.begin(trigger, more)).toEqual({ refused: expect.stringContaining('more than 1000 runs') })
  }
})

test('the last of so many executions pauses it; what somebody asked for does not count', async () => {
  const made = await event({ max_executions: 2 })
  for (const trigger of ['test', 'redrive', 'manual', 'api'] as const) await made.begin(trigger)
  await made.begin()
  expect(await made.row()).toMatchObject({ status: 'active', executions: 1 })
  await made.begin()
  expect(await made.row()).toMatchObject({
    status: 'paused',
    executions: 2,
    problem: expect.stringContaining('2 times'),
  })
  expect(await made.begin()).toEqual({ refused: expect.stringContaining('is paused') })
  const raced = await event({ max_executions: 3 })
  const all = await Promise.all(Array.from({ length: 10 }, () => raced.begin()))
  expect(all.filter((one) => 'run' in one)).toHaveLength(3)
  expect(await raced.row()).toMatchObject({ status: 'paused', executions: 3 })
})

test('what is cancelled at the moment when a place becomes free is not begun', async () => {
  const made = await event({ max_running: 1 })
  await made.settle(await made.begin())
  await made.begin()
  const waiting = (await made.begin()) as { run: string; key: string }
  await db().query(`update event_runs set settled_at = now(), end_state = 'succeeded'
    where event_id = (select event_id from event_runs where public_id = '${waiting.run}') and job_id is not null`)
  let admitted: Promise<number> | undefined
  await db().tx(async (tx) => {
    expect(await cancelEventRunIn(tx, deps, waiting.run, 'enough')).toBe(true)
    admitted = db().tx((other) => admitWaiting(other, deps, made.key))
    await until(async () => {
      const { rows } = await db().query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rows.length > 0
    })
  })
  expect(await admitted).toBe(0)
  expect(await runRow(waiting)).toMatchObject({ end_state: 'cancelled', job_id: null, error: 'enough' })
})

test('when it is full, runs wait in order until there is a place; ten that come at once are no more', async () => {
  const made = await event({ max_running: 2 })
  const all = await Promise.all(Array.from({ length: 10 }, () => made.begin()))
  const started = () =>
    db().query<{ id: string }>(
      'select public_id as id from event_runs where event_id = $1 and job_id is not null order by event_runs.id',
      [made.key],
    )
  expect((await started()).rows).toHaveLength(2)
  const [first] = (await started()).rows
  await made.settle(all.find((one) => 'run' in one && one.run === first!.id)!)
  expect(await db().tx((tx) => admitWaiting(tx, deps, made.key))).toBe(1)
  expect(await db().tx((tx) => admitWaiting(tx, deps, made.key))).toBe(0)
  const now = (await started()).rows
  expect(now).toHaveLength(3)
  const order = await db().query<{ id: string }>(
    'select public_id as id from event_runs where event_id = $1 order by event_runs.id',
    [made.key],
  )
  expect(now).toEqual(order.rows.slice(0, 3))
  const skipping = await event({ max_running: 1, when_full: 'skip' })
  await skipping.begin()
  expect(await skipping.begin()).toEqual({ refused: expect.stringContaining('has 1 run already') })
})

test('what cannot begin leaves nothing behind but its reason', async () => {
  const made = await event({ secrets: { TOKEN: 'nowhere' } })
  expect(await made.begin()).toEqual({ refused: expect.stringContaining('secrets.nowhere') })
  expect((await made.row()).problem).toContain('secrets.nowhere')
  const queue = await event({ job: { queue: 'nowhere' } })
  expect(await queue.begin()).toEqual({ refused: expect.stringContaining('nowhere') })
  const left = await db().query('select from event_runs where event_id = any($1::bigint[])', [[made.key, queue.key]])
  expect(left.rows).toEqual([])
})

test('one of kind pipeline starts a run of it; input fills in what the pipeline declares', async () => {
  await storePipeline(
    db(),
    'release',
    definitionOf({ parameters: { tag: { type: 'string', required: true } } as never }),
  )
  await storePipeline(db(), 'free', definitionOf({}))
  const variablesOf = async (begun: Begun) => {
    const { pipeline_run_id } = await runRow(begun)
    const { rows } = await db().query(
      'select variables from pipeline_runs pr join runs r on r.id = pr.run_id where r.public_id = $1',
      [pipeline_run_id],
    )
    return (rows[0] as { variables: unknown }).variables
  }
  const declared = await event({ kind: 'pipeline', pipeline: { name: 'release', variables: { tag: 'v1' } } })
  const input = { type: 'application/json', bytes: Buffer.from('{"tag": "v2", "other": 1}') }
  expect(await variablesOf(await declared.begin())).toEqual({ tag: 'v1' })
  expect(await variablesOf(await declared.begin('webhook', { input }))).toEqual({ tag: 'v2' })
  const free = await event({ kind: 'pipeline', pipeline: { name: 'free' }, input: [1] })
  expect(await variablesOf(await free.begin())).toEqual({ input: [1] })
})

test('settled runs go with the age of jobs, but not while something is due of them', async () => {
  const made = await event()
  const [old, due, open] = [await made.begin(), await made.begin(), await made.begin()]
  for (const run of [old, due]) await made.settle(run)
  await db().query(
    `update event_runs set settled_at = now() - interval '40 days' where event_id = $1 and settled_at is not null`,
    [made.key],
  )
  await db().query(
    `insert into action_firings (run_id, action, effect, delivery_id, due_at) values ($1, 'a', '{}', 'd1', now())`,
    [(due as { key: string }).key],
  )
  expect(await pruneEventRuns(db(), 0)).toBe(0)
  expect(await pruneEventRuns(db(), 30)).toBe(1)
  expect(await Promise.all([old, due, open].map(async (one) => (await runRow(one)) !== undefined))).toEqual([
    ...[false, true, true],
  ])
})
