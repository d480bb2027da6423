/** What `operations/` gives the scheduler, beside the starts that schedules.test.ts has through a whole server. */
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { createSealer } from '../access/secrets.ts'
import { AppError } from '../lib/app-error.ts'
import { definitionOf, storePipeline } from '../pipelines/testing/definitions.ts'
import { putChannel } from '../reactions/channels.ts'
import { listDeliveries } from '../reactions/deliveries.ts'
import { react } from '../reactions/reactor.ts'
import { checkLate } from '../schedules/late.ts'
import { runDueSchedules } from '../schedules/scheduler.ts'
import { bookkeeping, scheduleWorld } from '../schedules/testing/world.ts'
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
    await checkLate(db, tellLate, at(time))
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
})
