import { expect, test } from 'vitest'
import { aQueue, aUser } from '../../test/factories.ts'
import { aJob, bad, good, queueWorld, type QueueWorld } from '../../test/queue-world.ts'
import { findJob, jobStats, listAttempts, listJobs, listQueues, upsertQueue, waitingReasons } from './find.ts'
import { submit } from './submit.ts'

const codeOf = async (world: QueueWorld, id: string | undefined) =>
  (await waitingReasons(world.db, [id!])).get(id!)?.code

test('a job waits for each reason in turn, and says so', async () => {
  const world = await queueWorld()
  const { db } = world
  await aQueue(db, { name: 'q', concurrency: 1, rateStarts: 2, rateSeconds: 3600, paused: true })
  const [a] = await world.submit({ queue: 'q', required_labels: { gpu: '1' } })
  const [b] = await world.submit({ queue: 'q', depends_on: [a!], delay_seconds: 60, max_attempts: 2 })
  expect((await waitingReasons(db, [b!])).get(b!)).toEqual({ code: 'dependency', text: `waits for ${a}` })
  expect(await codeOf(world, a)).toBe('queue_paused')
  const open = { name: 'q', concurrency: 1, rate: { starts: 2, seconds: 3600 }, paused: false }
  await upsertQueue(db, open)
  expect(await codeOf(world, a)).toBe('no_matching_runner')
  const runner = await world.runner({ labels: { gpu: '1' }, slots: 1 })
  expect(await codeOf(world, a)).toBe('ready')
  const [other] = await world.submit({ priority: 10, required_labels: { gpu: '1' } })
  const otherJob = await runner.claimOne()
  expect(otherJob.publicId).toBe(other)
  expect(await codeOf(world, a)).toBe('no_capacity')
  await db.query('update users set max_running = 1')
  expect(await codeOf(world, a)).toBe('user_cap')
  await db.query('update users set max_running = 100')
  await runner.finish(otherJob)

  const first = await runner.claimOne()
  expect(first.publicId).toBe(a)
  expect(await codeOf(world, a)).toBe('starting')
  const [c] = await world.submit({ queue: 'q' })
  expect(await codeOf(world, c)).toBe('queue_limit')
  await runner.finish(first)
  expect(await codeOf(world, b)).toBe('delay')
  await db.query(`update jobs set state = 'queued', rank = 0 where public_id = $1`, [b])
  await runner.finish(await runner.claimOne(), bad)
  expect(await codeOf(world, b)).toBe('backoff')
  expect(await codeOf(world, c)).toBe('rate_limit')
  await upsertQueue(db, { ...open, rate: null })
  expect(await codeOf(world, c)).toBe('ready')
  expect(await runner.claim()).toMatchObject([{ publicId: c }])
})

test('an unknown or ended job has no reason to wait', async () => {
  const world = await queueWorld()
  expect((await waitingReasons(world.db, ['000000000000'])).size).toBe(0)
  expect((await waitingReasons(world.db, [])).size).toBe(0)
})

test('find: all of a job, narrowed to its owner', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({
    ...aJob({ name: 'n', payload: { a: 1 } }),
    envSealed: Buffer.from('x'),
    rerunOf: 'abc',
  })
  expect(await findJob(world.db, id!)).toMatchObject({
    publicId: id,
    ownerId: world.userId,
    queue: 'default',
    state: 'queued',
    name: 'n',
    spec: { payload: { a: 1 }, command: ['true'] },
    envSealed: Buffer.from('x'),
    rerunOf: 'abc',
  })
  expect(await findJob(world.db, id!, world.userId)).not.toBeNull()
  expect(await findJob(world.db, id!, (await aUser(world.db)).id)).toBeNull()
  expect(await findJob(world.db, '000000000000')).toBeNull()
})

test('list: newest first, paged without gap or repeat while jobs arrive', async () => {
  const world = await queueWorld()
  const ids = await world.submit(...Array.from({ length: 25 }, () => ({})))
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof listJobs>> = await listJobs(world.db, {}, cursor, 10)
    seen.push(...page.rows.map((row) => row.publicId))
    cursor = page.nextCursor
    await world.submit({})
  } while (cursor !== null)
  expect(seen).toEqual(ids.toReversed())
})

