import { expect, test } from 'vitest'
import { aMessage, bad, queueWorld, type QueueWorld, type TestRunner } from '../../test/queue-world.ts'
import { newPublicId } from '../lib/ids.ts'
import type { Outcome } from '../job/outcome.ts'
import { closeIncidents } from './close-incidents.ts'
import { findDeadLetters } from './find-dead-letters.ts'
import { findGroups } from './find-groups.ts'
import { findIncidents, timelineOf } from './find-incidents.ts'
import { noteFlapping } from './flapping.ts'
import { groupFailures } from './group-failures.ts'
import type { IncidentNotice, TellIncidents } from './open-incidents.ts'
import { changeRules } from './rules.ts'

const saying = (message: string): Outcome => ({ ...bad, message })

interface World extends QueueWorld {
  told: IncidentNotice[]
  tell: TellIncidents
  one: TestRunner
  /** Keys of two events; the second has channels of its own. */
  events: { key: string; publicId: string }[]
  fail(event: number | null, outcome: Outcome, trigger?: string): Promise<string>
  ran(event: number, ...states: string[]): Promise<void>
  group(): Promise<number>
  close(): Promise<number>
  incidents(): ReturnType<typeof findIncidents>
  kinds(key: string): Promise<string[]>
}

async function world(): Promise<World> {
  const w = await queueWorld()
  const told: IncidentNotice[] = []
  const tell: TellIncidents = async (_tx, notices) => void told.push(...notices)
  const events: World['events'] = []
  for (const channels of [[], ['own']]) {
    const publicId = newPublicId()
    const { rows } = await w.db.query<{ id: string }>(
      `with e as (
         insert into events (public_id, owner_id, name, kind, status, version)
         values ($1, $2, $1, 'bash', 'active', 1) returning id
       ), v as (
         insert into event_versions (event_id, number, hash, definition, created_by) select id, 1, 'h', $3, 'x' from e
       ) select id from e`,
      [publicId, w.userId, JSON.stringify({ incident_channels: channels })],
    )
    events.push({ key: rows[0]!.id, publicId })
  }
  const insertRun = (event: number, over: { job?: string; trigger?: string; state?: string }): Promise<unknown> =>
    w.db.query(
      `insert into event_runs (public_id, event_id, definition, owner_id, trigger, job_id, settled_at, end_state,
         started_at, ended_at)
       values ($1, $2, '{}', $3, $4, $5, clock_timestamp(), $6, clock_timestamp(), clock_timestamp())`,
      [newPublicId(), events[event]!.key, w.userId, over.trigger ?? 'manual', over.job ?? null, over.state ?? 'failed'],
    )
  const one = await w.runner({ slots: 1000 })
  return {
    ...w,
    ...{ told, tell, one, events },
    async fail(event, outcome, trigger) {
      const [id] = await w.submit({})
      if (event !== null) {
        await w.db.query(`update jobs set spec = spec || '{"event": {}}' where public_id = $1`, [id])
        await insertRun(event, { job: id!, ...(trigger !== undefined && { trigger }) })
      }
      await one.claim()
      await one.finishAll([...one.held], outcome)
      return id!
    },
    async ran(event, ...states) {
      for (const state of states) await insertRun(event, { state })
    },
    group: () => groupFailures(w.db, tell),
    close: () => closeIncidents(w.db, tell),
    incidents: () => findIncidents(w.db, {}, { limit: 100 }),
    kinds: async (key) => (await timelineOf(w.db, key)).map(({ kind }) => kind),
  }
}

test('from the first failure of a pattern to its end: opened once, told once, closed after enough successes', async () => {
  const w = await world()
  await w.db.tx((tx) => changeRules(tx, { channels: ['team'] }))
  const first = await w.fail(0, saying('no answer from 10.0.0.1 within 30 s'))
  expect(await w.group()).toBe(1)
  expect(await w.group()).toBe(0)
  const [incident] = await w.incidents()
  expect(incident).toMatchObject({
    kind: 'new',
    state: 'open',
    failures: '1',
    source: `event:${w.events[0]!.publicId}`,
  })
  expect(w.told).toMatchObject([{ what: 'opened', channels: ['team'], job: first, incident: incident!.publicId }])

  // More of the same, by two servers at once: the one incident goes on, and nobody is told again.
  for (let i = 0; i < 4; i++) await w.fail(0, saying(`no answer from 10.0.0.${i} within ${i} s`))
  await Promise.all([w.group(), groupFailures(w.secondDb(), () => Promise.reject(new Error('told twice')))])
  expect(await w.incidents()).toMatchObject([{ failures: '5', state: 'open' }])
  expect(await findGroups(w.db, {}, { limit: 9 })).toMatchObject([{ total: 5, open: 5, incident: incident!.publicId }])
  expect((await w.kinds(incident!.key)).slice(0, 3)).toEqual(['opened', 'notified', 'failure'])
  expect(w.told).toHaveLength(1)

  // Two good ones are not enough, nor three with a bad one among them.
  await w.ran(0, 'succeeded', 'succeeded')
  expect(await w.close()).toBe(0)
  await w.ran(0, 'failed', 'succeeded', 'succeeded')
  expect(await w.close()).toBe(0)
  await w.ran(0, 'succeeded')
  expect(await w.close()).toBe(1)
  expect(await w.incidents()).toMatchObject([{ state: 'closed', closedBy: null }])
  expect(w.told.at(-1)).toMatchObject({ what: 'closed', text: 'succeeded 3 times in a row' })

  // Back within the hour: the same incident. Later it is another one, and only when it is repeated.
  await w.fail(0, saying('no answer from 10.0.0.9 within 9 s'))
  await w.group()
  expect(await w.incidents()).toMatchObject([{ state: 'open', failures: '6', closedAt: null }])
  expect(w.told.at(-1)).toMatchObject({ what: 'reopened' })
  expect(new Set(w.told.map(({ about }) => about)).size).toBe(w.told.length)
  expect((await w.kinds(incident!.key)).slice(-4)).toEqual(['closed', 'notified', 'reopened', 'notified'])
  await w.db.query(`update incidents set state = 'closed', closed_at = now() - interval '2 hours'`)
  await w.db.query(`update dead_letters set at = now() - interval '2 hours'`)
  await w.fail(0, saying('no answer from 10.0.0.9 within 9 s'))
  await w.fail(0, saying('no answer from 10.0.0.9 within 9 s'))
  await w.group()
  expect(await w.incidents()).toHaveLength(1)
  await w.fail(0, saying('no answer from 10.0.0.9 within 9 s'))
  await w.group()
  expect((await w.incidents()).map(({ kind, state }) => [kind, state])).toEqual([
    ['repeated', 'open'],
    ['new', 'closed'],
  ])
})

