import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from '../db/listen.ts'
import { lease, queueWorld, type QueueWorld } from '../../test/queue-world.ts'
import { createDispatcher, type Dispatcher } from './dispatcher.ts'

function dispatcherOf(world: QueueWorld, pollMs = 60_000): Dispatcher {
  const dispatcher = createDispatcher(world.db, { ...lease, pollMs })
  onTestFinished(() => dispatcher.stop())
  return dispatcher
}

test('work that is there is given at once, also without any wait', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world)
  const runner = await world.runner()
  const [id] = await world.submit({})
  expect(await dispatcher.request(runner.offer(), 0)).toMatchObject([{ publicId: id }])
})

test('a hint wakes a long poll', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world)
  const listening = listen(world.url, { runyard_work: () => dispatcher.wake() }, () => {})
  onTestFinished(() => listening.stop())
  await listening.ready
  const runner = await world.runner()
  const request = dispatcher.request(runner.offer(), 15_000)
  await sleep(50)
  const [id] = await world.submit({})
  expect(await request).toMatchObject([{ publicId: id }])
})

test('without any hint the poll finds the work', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world, 100)
  const runner = await world.runner()
  const request = dispatcher.request(runner.offer(), 15_000)
  await sleep(50)
  const [id] = await world.submit({})
  expect(await request).toMatchObject([{ publicId: id }])
})

test('no work: nothing after the wait, or when the caller leaves', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world)
  const runner = await world.runner()
  expect(await dispatcher.request(runner.offer(), 30)).toEqual([])
  const leave = new AbortController()
  const request = dispatcher.request(runner.offer(), 60_000, leave.signal)
  leave.abort()
  expect(await request).toEqual([])
  expect(await dispatcher.request(runner.offer(), 60_000, leave.signal)).toEqual([])
})

test('a newer request of a runner ends the older; the job comes once', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world)
  const runner = await world.runner()
  const older = dispatcher.request(runner.offer(), 60_000)
  const newer = dispatcher.request(runner.offer(), 60_000)
  expect(await older).toEqual([])
  const [id] = await world.submit({})
  dispatcher.wake()
  expect(await newer).toMatchObject([{ publicId: id }])
})

test('a job for somebody who left in the middle comes with the next request', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world)
  const runner = await world.runner()
  const [id] = await world.submit({})
  const leave = new AbortController()
  const request = dispatcher.request(runner.offer(), 60_000, leave.signal)
  leave.abort()
  expect(await request).toEqual([])
  expect(await dispatcher.request(runner.offer(), 10_000)).toMatchObject([{ publicId: id, number: 1 }])
  expect(await world.attempts(id!)).toHaveLength(1)
})

test('many runners are served together, each job once', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world)
  const runners = await Promise.all(Array.from({ length: 8 }, () => world.runner({ slots: 4 })))
  const requests = runners.map((runner) => dispatcher.request(runner.offer(), 10_000))
  const ids = await world.submit(...Array.from({ length: 32 }, () => ({})))
  dispatcher.wake()
  const given = await Promise.all(requests)
  expect(given.map((jobs) => jobs.length)).toEqual(Array(8).fill(4))
  expect(new Set(given.flat().map((job) => job.publicId))).toEqual(new Set(ids))
})

test('a replaced session is told to register again, others are not disturbed', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world)
  const old = await world.runner()
  const other = await world.runner()
  await world.runner({ name: old.description.name })
  const refused = dispatcher.request(old.offer(), 10_000)
  const served = dispatcher.request(other.offer(), 10_000)
  await expect(refused).rejects.toMatchObject({ code: 'failed_precondition' })
  await world.submit({})
  dispatcher.wake()
  expect(await served).toHaveLength(1)
})

test('stop answers all and refuses more', async () => {
  const world = await queueWorld()
  const dispatcher = dispatcherOf(world)
  const runner = await world.runner()
  const request = dispatcher.request(runner.offer(), 60_000)
  await dispatcher.stop()
  expect(await request).toEqual([])
  await expect(dispatcher.request(runner.offer(), 1)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a database that is away fails the request and not the dispatcher', async () => {
  const world = await queueWorld()
  const broken = world.secondDb()
  const dispatcher = createDispatcher(broken, lease)
  onTestFinished(() => dispatcher.stop())
  const runner = await world.runner()
  await broken.end()
  await expect(dispatcher.request(runner.offer(), 10_000)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(dispatcher.request(runner.offer(), 10_000)).rejects.toMatchObject({ code: 'unavailable' })
})
