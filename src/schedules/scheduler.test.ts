/**
 * All of it by hand: RUNYARD_TEST_SCHEDULERS=full npx vitest run --project unit src/schedules/scheduler.test.ts
 * `full` may be `SCHEDULERSxSCHEDULESxMINUTES`, e.g. 5x1000x60, for that one alone.
 */
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { onFact, type Fact } from '../lib/facts.ts'
import { nextLook } from './due.ts'
import { findSchedules } from './find-schedules.ts'
import { runDueSchedules } from './scheduler.ts'
import { manySchedulers } from './testing/many-schedulers.ts'
import { bookkeeping, noteFired, scheduleWorld, type ScheduleWorld } from './testing/world.ts'
import type { ScheduleHooks } from './types.ts'

const wish = process.env.RUNYARD_TEST_SCHEDULERS
const full = wish !== undefined
const byHand = (): { schedulers: number; schedules: number; minutes: number }[] => {
  if (wish === 'full') return [1, 3, 5].map((schedulers) => ({ schedulers, schedules: 5000, minutes: 60 }))
  const [schedulers, schedules, minutes] = wish!.split('x').map(Number)
  return [{ schedulers: schedulers!, schedules: schedules!, minutes: minutes! }]
}

interface World extends ScheduleWorld {
  db: Db
  url: string
  /** One pass at that time of the day. */
  passAt(time: string, hooks?: ScheduleHooks): Promise<number>
}

const day = '2026-06-01'
const at = (time: string): Date => new Date(`${time.length > 8 ? time : `${day}T${time}`}Z`)

async function world(): Promise<World> {
  const { db, url, drop } = await testDatabase()
  onTestFinished(drop)
  const clock = (time: string) => (): Promise<Date> => Promise.resolve(at(time))
  return {
    ...(await scheduleWorld(db)),
    db,
    url,
    passAt: (time, hooks = bookkeeping) => runDueSchedules(db, hooks, clock(time)),
  }
}

test('each tick starts one run, and never again when the clock goes back', async () => {
  const w = await world()
  const key = await w.schedule(at('12:00'), { cron: '*/10 * * * *' })
  expect(await w.passAt('11:59:59')).toBe(0)
  expect(await w.passAt('12:00')).toBe(1)
  expect(await w.passAt('12:00')).toBe(0)
  expect(await w.passAt('12:10:02')).toBe(1)
  for (const back of ['11:10', '11:30', '12:00', '12:10', '12:19']) expect(await w.passAt(back)).toBe(0)
  await w.passAt('12:20')
  expect(await w.ticks(key)).toEqual(['12:00 started', '12:10 started', '12:20 started'])
  expect(await w.fired(key)).toEqual(['12:00', '12:10', '12:20'])
})

test.each([
  ['skip', ['12:00-14:50 missed', '15:00 started']],
  ['run_once', ['12:00-14:50 missed', '15:00 started']],
  [
    'run_all',
    ['12:00-14:10 missed', '14:20 started', '14:30 started', '14:40 started', '14:50 started', '15:00 started'],
  ],
] as const)('after three hours: %s', async (misfire, ticks) => {
  const w = await world()
  const key = await w.schedule(at('12:00'), { cron: '*/10 * * * *', misfire, catch_up_limit: 4 })
  await w.passAt('15:00:30')
  expect(await w.ticks(key)).toEqual(ticks)
})

test('a day forward: one run is made up within the window, and nothing when it is too long ago', async () => {
  const w = await world()
  const often = await w.schedule(at('12:00'), { cron: '* * * * *' })
  const seldom = await w.schedule(at('12:00'), { cron: '0 9 * * *' })
  const patient = await w.schedule(at('12:00'), { cron: '0 9 * * *', catch_up_seconds: 86_400 })
  const strict = await w.schedule(at('12:00'), { cron: '*/7 * * * *', misfire: 'skip' })
  await w.passAt('2026-06-02T12:03:30')
  expect(await w.ticks(often)).toEqual(['12:00-12:02 missed', '12:03 started'])
  expect(await w.ticks(seldom)).toEqual(['09:00-09:00 missed'])
  expect(await w.ticks(patient)).toEqual(['09:00 started'])
  expect(await w.ticks(strict)).toEqual(['12:00-12:00 missed'])
})

test('a hook that fails is undone and asked again; a refusal is for good', async () => {
  const w = await world()
  const key = await w.schedule(at('12:00'), { cron: '0 * * * *' })
  const broken: ScheduleHooks = {
    ...bookkeeping,
    async fire(tx, schedule, tick) {
      await noteFired(tx, schedule.key, tick)
      await tx.query('select 1 / 0')
      return { run: 'x' }
    },
  }
  expect(await w.passAt('12:00', broken)).toBe(0)
  expect(await w.passAt('12:00:05')).toBe(0)
  expect(await w.passAt('12:00:10')).toBe(1)
  const refusing: ScheduleHooks = {
    ...bookkeeping,
    fire: () => Promise.reject(new AppError('permission_denied', 'the account owner is disabled')),
  }
  await w.passAt('13:00', refusing)
  expect(await w.ticks(key)).toEqual(['12:00 started', '13:00 refused'])
  expect(await w.fired(key)).toEqual(['12:00'])
  const { rows } = await w.db.query('select problem, t.reason from schedules join schedule_ticks t on outcome = $1', [
    'refused',
  ])
  const reason = 'the account owner is disabled'
  expect(rows).toEqual([{ problem: reason, reason }])
})