test('what is no incident, whom the event names, quiet, flapping, and rows of a crashed pass', async () => {
  const w = await world()
  await w.db.tx((tx) => changeRules(tx, { channels: ['team'] }))
  // One plain job is nobody's incident, three alike are; names that count are one name.
  for (const n of [1, 2]) {
    await w.submit({ name: `shard ${n}` })
    await w.one.claim()
    await w.one.finishAll([...w.one.held], bad)
  }
  await w.fail(0, saying('a test'), 'test')
  expect(await w.group()).toBe(3)
  expect(await w.incidents()).toEqual([])
  expect(await findDeadLetters(w.db, {}, { limit: 9 })).toHaveLength(2)
  expect(await findGroups(w.db, {}, { limit: 9 })).toMatchObject([{ source: 'job:shard <n>', total: 2, exitCode: 1 }])
  // What cannot be told is not done: the next pass finds it again.
  await w.fail(1, saying('own'))
  await expect(groupFailures(w.db, () => Promise.reject(new Error('killed')))).rejects.toThrow('killed')
  expect(await w.incidents()).toEqual([])
  await w.group()
  expect(w.told).toMatchObject([{ channels: ['own'] }])
  expect(await w.close()).toBe(0)
  await w.db.query(`update failure_groups set last_at = now() - interval '25 hours'`)
  await w.db.query(`update incident_entries set at = now() - interval '25 hours'`)
  expect(await w.close()).toBe(1)
  expect(w.told.at(-1)).toMatchObject({ what: 'closed', text: 'no failure of this kind for 24 h' })
  // Muted: grouped, counted, and nobody hears of it.
  await w.db.query('update failure_groups set muted_at = now()')
  await w.fail(1, saying('own'))
  await w.group()
  expect((await w.incidents()).map(({ state }) => state)).toEqual(['closed'])

  await w.ran(0, ...Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? 'succeeded' : 'failed')))
  expect(await noteFlapping(w.db, w.tell)).toBe(0)
  await w.ran(0, 'succeeded')
  expect(await noteFlapping(w.db, w.tell)).toBe(1)
  expect(await noteFlapping(w.db, w.tell)).toBe(0)
  expect(await w.incidents()).toMatchObject([{ kind: 'flapping', state: 'open' }, { kind: 'new' }])
  await w.ran(0, 'succeeded', 'succeeded', 'succeeded')
  expect(await w.close()).toBe(1)
})

test('the trigger: only ends that failed, once each, whatever way a job fails; messages have their own list', async () => {
  const w = await queueWorld()
  const runner = await w.runner({ executors: ['sandbox', 'message'] })
  const [retried] = await w.submit({ max_attempts: 2, retry: { backoff_seconds: 0 } })
  await runner.finish(await runner.claimOne(), bad)
  const letters = async () => (await findDeadLetters(w.db, {}, { limit: 99 })).map(({ jobId }) => jobId)
  expect(await letters()).toEqual([])
  await w.db.query(`update jobs set state = 'queued', not_before = null where public_id = $1`, [retried])
  const [good] = await w.submit({})
  await runner.claim()
  const again = runner.held.find((job) => job.publicId === retried)!
  await runner.finish(again, { ...bad, state: 'timed_out', error_class: 'timeout' })
  await runner.finish(runner.held.find((job) => job.publicId === good)!)
  expect(await letters()).toEqual([retried])
  // A message about something is no failure of anybody's work; one that is an event's own work is.
  await w.submit(aMessage(), aMessage())
  await w.db.query(`update jobs set spec = spec || '{"event": {}}' where id = (select max(id) from jobs)`)
  const messages = await runner.claim()
  await runner.finishAll(messages, bad)
  expect(messages).toHaveLength(2)
  expect(await letters()).toEqual([messages.at(-1)!.publicId, retried])
  // Whoever writes the row again, without another state, adds nothing; a removed job takes its row along.
  await w.db.query('update jobs set priority = priority')
  expect(await letters()).toHaveLength(2)
  await w.db.query('delete from jobs where public_id = $1', [retried])
  expect(await letters()).toEqual([messages.at(-1)!.publicId])
})
