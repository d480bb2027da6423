import { expect, test, vi } from 'vitest'
import { copies, many, round } from '../../test/placement-world.ts'
import { aJob, lease, queueWorld, type QueueWorld, type TestRunner } from '../../test/queue-world.ts'
import type { JobSpecInput } from '../job/spec.ts'
import { claim } from './claim.ts'
import { createDispatcher } from './dispatcher.ts'
import { waitingReasons } from './find.ts'
import { submit } from './submit.ts'

/** However slow this machine is, it has not waited for long. */
const young = (world: QueueWorld, spec: Partial<JobSpecInput>): Promise<string> =>
  world.db.tx(async (tx) => {
    const { publicIds } = await submit(tx, { ownerId: world.userId, jobs: [aJob(spec)] })
    await tx.query(`update jobs set state_since = now() + interval '60 seconds' where public_id = $1`, publicIds)
    return publicIds[0]!
  })

test('spread and pack, by the job and by the installation', async () => {
  const world = await queueWorld()
  const runners = await many(world, [4, 4, 4])
  await world.submit(...copies(3, {}))
  expect(await round(world, runners)).toEqual([1, 1, 1])
  await world.submit(...copies(3, {}))
  expect(await round(world, runners, 'pack')).toEqual([3, 0, 0])
  await world.submit(...copies(2, { placement: { strategy: 'spread' } }))
  expect(await round(world, runners, 'pack')).toEqual([0, 1, 1])
  await world.submit(...copies(3, { placement: { strategy: 'pack' } }))
  expect(await round(world, runners)).toEqual([0, 2, 1])
})

test('what the running jobs reserve decides, not what the runner says of itself', async () => {
  const world = await queueWorld()
  const [busy, idle] = [
    await world.runner({ slots: 10, cpuMillis: 4000 }),
    await world.runner({ slots: 3, cpuMillis: 4000 }),
  ]
  await world.submit(aJob({}, { cpuMillis: 3000 }))
  expect(await round(world, [busy])).toEqual([1])
  busy.held.length = 0
  await world.submit(aJob({}, { cpuMillis: 500 }))
  const offers = [busy, idle].map((runner) => runner.offer({ held: busy.held }))
  await world.db.query('update attempts set started_at = now()')
  const given = await claim(world.db, offers, lease)
  expect(given.get(idle.from.runnerId)).toHaveLength(1)
})

test('the runners that wait at a server are served together', async () => {
  const world = await queueWorld()
  const runners = await many(world, [4, 4, 4])
  let rounds = 0
  const dispatcher = createDispatcher(world.db, { ...lease, hasRoom: async () => ++rounds > 0 })
  try {
    const asked = runners.map((runner) => dispatcher.request(runner.offer(), 20_000))
    // The first round begins when only the first runner is there.
    await vi.waitUntil(() => rounds >= 2, { timeout: 20_000, interval: 5 })
    await world.submit(...copies(3, {}))
    dispatcher.wake()
    expect((await Promise.all(asked)).map((jobs) => jobs.length)).toEqual([1, 1, 1])
  } finally {
    await dispatcher.stop()
  }
})

test('packed one by one: a job is left to the runner that was just given one, until it asks again', async () => {
  const world = await queueWorld()
  const [one, two] = await many(world, [4, 4])
  let rounds = 0
  const dispatcher = createDispatcher(world.db, { ...lease, pollMs: 50, hasRoom: async () => ++rounds > 0 })
  const ask = async (runner: TestRunner) => {
    const jobs = await dispatcher.request(runner.offer(), 20_000)
    runner.held.push(...jobs)
    return jobs.length
  }
  const pack = async () => {
    await young(world, { placement: { strategy: 'pack' } })
    dispatcher.wake()
  }
  try {
    const [first, other] = [ask(one!), ask(two!)]
    await vi.waitUntil(() => rounds >= 2, { timeout: 20_000, interval: 5 })
    await pack()
    expect(await first).toBe(1)
    await pack()
    const before = rounds
    await vi.waitUntil(() => rounds > before + 2, { timeout: 20_000, interval: 5 })
    expect(await ask(one!)).toBe(1)
    expect(two!.held).toEqual([])
    // It asks no more: the other one gets the next job when that has waited.
    await world.submit({ placement: { strategy: 'pack' } })
    expect(await other).toBe(1)
  } finally {
    await dispatcher.stop()
  }
})

test('a strategy that was asked for holds over servers: left to the better runner, not for ever', async () => {
  const world = await queueWorld()
  const [full, empty] = await many(world, [4, 4])
  await world.submit({})
  expect(await round(world, [full!])).toEqual([1])
  const packed = await young(world, { placement: { strategy: 'pack' } })
  expect(await round(world, [empty!])).toEqual([0])
  expect((await waitingReasons(world.db, [packed])).get(packed)!.code).toBe('ready')
  expect(await round(world, [full!])).toEqual([1])
  await young(world, { placement: { strategy: 'spread' } })
  expect(await round(world, [full!])).toEqual([0])
  expect(await round(world, [empty!])).toEqual([1])
  await young(world, { placement: { strategy: 'pack' } })
  expect(await round(world, [empty!])).toEqual([0])
  await world.passTime(62)
  expect(await round(world, [empty!])).toEqual([1])
  // Without a word from the job or the installation the one that asks takes what fits.
  await world.submit({}, {})
  expect(await round(world, [full!])).toEqual([2])
})
