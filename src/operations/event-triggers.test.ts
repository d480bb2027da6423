/** What starts an event by itself: schedules that follow its status, and the end of something else. Nothing runs here. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import type { BeginEvent, BeginEventIn } from '../events/begin.ts'
import { insertRun } from '../events/event-runs.ts'
import { insertEvent } from '../events/event-store.ts'
import { signalEventEnded, signalPipelinesEnded } from '../events/signals.ts'
import { eventDefinitionSchema, type EventDefinitionInput, type EventStatus } from '../job/event.ts'
import { newPublicId } from '../lib/ids.ts'
import { definitionOf, storePipeline } from '../pipelines/testing/definitions.ts'
import { checkLate, type LateTick } from '../schedules/late.ts'
import { runDueSchedules } from '../schedules/scheduler.ts'
import type { ScheduleHooks } from '../schedules/types.ts'
import { syncTriggers } from './event-triggers.ts'
import { tellLate } from './scheduled-runs.ts'
import { takeSignals } from './signalled-events.ts'

let database: Awaited<ReturnType<typeof testDatabase>>
beforeAll(async () => void (database = await testDatabase()))
afterAll(() => database?.drop())
beforeEach(async () => void (await db().query('delete from events')))

const db = () => database.db
const person = async (name: string, role = 'operator'): Promise<string> => {
  const { rows } = await db().query<{ id: string }>(
    `insert into users (username, password_hash, role) values ($1, '!', $2) returning id`,
    [`${name} ${newPublicId()}`, role],
  )
  return rows[0]!.id
}
interface Made {
  key: string
  publicId: string
  put(status: EventStatus, more?: Partial<EventDefinitionInput>): Promise<void>
}
async function event(ownerId: string, name: string, given: Partial<EventDefinitionInput> = {}): Promise<Made> {
  const fullOf = (more: object) => eventDefinitionSchema.parse({ kind: 'bash', script: 'true', ...given, ...more })
  const made = await db().tx((tx) =>
    insertEvent(tx, {
      ...{ ownerId, name, status: 'active', shared: false, tags: [], by: 'test', definition: fullOf({}) },
    }),
  )
  const put = (status: EventStatus, more: object = {}) =>
    db().tx(async (tx) => {
      await tx.query('update events set status = $2 where id = $1', [made.key, status])
      await syncTriggers(tx, { key: made.key, ownerId, status }, fullOf(more))
    })
  await put('active')
  return { ...made, put }
}

interface ScheduleShown {
  name: string
  enabled: boolean
  starts: string | null
  ends: string | null
  next: string | null
}
const schedules = async (): Promise<ScheduleShown[]> => {
  const { rows } = await db().query<ScheduleShown>(
    `select name, enabled, to_json(starts_at at time zone 'UTC') #>> '{}' as starts,
       to_json(ends_at at time zone 'UTC') #>> '{}' as ends, to_json(next_at at time zone 'UTC') #>> '{}' as next
     from schedules order by name`,
  )
  return rows
}
const every = (name: string, more: object = {}) => ({ name, every_seconds: 3600, ...more })

test('schedules stand and fall with the definition; paused with the event, they count from when it is active again', async () => {
  const { put, key } = await event(await person('anna'), 'nightly', { schedules: [every('a'), every('b')] })
  const first = await schedules()
  expect(first).toMatchObject([{ name: 'a', enabled: true, next: expect.stringMatching(/:00:00$/) }, { name: 'b' }])
  await db().query(`update schedules set high_water = now() - interval '3 days', next_at = now() - interval '2 days',
    look_at = now() - interval '2 days' where name = 'a'`)
  await put('paused')
  expect(await schedules()).toMatchObject([{ next: null }, { next: null }])
  await put('paused', { schedules: [every('a'), every('c', { enabled: false })] })
  expect((await schedules()).map(({ name, enabled, next }) => [name, enabled, next])).toEqual([
    ...[
      ['a', true, null],
      ['c', false, null],
    ],
  ])
  await put('active', { schedules: [every('a'), every('c')] })
  expect(await schedules()).toEqual([first[0], { ...first[1], name: 'c' }])

  // Somebody pauses one of them: that holds until the definition says something else.
  await db().query(`update schedules set enabled = false where name = 'a'`)
  await put('active', { schedules: [every('a', { overlap: 'skip' }), every('c')] })
  expect((await schedules()).map(({ enabled }) => enabled)).toEqual([false, true])
  await db().tx((tx) => syncTriggers(tx, { key, ownerId: '0', status: 'archived' }, null))
  expect(await schedules()).toEqual([])
})

test('the times of the event bound those of its schedules and move no interval', async () => {
  const own = { starts_at: '2050-01-01T00:00:30Z', ends_at: '2050-03-01T00:00:00Z' }
  await event(await person('anna'), 'bounded', {
    ...{ starts_at: '2050-01-02T00:10:00Z', ends_at: '2050-02-01T00:00:00Z' },
    schedules: [every('a'), every('b', own), { name: 'c', cron: '0 3 * * *' }],
  })
  expect(await schedules()).toMatchObject([
    { starts: '2050-01-02T01:00:00', ends: '2050-02-01T00:00:00', next: '2050-01-02T01:00:00' },
    { starts: '2050-01-02T01:00:30', ends: '2050-02-01T00:00:00', next: '2050-01-02T01:00:30' },
    { starts: '2050-01-02T00:10:00', next: '2050-01-02T03:00:00' },
  ])
})

/** As `beginEventIn`, in so far: it writes the run. */
const writes =
  (asked: BeginEvent[] = []): BeginEventIn =>
  async (tx, begin) => {
    asked.push(begin)
    const run = newPublicId()
    const definition = eventDefinitionSchema.parse({ kind: 'bash', script: 'true' })
    const { eventKey, trigger, cause, input = null, depth = 0, rootRun = null } = begin
    const of = { publicId: run, eventKey, version: 1, definition, ownerId: await ownerOf(eventKey) }
    return { run, key: await insertRun(tx, { ...of, trigger, cause, input, depth, rootRun }) }
  }