test('a server that is being stopped leaves what is due to the next one, which is no error', async () => {
  const w = await world()
  const key = await w.schedule(at('12:00'), { cron: '0 * * * *' })
  const told: Fact[] = []
  onTestFinished(onFact((fact) => told.push(fact)))
  const stopping = new AppError('unavailable', 'this server is being stopped and takes nothing new')
  expect(await w.passAt('12:00', { ...bookkeeping, fire: () => Promise.reject(stopping) })).toBe(0)
  expect(told).toMatchObject([{ name: 'schedule.not_started', level: 'info' }])
  await w.passAt('12:00:10')
  expect(await w.ticks(key)).toEqual(['12:00 started'])
})

test('a pipeline that is gone starts nothing, and what was due meanwhile follows the misfire policy', async () => {
  const w = await world()
  const key = await w.schedule(at('12:00'), { cron: '*/10 * * * *' })
  const problem = async () => (await findSchedules(w.db, {}))[0]!.problem
  await w.passAt('12:00')
  await w.db.query('update pipelines set gone_at = now()')
  expect([await w.passAt('12:10'), await nextLook(w.db)]).toEqual([0, null])
  expect(await problem()).toBe('pipeline nightly is gone: nothing starts until it is there again')
  await w.db.query('update pipelines set gone_at = null')
  expect([await problem(), await nextLook(w.db)]).toEqual([null, at('12:10')])
  await w.passAt('12:35:30')
  expect(await w.ticks(key)).toEqual(['12:00 started', '12:10-12:20 missed', '12:30 started'])
})

test('overlap: skipped, or what runs is cancelled', async () => {
  const w = await world()
  const skip = await w.schedule(at('12:00'), { cron: '0 * * * *', overlap: 'skip' })
  const cancel = await w.schedule(at('12:00'), { cron: '0 * * * *', overlap: 'cancel_running' })
  const cancelled: string[] = []
  const hooks: ScheduleHooks = {
    async fire(tx, { key, pipelineId, ownerId }) {
      const run = `run${key.padStart(9, '0')}`
      await tx.query(
        `with made as (
           insert into runs (public_id, kind, owner_id, name, size) values ($1, 'pipeline', $2, 'x', 0) returning id
         ), version as (
           select id from pipeline_versions where pipeline_id = $3
         )
         insert into pipeline_runs (run_id, uuid, pipeline_id, version_id, state, trigger)
         select made.id, gen_random_uuid(), $3, version.id, 'running', 'schedule' from made, version`,
        [run, ownerId, pipelineId],
      )
      return { run }
    },
    cancelRun: (_tx, { key }, run) => Promise.resolve(void cancelled.push(`${key}: ${run}`)),
  }
  await w.passAt('12:00', hooks)
  await w.passAt('13:00', { ...hooks, fire: bookkeeping.fire })
  expect(await w.ticks(skip)).toEqual(['12:00 started', '13:00 skipped'])
  expect(await w.ticks(cancel)).toEqual(['12:00 started', '13:00 started'])
  expect(cancelled).toEqual([`${cancel}: run${cancel.padStart(9, '0')}`])
})

test('one that cannot be decided holds up no other, and is not looked at all the time', async () => {
  const w = await world()
  const broken = await w.schedule(at('12:00'))
  const sound = await w.schedule(at('12:00'))
  const odd = await w.schedule(at('12:00'))
  await w.db.query(`insert into schedule_ticks (schedule_id, tick, outcome) values ($1, $2, 'skipped')`, [
    broken,
    at('12:00'),
  ])
  await w.db.query(`update schedules set next_at = $2, look_at = $2 where id = $1`, [odd, at('11:59:59')])
  await w.db.query(`update schedules set cron = '0 5 * * *' where id = $1`, [odd])
  expect(await w.passAt('12:00')).toBe(1)
  expect(await w.ticks(sound)).toEqual(['12:00 started'])
  const { rows } = await w.db.query('select look_at from schedules order by id')
  expect(rows.map(({ look_at }) => look_at)).toEqual([at('12:00:10'), at('12:01'), at('2026-06-02T05:00')])
})

test('one whose end has come is looked at no more', async () => {
  const w = await world()
  const key = await w.schedule(at('12:00'), { every_seconds: 60, ends_at: at('12:01') })
  await w.passAt('12:01')
  expect(await w.ticks(key)).toEqual(['12:00 started', '12:01 started'])
  expect((await w.db.query('select next_at, look_at from schedules')).rows).toEqual([{ next_at: null, look_at: null }])
})

test.each(
  full
    ? byHand()
    : [
        { schedulers: 1, schedules: 10, minutes: 20 },
        { schedulers: 3, schedules: 20, minutes: 20 },
        { schedulers: 5, schedules: 50, minutes: 20 },
      ],
)(
  'nothing twice, nothing left out: %j',
  async (counts) => {
    const w = await world()
    const began = performance.now()
    const found = await manySchedulers(w.db, w, { url: w.url, ...counts, skewMs: 1_800_000, seed: 7 })
    if (full) console.log(JSON.stringify({ ...counts, ...found, seconds: (performance.now() - began) / 1000 }))
    expect(found).toMatchObject({ started: found.expected, missing: 0, duplicate: 0 })
    expect(found.failures).toBeGreaterThan(0)
  },
  full ? 7_200_000 : 30_000,
)