test('list: every filter narrows, hostile words are only words', async () => {
  const world = await queueWorld()
  await aQueue(world.db, { name: 'other' })
  const stranger = await aUser(world.db)
  const theirs = aJob({ name: 'theirs' })
  await submit(world.db, { ownerId: stranger.id, jobs: [theirs] })
  const [a, b, c] = await world.submit(
    { name: 'Build 100%', payload: 'large' },
    { name: 'test_x', queue: 'other' },
    { ...aJob({ name: 'testyx', delay_seconds: 9 }), rerunOf: theirs.publicId },
  )
  const found = async (filter: Parameters<typeof listJobs>[1]) =>
    (await listJobs(world.db, filter, null, 10)).rows.map((row) => row.publicId)
  expect(await found({ ownerId: stranger.id })).toEqual([theirs.publicId])
  expect(await found({ queue: 'other' })).toEqual([b])
  expect(await found({ queue: 'none' })).toEqual([])
  expect(await found({ state: ['scheduled', 'failed'] })).toEqual([c])
  expect(await found({ state: [] })).toEqual([])
  expect(await found({ name: '100%' })).toEqual([a])
  expect(await found({ name: 'TEST_' })).toEqual([b])
  expect(await found({ name: `'; drop table jobs; --` })).toEqual([])
  expect(await found({ ids: [a!, c!, '000000000000'] })).toEqual([c, a])
  expect(await found({ rerunOf: theirs.publicId })).toEqual([c])
  expect(await found({ until: new Date(Date.now() - 60_000) })).toEqual([])
  expect(await found({ since: new Date(Date.now() - 60_000), ownerId: world.userId })).toEqual([c, b, a])
  const { rows } = await listJobs(world.db, { ids: [a!] }, 'no cursor; 1=1', 10)
  expect(rows).toMatchObject([{ envSealed: null }])
  expect(rows[0]!.spec).not.toHaveProperty('payload')
})

test('counts, queues and attempts', async () => {
  const world = await queueWorld()
  const stranger = await aUser(world.db)
  await submit(world.db, { ownerId: stranger.id, jobs: [aJob()] })
  const [id] = await world.submit({ priority: 9 }, {}, { delay_seconds: 5 })
  const runner = await world.runner()
  const job = await runner.claimOne()
  const counted = (rows: { state: string; n: number }[]) => {
    const sums: Record<string, number> = {}
    for (const { state, n } of rows) sums[state] = (sums[state] ?? 0) + n
    return sums
  }
  expect(counted(await jobStats(world.db))).toEqual({ queued: 2, scheduled: 1, leased: 1 })
  expect(counted(await jobStats(world.db, stranger.id))).toEqual({ queued: 1 })
  expect((await listQueues(world.db)).filter(({ name }) => name !== 'messages')).toEqual([
    {
      name: 'default',
      ...{ concurrency: null, rate: null, paused: false, retainDays: null, retainCount: null },
      ...{ waiting: 3, running: 1, kept: 0, logBytes: 0 },
    },
  ])
  await runner.finish(job, good)
  expect(await listAttempts(world.db, job.jobKey)).toMatchObject([
    { number: 1, state: 'succeeded', runner: runner.description.name, outcome: good, log: null },
  ])
  expect(await world.state(id!)).toBe('succeeded')
  expect((await findJob(world.db, id!))?.runner).toBe(runner.description.name)
  const { rows } = await listJobs(world.db, {}, null, 9)
  expect(rows.map((row) => row.runner)).toEqual([null, null, runner.description.name, null])
})

test('a lower rate keeps no more tokens than it allows; a higher one gives none at once', async () => {
  const world = await queueWorld()
  const put = (starts: number) =>
    upsertQueue(world.db, { name: 'r', concurrency: null, rate: { starts, seconds: 3600 }, paused: false })
  await put(5)
  await world.submit(...Array.from({ length: 20 }, () => ({ queue: 'r' })))
  const runner = await world.runner({ slots: 20 })
  expect(await runner.claim({ slots: 1 })).toHaveLength(1)
  await put(2)
  expect(await runner.claim()).toHaveLength(2)
  await put(10)
  expect(await runner.claim()).toHaveLength(0)
})
