import { expect, test } from 'vitest'
import { bad, good, queueWorld } from '../../test/queue-world.ts'
import { promoteDue } from './promote-due.ts'
import { pruneLanes } from './forget.ts'
import { deleteEnded, pruneOld } from './prune.ts'
import { upkeepServices } from './upkeep.ts'

const ended = (id: string, days: number) =>
  [`update jobs set ended_at = now() - make_interval(days => $2) where public_id = $1`, [id, days]] as const

test('by age, with the names of all logs; open jobs stay whatever their age', async () => {
  const world = await queueWorld()
  const [old, young, retried, open] = await world.submit({}, {}, { max_attempts: 2, retry: { backoff_seconds: 0 } }, {})
  const runner = await world.runner()
  const jobs = await runner.claim({ slots: 3 })
  await runner.finish(jobs[0]!)
  await runner.finish(jobs[1]!)
  await runner.finish(jobs[2]!, bad)
  await promoteDue(world.db)
  await runner.finish((await runner.claim()).find((job) => job.publicId === retried)!)
  await world.db.query(...ended(old!, 31))
  await world.db.query(...ended(retried!, 40))
  await world.db.query(`update jobs set created_at = now() - interval '1 year'`)
  const removed: unknown[] = []
  const result = await pruneOld(world.db, {
    retainDays: 30,
    retainCount: 100,
    removeLogs: async (attempts) => {
      removed.push(...attempts)
      expect(await world.states()).toMatchObject({ succeeded: 3 })
    },
  })
  expect(result.publicIds).toEqual([retried, old])
  const keys = [
    { jobKey: jobs[2]!.jobKey, number: 1 },
    { jobKey: jobs[2]!.jobKey, number: 2 },
    { jobKey: jobs[0]!.jobKey, number: 1 },
  ]
  expect(removed).toMatchObject(keys)
  expect(result.attempts).toEqual(keys)
  expect(await world.state(young!)).toBe('succeeded')
  expect(await world.state(open!)).toBe('leased')
  expect((await world.db.query('select 1 from attempts')).rowCount).toBe(2)
})

test('when the logs cannot be removed the rows stay for the next pass', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  await runner.finish(await runner.claimOne())
  await world.db.query(...ended(id!, 31))
  const removeLogs = () => Promise.reject(new Error('disk'))
  await expect(pruneOld(world.db, { retainDays: 30, retainCount: 9, removeLogs })).rejects.toThrow('disk')
  expect(await world.state(id!)).toBe('succeeded')
})

test('by count: the newest stay; the service goes on batch by batch', async () => {
  const world = await queueWorld()
  const ids = await world.submit(...Array.from({ length: 1203 }, () => ({})))
  const runner = await world.runner({ slots: 2000 })
  await runner.finishAll(await runner.claim())
  await world.db.query(`update jobs set ended_at = now() - make_interval(secs => 10000 - id)`)
  const config = { leaseSeconds: 30, graceSeconds: 30, retainDays: 30, retainCount: 3 }
  let removed = 0
  const services = upkeepServices(world.db, config, {
    lost: async () => {},
    pruned: async (attempts) => void (removed += attempts.length),
  })
  await services.find((service) => service.name === 'queue.prune_old')!.runOnce()
  expect(removed).toBe(1200)
  const { rows } = await world.db.query<{ public_id: string }>('select public_id from jobs order by id')
  expect(rows.map((row) => row.public_id)).toEqual(ids.slice(1200))
})

test('only an ended job may be deleted', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  await expect(deleteEnded(world.db, id!)).rejects.toMatchObject({ code: 'conflict', message: /is queued/ })
  const job = await runner.claimOne()
  await expect(deleteEnded(world.db, id!)).rejects.toMatchObject({ code: 'conflict', message: /is leased/ })
  await runner.finish(job, good)
  expect(await deleteEnded(world.db, id!)).toMatchObject([{ jobKey: job.jobKey, number: 1 }])
  await expect(deleteEnded(world.db, id!)).rejects.toMatchObject({ code: 'not_found' })
})

test('lanes without open jobs go after a day; those with any stay', async () => {
  const world = await queueWorld()
  const queues = ['a', 'b', 'c']
  for (const name of queues) await world.db.query('insert into queues (name) values ($1)', [name])
  const [done] = await world.submit({ queue: 'a' }, { queue: 'b', delay_seconds: 99 })
  const runner = await world.runner()
  expect((await runner.claimOne()).publicId).toBe(done)
  await runner.finish(runner.held[0]!)
  expect(await pruneLanes(world.db)).toBe(0)
  await world.db.query(`update lanes set last_used_at = now() - interval '25 h'`)
  await world.submit({ queue: 'c' })
  expect(await pruneLanes(world.db)).toBe(1)
  await world.passTime(100)
  await promoteDue(world.db)
  expect(await runner.claim()).toHaveLength(2)
  await world.submit({ queue: 'a' })
  expect(await runner.claim()).toHaveLength(1)
})
