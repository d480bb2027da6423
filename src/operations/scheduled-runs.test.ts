/** What `operations/` gives the scheduler, beside the starts that schedules.test.ts has through a whole server. */
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { createSealer } from '../access/secrets.ts'
import { AppError } from '../lib/app-error.ts'
import { definitionOf, storePipeline } from '../pipelines/testing/definitions.ts'
import { putChannel } from '../reactions/channels.ts'
import { listDeliveries } from '../reactions/deliveries.ts'
import { react } from '../reactions/reactor.ts'
import { checkLate, type LateTick } from '../schedules/late.ts'
import { runDueSchedules } from '../schedules/scheduler.ts'
import { bookkeeping, scheduleWorld } from '../schedules/testing/world.ts'
import { openLateIncidents } from './failure-services.ts'
import { tellLate } from './scheduled-runs.ts'

test('a late tick is told to the pipeline’s channels that want failures, once, with what became of it', async () => {
  const { db, drop } = await testDatabase()
  onTestFinished(drop)
  const sealer = createSealer(Buffer.alloc(32, 7))
  for (const name of ['team', 'praise']) {
    const settings = { kind: 'slack' as const, url: 'https://hooks.slack.com/services/x' }
    await db.tx((tx) => putChannel(tx, sealer, { name, description: null, enabled: true, quiet: [], settings }))
  }
  const world = await scheduleWorld(db)
  const notify = [
    { channel: 'team', on: ['failed' as const] },
    { channel: 'praise', on: ['passed' as const] },
  ]
  await storePipeline(db, 'nightly', definitionOf({ notify }))
  const at = (time: string) => () => Promise.resolve(new Date(`2026-06-01T${time}Z`))
  const key = await world.schedule(await at('12:00')(), { cron: '0 * * * *', late_after_seconds: 300 })
  await db.query(`update schedules set name = 'hourly' where id = $1`, [key])
  const full = { ...bookkeeping, fire: () => Promise.reject(new AppError('resource_exhausted', 'nobody has room')) }
  await runDueSchedules(db, full, at('12:00'))
  const parts = { sealer, publicUrl: 'https://runyard.example', retainDays: 30 }
  for (const time of ['12:05', '12:06']) {
    await checkLate(
      db,
      async (tx, late) => {
        await tellLate(tx, late)
        await openLateIncidents(tx, late)
      },
      at(time),
    )
    await react(db, parts)
  }
  const { rows } = await listDeliveries(db, {}, null, 10)
  const subject = 'Schedule hourly of nightly did not start'
  expect(rows).toMatchObject([{ channel: 'team', state: 'queued', subject }])
  const sent = await db.query(`select spec->'message' as message from jobs`)
  expect(sent.rows).toMatchObject([
    {
      message: {
        ...{ subject, type: 'schedule.late', tone: 'failed' },
        text: 'It was due at 2026-06-01T12:00:00.000Z. It was not started: nobody has room.',
        link: 'https://runyard.example/schedules',
        data: { schedule: { name: 'hourly', pipeline: 'nightly', outcome: 'refused', late_after_seconds: 300 } },
      },
    },
  ])

  // It is an incident as well, one for however many ticks, and tells nobody a second time.
  const event = { publicId: 'event0000001', name: 'import' }
  await db.query(`insert into events (public_id, owner_id, name, kind, version) values ($1, $2, $3, 'bash', 1)`, [
    event.publicId,
    world.ownerId,
    event.name,
  ])
  const tick = await at('13:00')()
  const late: LateTick = {
    ...{ schedule: 'schedule0002', name: 'often', pipeline: null, event, ownerId: world.ownerId, tick },
    ...{ late_after_seconds: 60, outcome: 'started', run: null, reason: null, notify: [] },
  }
  await db.tx((tx) => openLateIncidents(tx, [late, { ...late, tick: new Date(tick.getTime() + 3_600_000) }]))
  const { rows: incidents } = await db.query(
    `select source, i.kind, title, i.state, event_id is not null as event, string_agg(e.kind || ': ' || e.text, '; ') as told
     from incidents i join incident_entries e on e.incident_id = i.id group by i.id order by i.id`,
  )
  const shown = { kind: 'late', state: 'open' }
  expect(incidents).toMatchObject([
    {
      ...{ ...shown, source: 'pipeline:nightly', title: 'schedule hourly did not start', event: false },
      told: 'opened: The run of 2026-06-01T12:00:00.000Z did not start: nobody has room.',
    },
    {
      ...{ ...shown, source: 'event:event0000001', title: 'schedule often is late', event: true },
      told: 'opened: The run of 2026-06-01T13:00:00.000Z had not begun 60 s after it was due.',
    },
  ])
  expect((await db.query('select from outbox')).rowCount).toBe(0)
})