const ownerOf = async (key: string): Promise<string> => {
  const { rows } = await db().query<{ id: string }>('select owner_id as id from events where id = $1', [key])
  return rows[0]!.id
}

test('ticks of an event: each begins one run, overlap looks at its open runs, a pause is nobody’s miss', async () => {
  const { key, put } = await event(await person('anna'), 'often', {
    schedules: [{ name: 'a', cron: '* * * * *', overlap: 'skip', input: { n: 1 }, late_after_seconds: 30 }],
    incident_channels: ['team'],
  })
  const asked: BeginEvent[] = []
  const begin = writes(asked)
  const hooks: ScheduleHooks = {
    fire: (tx, { event: of, publicId, input }, tick) =>
      begin(tx, {
        ...{ eventKey: of!.key, trigger: 'schedule', cause: { schedule: publicId, tick: tick.toISOString() } },
        input: { type: 'application/json', bytes: Buffer.from(JSON.stringify(input)) },
      }),
    async cancelRun() {},
  }
  const { rows } = await db().query<{ next: Date }>('select next_at as next from schedules')
  const at = (minutes: number) => () => Promise.resolve(new Date(rows[0]!.next.getTime() + minutes * 60_000))
  const outcomes = async () =>
    (await db().query<{ outcome: string }>('select outcome from schedule_ticks order by tick')).rows.map(
      (row) => row.outcome,
    )
  await Promise.all([runDueSchedules(db(), hooks, at(0)), runDueSchedules(db(), hooks, at(0))])
  expect(asked).toMatchObject([{ eventKey: key, trigger: 'schedule' }])
  await runDueSchedules(db(), hooks, at(1))
  expect(await outcomes()).toEqual(['started', 'skipped'])
  const told: LateTick[] = []
  const tell = async (_tx: unknown, late: LateTick[]) => void told.push(...late)
  for (const _ of [1, 2]) await checkLate(db(), tell, at(1))
  const notify = [{ channel: 'team', on: ['failed'] }]
  expect(told).toMatchObject([{ pipeline: null, event: { name: 'often' }, outcome: 'started', notify }])
  await db().tx((tx) => tellLate(tx, told))
  const facts = await db().query<{ facts: object }>('select facts from outbox')
  expect(facts.rows).toMatchObject([{ facts: { pipeline: 'often', run: told[0]!.run } }])
  await db().query(`update event_runs set settled_at = now(), end_state = 'succeeded'`)
  await runDueSchedules(db(), hooks, at(2))
  expect(await outcomes()).toEqual(['started', 'skipped', 'started'])
  await put('paused', { schedules: [{ name: 'a', cron: '* * * * *' }] })
  await runDueSchedules(db(), hooks, at(10))
  expect(await outcomes()).toHaveLength(3)

  // The event pauses itself in the very transaction of a tick, as with its last of `max_executions`.
  await put('active', { schedules: [{ name: 'a', cron: '* * * * *' }] })
  const last: ScheduleHooks = {
    ...hooks,
    async fire(tx, schedule, tick) {
      await tx.query(`update events set status = 'paused'`)
      return hooks.fire(tx, schedule, tick)
    },
  }
  await db().query(`update schedules set next_at = $1, look_at = $1`, [await at(20)()])
  await runDueSchedules(db(), last, at(20))
  expect(await schedules()).toMatchObject([{ next: null }])
})

