/** Messages go out beside the jobs: a receiver that hangs holds its own channel up, and nothing else. */
import { expect, test } from 'vitest'
import { aJob, aMessage, bad, lease, queueWorld, type QueueWorld } from '../../test/queue-world.ts'
import { claim } from './claim.ts'
import { createDispatcher } from './dispatcher.ts'
import { waitingReasons } from './find.ts'
import { queueGauges } from './gauges.ts'
import { listRunners } from './runners.ts'
import { submit } from './submit.ts'

const both = { executors: ['sandbox', 'message'] }
const copies = (count: number, channel: string) => Array.from({ length: count }, () => aMessage(channel))
const reason = async (world: QueueWorld, id: string) => (await waitingReasons(world.db, [id])).get(id)
const told = (jobs: { spec: { message?: { channel: string } } }[]) =>
  jobs.map(({ spec }) => spec.message?.channel ?? 'job').sort()

test('with twenty messages to a receiver that hangs, a job starts at once, and so does a message elsewhere', async () => {
  const world = await queueWorld()
  const ids = await world.submit(...copies(20, 'hung'))
  const runner = await world.runner({ ...both, slots: 2 })
  expect(told(await runner.claim())).toEqual(['hung', 'hung'])
  await world.submit({}, {}, {}, aMessage('mail'))
  expect(told(await runner.claim())).toEqual(['job', 'job', 'mail'])
  expect(await runner.claim()).toEqual([])
  // What has ended makes room in its own channel.
  await runner.finish(
    runner.held.find(({ spec }) => spec.message?.channel === 'hung')!,
    bad,
  )
  expect(told(await runner.claim())).toEqual(['hung'])
  await runner.finish(runner.held.find(({ spec }) => spec.executor === 'sandbox')!)
  expect(told(await runner.claim())).toEqual(['job'])
  expect(await reason(world, ids[19]!)).toEqual({
    code: 'no_capacity',
    text: '2 messages to channel hung are on their way from each runner, the most at a time',
  })
})

test('slots, messages and channels are counted apart, whatever the runner says', async () => {
  const world = await queueWorld()
  const runner = await world.runner({ ...both, slots: 2 })
  await world.submit({}, {}, {}, {})
  const boast = { slots: 99, messages: 99 }
  expect(told(await runner.claim(boast))).toEqual(['job', 'job'])
  const channels = ['a', 'b', 'c', 'd', 'e']
  const ids = await world.submit(...channels.flatMap((channel) => copies(3, channel)))
  const sent = await runner.claim(boast)
  expect(sent).toHaveLength(8)
  for (const channel of channels) expect(told(sent).filter((c) => c === channel).length).toBeLessThanOrEqual(2)
  expect(await runner.claim(boast)).toEqual([])
  const text = 'every matching runner sends 8 messages already'
  expect(await reason(world, ids.at(-1)!)).toEqual({ code: 'no_capacity', text })
  expect(await listRunners(world.db)).toMatchObject([{ slots: 2, slotsUsed: 2 }])
  expect((await queueGauges(world.db)).runners).toMatchObject([{ slots: 2, used: 2 }])
  await runner.finishAll(runner.held.filter(({ spec }) => spec.executor === 'sandbox'))
  expect(await listRunners(world.db)).toMatchObject([{ slotsUsed: 0 }])
  expect(told(await runner.claim({ ...boast, messages: 0 }))).toEqual(['job', 'job'])
})

test('one that offers room for messages alone gets messages alone', async () => {
  const world = await queueWorld()
  const runner = await world.runner({ ...both, slots: 1 })
  await world.submit({}, ...copies(2, 'team'))
  expect(told(await runner.claim({ slots: 0 }))).toEqual(['team', 'team'])
  expect(told(await runner.claim({ messages: 0 }))).toEqual(['job'])
  const [late] = await world.submit(aMessage('mail'))
  expect(await reason(world, late!)).toEqual({ code: 'ready', text: 'next free place for a message' })
  expect(told(await runner.claim({ slots: 0, cpuMillis: 0, memoryMib: 0 }))).toEqual(['mail'])
})

test('what tells of jobs is not held against their owner', async () => {
  const world = await queueWorld()
  await world.db.query('update users set max_running = 1')
  const runner = await world.runner(both)
  const [first, second, message] = await world.submit({}, {}, aMessage())
  expect(told(await runner.claim())).toEqual(['job', 'team'])
  expect(await reason(world, second!)).toMatchObject({
    code: 'user_cap',
    text: expect.stringContaining('1 job running'),
  })
  await runner.finish(runner.held.find(({ publicId }) => publicId === first)!)
  // The message is still on its way.
  expect(await world.state(message!)).toBe('leased')
  expect(told(await runner.claim())).toEqual(['job'])
  await world.db.query('update users set max_running = 0')
  const [late] = await world.submit(aMessage('mail'))
  expect(await reason(world, late!)).toMatchObject({ code: 'ready' })
  expect(told(await runner.claim())).toEqual(['mail'])
})

test('messages whose answer was lost are delivered again in their own room', async () => {
  const world = await queueWorld()
  const runner = await world.runner({ ...both, slots: 1 })
  await world.submit(...copies(2, 'a'))
  const lost = await runner.claim()
  await world.submit({}, ...copies(3, 'b'))
  const again = await claim(world.db, [runner.offer({ slots: 1, messages: 3, held: [] })], lease)
  const jobs = again.get(runner.from.runnerId)!
  expect(told(jobs)).toEqual(['a', 'a', 'b', 'job'])
  expect(jobs).toEqual(expect.arrayContaining(lost))
})

test('runners that are packed and runners that do not ask leave no message waiting', async () => {
  const world = await queueWorld()
  const [busy, idle] = [await world.runner(both), await world.runner(both)]
  await world.submit({})
  await busy.claim()
  await world.submit(...copies(2, 'team'))
  const given = await claim(world.db, [idle.offer()], { ...lease, strategy: 'pack' })
  expect(told(given.get(idle.from.runnerId)!)).toEqual(['team', 'team'])
})

test('a runner without the executor gets none, and a job of a big batch waits for none', async () => {
  const world = await queueWorld()
  const plain = await world.runner({ slots: 3 })
  const { publicIds } = await submit(world.db, {
    ownerId: world.userId,
    jobs: [...copies(300, 'hung'), ...Array.from({ length: 3 }, () => aJob())],
  })
  expect(told(await plain.claim())).toEqual(['job', 'job', 'job'])
  expect(await reason(world, publicIds[0]!)).toMatchObject({ code: 'no_matching_runner' })
})

test('without disk space no message is given either', async () => {
  const world = await queueWorld()
  const runner = await world.runner(both)
  await world.submit({}, aMessage())
  let room = false
  const dispatcher = createDispatcher(world.db, { ...lease, hasRoom: async () => room })
  expect(await dispatcher.request(runner.offer(), 0)).toEqual([])
  room = true
  expect(told(await dispatcher.request(runner.offer(), 0))).toEqual(['job', 'team'])
  await dispatcher.stop()
})
