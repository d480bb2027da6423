import { expect, test } from 'vitest'
import { aQueue, aUser } from '../../test/factories.ts'
import { aJob, lease, queueWorld, type QueueWorld } from '../../test/queue-world.ts'
import { claim } from './claim.ts'
import { waitingReasons } from './find.ts'
import { submit } from './submit.ts'
import type { NewJob } from './types.ts'

async function submitAs(world: QueueWorld, ownerId: string, jobs: NewJob[]): Promise<string[]> {
  return (await submit(world.db, { ownerId, jobs })).publicIds
}
const many = (count: number, job: (i: number) => NewJob) => Array.from({ length: count }, (_, i) => job(i))

test('10,000 waiting jobs of one user do not delay the one of another', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  const newcomer = await aUser(world.db)
  await world.submit(...many(10_000, () => aJob({ priority: 10 })))
  const runner = await world.runner({ slots: 4 })
  const [first] = await runner.claim()
  const [theirs] = await submitAs(world, newcomer.id, [aJob({ priority: 0 })])
  expect((await waitingReasons(world.db, [theirs!])).get(theirs!)!.code).toBe('no_capacity')
  expect(await runner.claim()).toEqual([])
  await runner.finish(first!)
  expect((await runner.claim()).map((job) => job.publicId)).toEqual([theirs])
})

test('nor with one slot, where nobody has anything running when it is free', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  await aQueue(world.db, { name: 'one', concurrency: 1 })
  const newcomer = await aUser(world.db)
  await world.submit(...many(20, () => aJob({ queue: 'one' })))
  const runner = await world.runner()
  await runner.finish(await runner.claimOne())
  await runner.finish(await runner.claimOne())
  await submitAs(
    world,
    newcomer.id,
    many(3, () => aJob({ queue: 'one' })),
  )
  const owners: string[] = []
  for (let i = 0; i < 7; i++) {
    const job = await runner.claimOne()
    owners.push(job.ownerId === newcomer.id ? 'new' : 'old')
    await runner.finish(job)
  }
  expect(owners).toEqual(['new', 'old', 'new', 'old', 'new', 'old', 'old'])
})

test('nor in more lanes than a round looks at, and with a lane for every job', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  const newcomer = await aUser(world.db)
  await world.submit(...many(700, (i) => aJob({ priority: 10 }, { cpuMillis: i })))
  const runner = await world.runner({ slots: 300, cpuMillis: 1e9 })
  await runner.finishAll(await runner.claim({ slots: 10 }))
  const theirs = await submitAs(
    world,
    newcomer.id,
    many(2, (i) => aJob({ priority: 0 }, { cpuMillis: 5000 + i })),
  )
  const given = (await runner.claim({ slots: 4 })).map((job) => job.publicId)
  expect(given).toEqual(expect.arrayContaining(theirs))
})

test('four users share eight slots evenly; each sees his own by priority, then age', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  const users = await Promise.all(many(4, () => aJob()).map(() => aUser(world.db)))
  const low = new Map<string, string[]>()
  for (const [n, user] of users.entries()) {
    low.set(
      user.id,
      await submitAs(
        world,
        user.id,
        many(40 * (n + 1), () => aJob({ priority: 0 })),
      ),
    )
    await world.passTime(1)
  }
  const high = new Map<string, string[]>()
  for (const user of users) high.set(user.id, await submitAs(world, user.id, [aJob({ priority: 9 })]))
  const runners = [await world.runner({ slots: 5 }), await world.runner({ slots: 3 })]
  const given = await claim(
    world.db,
    runners.map((runner) => runner.offer()),
    lease,
  )
  for (const user of users) {
    const ids = [...given.values()].flat().filter((job) => job.ownerId === user.id)
    expect(ids.map((job) => job.publicId).sort()).toEqual([high.get(user.id)![0]!, low.get(user.id)![0]!].sort())
  }
})