const job = async (ownerId: string, name: string, runKey: string | null = null) => {
  const publicId = newPublicId()
  const { rows } = await db().query<{ id: string }>(
    `insert into jobs (public_id, owner_id, name, state, spec, priority, max_attempts, last_attempt, queue_id, run_id)
     values ($1, $2, $3, 'running', '{}', 5, 1, 1, (select min(id) from queues), $4) returning id`,
    [publicId, ownerId, name, runKey],
  )
  return { id: rows[0]!.id, publicId }
}
const doneBy = (run: string, { publicId }: { publicId: string }) =>
  db().query('update event_runs set job_id = $2 where public_id = $1', [run, publicId])
const ended = (of: Made, run: string, state: 'succeeded' | 'failed' | 'skipped') =>
  db().tx((tx) => signalEventEnded(tx, { publicId: run, eventKey: of.key, state }))
const settled = async (of: Made, more: { depth?: number; trigger?: 'test' | 'manual'; rootRun?: string } = {}) => {
  const definition = eventDefinitionSchema.parse({ kind: 'bash', script: 'true' })
  const publicId = newPublicId()
  const run = { publicId, eventKey: of.key, version: 1, definition, ownerId: await ownerOf(of.key) }
  const { depth = 0, trigger = 'manual', rootRun = null } = more
  await db().tx((tx) => insertRun(tx, { ...run, trigger, cause: {}, input: null, depth, rootRun }))
  await db().query(`update event_runs set settled_at = now(), end_state = 'succeeded' where public_id = $1`, [publicId])
  return publicId
}

test('after an event: once for each end it waits for, one deeper; a test starts nobody; drafts wait for nothing', async () => {
  const anna = await person('anna')
  const source = await event(anna, 'source')
  const waiter = await event(anna, 'waiter', { after: [{ event: 'SOURCE', on: ['succeeded', 'cancelled'] }] })
  const asked: BeginEvent[] = []
  const run = await settled(source, { depth: 3, rootRun: 'root00000000' })
  await ended(source, run, 'succeeded')
  await ended(source, run, 'succeeded')
  await ended(source, await settled(source), 'failed')
  await ended(source, await settled(source, { trigger: 'test' }), 'skipped')
  const passes = [takeSignals(database, writes(asked)), takeSignals(database, writes(asked))]
  await Promise.all(passes)
  expect(asked).toEqual([{ eventKey: waiter.key, trigger: 'event', cause: { run }, depth: 4, rootRun: 'root00000000' }])
  await waiter.put('draft')
  await ended(source, await settled(source), 'succeeded')
  expect(await takeSignals(database, writes(asked))).toBe(0)
  await waiter.put('paused', { after: [{ event: 'nobody' }] })
  await expect(waiter.put('active', { after: [{ job: 'x' }, { event: 'nobody' }] })).rejects.toThrow(
    'definition.after[1].event: names no event that you may see: nobody',
  )
})

test('after another’s event: only when it is shared, and without its output', async () => {
  const [anna, ben] = [await person('anna'), await person('ben')]
  const source = await event(anna, 'source')
  await expect(event(ben, 'waiter', { after: [{ event: source.publicId }] })).rejects.toThrow('names no event')
  await db().query('update events set shared = true where id = $1', [source.key])
  await event(ben, 'waiter too', { after: [{ event: 'source' }] })
  const admin = await event(await person('root', 'admin'), 'seer', { after: [{ event: source.publicId }] })
  const asked: BeginEvent[] = []
  const run = await settled(source)
  const { id, publicId } = await job(anna, 'x')
  await db().query(
    `insert into attempt_results (job_id, number, output_type, output, output_bytes)
     values ($1, 1, 'text/plain', 'hidden', 6)`,
    [id],
  )
  await doneBy(run, { publicId })
  await ended(source, run, 'succeeded')
  await takeSignals(database, writes(asked))
  expect(asked.map(({ eventKey, input }) => [eventKey === admin.key, input !== undefined])).toEqual([
    ...[
      [false, false],
      [true, true],
    ],
  ])
})

