import { expect, test } from 'vitest'
import { aUser } from '../../test/factories.ts'
import { bad, queueWorld } from '../../test/queue-world.ts'
import { cancelMany } from './cancel.ts'
import { deleteEnded } from './prune.ts'
import { endedByMinute, pruneEndedMinutes } from './throughput.ts'
import { foldCounts } from './totals.ts'

test('ends are counted once, folded or not, also of jobs that are gone; a retry is no end', async () => {
  const world = await queueWorld()
  const stranger = await aUser(world.db)
  const [first] = await world.submit({}, {}, {}, { max_attempts: 2, retry: { backoff_seconds: 60 } })
  const runner = await world.runner()
  const jobs = await runner.claim()
  await runner.finish(jobs.find((job) => job.publicId === first)!)
  await runner.finishAll([...runner.held], bad)
  const sums = async (ownerId?: string) => {
    const minutes = await endedByMinute(world.db, 10, ownerId)
    expect(minutes).toHaveLength(10)
    const sum = (word: 'passed' | 'failed' | 'cancelled') => minutes.reduce((all, minute) => all + minute[word], 0)
    return { passed: sum('passed'), failed: sum('failed'), cancelled: sum('cancelled') }
  }
  expect(await sums()).toEqual({ passed: 1, failed: 2, cancelled: 0 })
  await foldCounts(world.db)
  expect(await sums()).toEqual({ passed: 1, failed: 2, cancelled: 0 })
  await deleteEnded(world.db, first!)
  await cancelMany(world.db, { ids: await world.submit({}) })
  await foldCounts(world.db)
  expect(await sums(world.userId)).toEqual({ passed: 1, failed: 2, cancelled: 1 })
  expect(await sums(stranger.id)).toEqual({ passed: 0, failed: 0, cancelled: 0 })

  // What is older than anybody may ask for goes.
  await world.db.query(`update ended_minutes set minute = minute - interval '3 days' where state = 'failed'`)
  await pruneEndedMinutes(world.db)
  const left = await world.db.query<{ state: string }>('select state from ended_minutes order by 1')
  expect(left.rows.map((row) => row.state)).toEqual(['cancelled', 'succeeded'])
})
