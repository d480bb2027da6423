import { expect, test } from 'vitest'
import { aRun, times } from '../../test/a-run.ts'
import { aUser } from '../../test/factories.ts'
import { aJob, queueWorld } from '../../test/queue-world.ts'
import { cancelMany } from './cancel.ts'
import { cancelMembers, requestRunCancel } from './run-cancel.ts'
import { submit } from './submit.ts'

test('while a part of a run is being cancelled, runners get what others wait for, and nothing of that part', async () => {
  const world = await queueWorld()
  const run = await aRun(world, times(20))
  const other = await aUser(world.db)
  await world.db.tx((tx) => submit(tx, { ownerId: other.id, jobs: [aJob(), aJob()] }))
  const runner = await world.runner({ slots: 4 })
  await world.db.tx(async (tx) => {
    await cancelMany(tx, { ids: run.ids })
    // A claim that waited for the locks would never come back.
    const claimed = (await runner.claim()).map((job) => job.publicId)
    expect([claimed.length, claimed.filter((id) => run.ids.includes(id))]).toEqual([2, []])
  })
  expect(await run.counts()).toBe('20 cancelled')
})

test('all members, in several transactions: what waits at once, what runs by its runner', async () => {
  const world = await queueWorld()
  const run = await aRun(world, times(510))
  const runner = await world.runner({ slots: 3 })
  await runner.claim()
  await world.db.tx((tx) => requestRunCancel(tx, run.key, { complete: false }))
  expect(await cancelMembers(world.db, run.key, {})).toEqual({ cancelled: 507, stopping: 3 })
  // Once more: nothing is left but those that are being stopped.
  expect(await cancelMembers(world.db, run.key, { force: true })).toEqual({ cancelled: 0, stopping: 3 })
})