test('after a job: of the same owner and name, once it has ended, with its outputs; that of a test is nobody’s', async () => {
  const [anna, ben] = [await person('anna'), await person('ben')]
  const source = await event(anna, 'source')
  await event(anna, 'waiter', { after: [{ job: 'build', on: ['succeeded', 'failed'] }] })
  const [plain, ofEvent, ofTest] = [await job(anna, 'build'), await job(anna, 'build'), await job(anna, 'build')]
  const others = [await job(ben, 'build'), await job(anna, 'built'), await job(anna, 'build')]
  await doneBy(await settled(source, { depth: 2 }), ofEvent)
  await doneBy(await settled(source, { trigger: 'test' }), ofTest)
  const end = (one: { id: string }, state: string) =>
    db().query(
      `update jobs set state = $2, ended_at = case when $2 <> 'scheduled' then now() end, outputs = '{"a": "1"}' where id = $1`,
      [one.id, state],
    )
  await end(plain, 'timed_out')
  for (const one of [ofEvent, ofTest, others[0]!, others[1]!]) await end(one, 'succeeded')
  await end(others[2]!, 'scheduled')
  const asked: BeginEvent[] = []
  await takeSignals(database, writes(asked))
  expect(asked.map(({ cause, depth }) => [cause.job, depth])).toEqual([
    ...[
      [plain.publicId, undefined],
      [ofEvent.publicId, 3],
    ],
  ])
  const input = asked[0]!.input as { bytes: Buffer }
  expect(JSON.parse(input.bytes.toString())).toEqual({
    ...{ job: plain.publicId, name: 'build', state: 'timed_out', exit_code: null, outputs: { a: '1' } },
  })
})

test('after a pipeline: of any of its runs, and no way around leads out of the chain that its depth counts', async () => {
  const anna = await person('anna')
  const { pipelineId, versionId } = await storePipeline(db(), 'nightly', definitionOf())
  const source = await event(anna, 'source')
  await event(anna, 'waiter', { after: [{ pipeline: 'nightly', on: ['failed'] }, { job: 'nightly/work' }] })
  const pipelineRun = async (parent: string | null = null) => {
    const publicId = newPublicId()
    const { rows } = await db().query<{ id: string }>(
      `with run as (insert into runs (public_id, kind, owner_id, name, size) values ($1, 'pipeline', $2, 'x', 1) returning id)
       insert into pipeline_runs (run_id, uuid, pipeline_id, version_id, state, result, trigger, parent_run_id)
       select id, gen_random_uuid(), $3, $4, 'ended', 'failed', 'manual', $5 from run returning run_id as id`,
      [publicId, anna, pipelineId, versionId, parent],
    )
    return { id: rows[0]!.id, publicId }
  }
  const [alone, own, byAction] = [await pipelineRun(), await pipelineRun(), await pipelineRun()]
  const child = await pipelineRun(own.id)
  const grandchild = await pipelineRun(child.id)
  await db().query('update event_runs set pipeline_run_id = $2 where public_id = $1', [
    ...[await settled(source, { depth: 1 }), own.publicId],
  ])
  await db().query(
    `insert into action_firings (run_id, action, effect, delivery_id, state, due_at, result)
     select id, 'a', '{}', public_id, 'done', now(), json_build_object('pipeline_run', $2::text) from event_runs
     where public_id = $1`,
    [await settled(source, { depth: 6, rootRun: 'root00000000' }), byAction.publicId],
  )
  const task = await job(anna, 'nightly/work', grandchild.id)
  await db().query(`update jobs set state = 'succeeded', ended_at = now() where id = $1`, [task.id])
  const signal = (publicId: string, result: 'failed' | 'succeeded', pipeline = 'nightly') =>
    db().tx((tx) => signalPipelinesEnded(tx, [{ publicId, pipeline, result }]))
  for (const one of [alone, own, byAction, grandchild]) await signal(one.publicId, 'failed')
  await signal((await pipelineRun()).publicId, 'succeeded')
  await signal((await pipelineRun()).publicId, 'failed', 'other')
  // A run that was deleted since.
  await signal('gone00000000', 'failed')
  const asked: BeginEvent[] = []
  await takeSignals(database, writes(asked))
  expect(asked.map(({ cause, depth }) => [cause.pipeline_run ?? cause.job, depth])).toEqual([
    ...[
      [task.publicId, 2],
      [alone.publicId, undefined],
      [own.publicId, 2],
      [byAction.publicId, 7],
    ],
    [grandchild.publicId, 2],
  ])
  expect(asked[3]).toMatchObject({ rootRun: 'root00000000' })
})

test('one that cannot be begun is tried again later and holds up no other', async () => {
  const anna = await person('anna')
  const source = await event(anna, 'source')
  for (const name of ['first', 'second']) await event(anna, name, { after: [{ event: 'source' }] })
  await ended(source, await settled(source), 'succeeded')
  const asked: BeginEvent[] = []
  const begin: BeginEventIn = async (tx, what) => {
    if (asked.push(what) === 1) throw new Error('a defect')
    return writes()(tx, what)
  }
  await takeSignals(database, begin)
  expect(asked).toHaveLength(2)
  const { rows } = await db().query<{ later: boolean }>('select look_at > now() as later from event_signals')
  expect(rows).toEqual([{ later: true }])
  await db().query('update event_signals set look_at = now()')
  await takeSignals(database, begin)
  expect(asked[2]).toEqual(asked[0])
})
