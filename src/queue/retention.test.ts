import { expect, test } from 'vitest'
import { aUser } from '../../test/factories.ts'
import { aJob, good, lease, queueWorld, someoneWaits, type QueueWorld } from '../../test/queue-world.ts'
import { claim } from './claim.ts'
import { finish } from './finish.ts'
import { cancel } from './cancel.ts'
import { pruneRunners } from './forget.ts'
import { deleteEnded, pruneOld, type Retention } from './prune.ts'
import { upsertQueue } from './queues.ts'
import { submit } from './submit.ts'
import type { NewJob } from './types.ts'

const keepAll: Retention = { retainDays: 0, retainCount: 0 }
const queue = { concurrency: null, rate: null, paused: false }

/** Ended jobs, oldest first, `ageDays` apart, each with a log of so many bytes. */
async function endedJobs(
  world: QueueWorld,
  given: { count?: number; jobs?: NewJob[]; owner?: string; queue?: string; bytes?: number; ageDays?: number },
): Promise<string[]> {
  const jobs = given.jobs ?? Array.from({ length: given.count ?? 1 }, () => aJob({ queue: given.queue ?? 'default' }))
  await world.db.tx((tx) => submit(tx, { ownerId: given.owner ?? world.userId, jobs }))
  const runner = await world.runner({ slots: 1000 })
  const claimed = (await claim(world.db, [runner.offer()], lease)).get(runner.from.runnerId)!
  const size = given.bytes ?? 0
  const log = { length: size, stdout_bytes: size, stderr_bytes: 0, truncated_bytes: 0 }
  await finish(
    world.db,
    claimed.map((ref) => ({ ...runner.from, ref, outcome: good, log })),
  )
  const ids = jobs.map((job) => job.publicId)
  for (const [i, id] of ids.entries()) {
    await world.db.query(`update jobs set ended_at = now() - make_interval(secs => $2) where public_id = $1`, [
      id,
      (ids.length - i) * (given.ageDays ?? 0.001) * 86_400,
    ])
  }
  return ids
}

const left = async (world: QueueWorld): Promise<string[]> =>
  (await world.db.query<{ id: string }>('select public_id as id from jobs order by jobs.id')).rows.map((row) => row.id)

test('0 is no limit: nothing goes, whatever its age', async () => {
  const world = await queueWorld()
  await endedJobs(world, { count: 3, ageDays: 1000, bytes: 1e9 })
  expect((await pruneOld(world.db, keepAll)).publicIds).toEqual([])
})

test('a queue keeps by its own age and count, longer or shorter than the installation', async () => {
  const world = await queueWorld()
  await upsertQueue(world.db, { ...queue, name: 'long', retainDays: 0, retainCount: 0 })
  await upsertQueue(world.db, { ...queue, name: 'short', retainDays: 2.5 })
  await upsertQueue(world.db, { ...queue, name: 'few', retainDays: 0, retainCount: 1 })
  const plain = await endedJobs(world, { count: 6, ageDays: 10 })
  const long = await endedJobs(world, { count: 6, queue: 'long', ageDays: 10 })
  const short = await endedJobs(world, { count: 4, queue: 'short', ageDays: 1 })
  const few = await endedJobs(world, { count: 4, queue: 'few', ageDays: 1 })
  const { publicIds } = await pruneOld(world.db, { retainDays: 30.5, retainCount: 2 })
  // Of the plain ones by age three, by count one more: what one limit has removed counts for the other.
  expect(publicIds.toSorted()).toEqual([...plain.slice(0, 4), ...short.slice(0, 2), ...few.slice(0, 3)].toSorted())
  expect((await pruneOld(world.db, { retainDays: 30.5, retainCount: 2 })).publicIds).toEqual([])
  expect(await left(world)).toEqual([...plain.slice(4), ...long, ...short.slice(2), ...few.slice(3)])
})

test('the count of an owner is over all queues, and touches nobody else', async () => {
  const world = await queueWorld()
  await upsertQueue(world.db, { ...queue, name: 'other' })
  const stranger = await aUser(world.db)
  const theirs = await endedJobs(world, { count: 2, owner: stranger.id, ageDays: 100 })
  const first = await endedJobs(world, { count: 2, ageDays: 50 })
  const second = await endedJobs(world, { count: 2, queue: 'other', ageDays: 1 })
  const { publicIds } = await pruneOld(world.db, { ...keepAll, retainUserCount: 3 })
  expect(publicIds).toEqual([first[0]])
  expect(await left(world)).toEqual([...theirs, first[1], ...second])
})

test('the bytes of an owner: the oldest go until the rest fits, and no job more', async () => {
  const world = await queueWorld()
  const stranger = await aUser(world.db)
  await endedJobs(world, { count: 1, owner: stranger.id, bytes: 999 })
  const ids = await endedJobs(world, { count: 5, bytes: 100 })
  expect((await pruneOld(world.db, { ...keepAll, retainUserBytes: 1000 })).publicIds).toEqual([])
  expect((await pruneOld(world.db, { ...keepAll, retainUserBytes: 999 })).publicIds).toEqual([])
  const { publicIds } = await pruneOld(world.db, { ...keepAll, retainUserBytes: 499 })
  expect(publicIds).toEqual([ids[0]])
  expect((await pruneOld(world.db, { ...keepAll, retainUserBytes: 250 })).publicIds).toEqual(ids.slice(1, 3))
})

test('the job that ended last stays, however large its log is', async () => {
  const world = await queueWorld()
  const [old, huge] = await endedJobs(world, { count: 2, bytes: 5000 })
  expect((await pruneOld(world.db, { ...keepAll, retainUserBytes: 10 })).publicIds).toEqual([old])
  expect((await pruneOld(world.db, { ...keepAll, retainUserBytes: 10 })).publicIds).toEqual([])
  expect(await left(world)).toEqual([huge])
})

test('what an open job depends on, or was made from, stays until that has ended', async () => {
  const world = await queueWorld()
  const [needed, source, free] = await endedJobs(world, { count: 3, ageDays: 100 })
  const blocker = aJob({ delay_seconds: 999 })
  const waits = aJob({ depends_on: [needed!, blocker.publicId] })
  const again = { ...aJob({ delay_seconds: 999 }), rerunOf: source! }
  await world.submit(blocker, waits, again)
  const limits = { retainDays: 30, retainCount: 1, retainUserCount: 1 }
  expect((await pruneOld(world.db, limits)).publicIds).toEqual([free])
  await cancel(world.db, { publicId: again.publicId })
  expect((await pruneOld(world.db, { ...keepAll, retainDays: 30 })).publicIds).toEqual([source])
  await cancel(world.db, { publicId: blocker.publicId })
  expect(await world.state(waits.publicId)).toBe('skipped')
  expect((await pruneOld(world.db, { ...keepAll, retainDays: 30 })).publicIds).toEqual([needed])
})

test('a task of an open pipeline run stays, also one that it took over; nobody deletes it', async () => {
  const world = await queueWorld()
  const [own, free] = await endedJobs(world, { count: 2, ageDays: 100 })
  const open = `insert into runs (public_id, kind, owner_id, name, size) values ('open', 'pipeline', $1, 'n', 0) returning id`
  const run = (await world.db.query<{ id: string }>(open, [world.userId])).rows[0]!.id
  await world.db.query(
    `insert into run_tasks (run_id, name, position, state, job_id) values ($1, 't', 0, 'done', $2)`,
    [run, own],
  )
  const prune = async () => (await pruneOld(world.db, { ...keepAll, retainDays: 30 })).publicIds
  expect(await prune()).toEqual([free])
  await expect(deleteEnded(world.db, own!)).rejects.toThrow('is a task of a pipeline run that has not ended')
  await world.db.query('update runs set ended_at = now()')
  expect(await prune()).toEqual([own])
})

test('a job that somebody comes to depend on at the last moment stays, with its log', async () => {
  const world = await queueWorld()
  const [old] = await endedJobs(world, { ageDays: 100 })
  const blocker = aJob({ delay_seconds: 999 })
  await world.submit(blocker)
  const removed: unknown[] = []
  let pruning: Promise<unknown> | undefined
  await world.db.tx(async (tx) => {
    const jobs = [aJob({ depends_on: [old!, blocker.publicId] })]
    await submit(tx, { ownerId: world.userId, jobs })
    // Not seen yet, and its lock is enough: the row is left out, nobody waits.
    pruning = pruneOld(world.secondDb(), {
      ...keepAll,
      retainDays: 30,
      removeLogs: async (attempts) => void removed.push(...attempts),
    })
    await pruning
  })
  expect(removed).toEqual([])
  expect(await world.state(old!)).toBe('succeeded')
})

test('a submit that depends on what is just being removed waits for it, and is told so', async () => {
  const world = await queueWorld()
  const [old] = await endedJobs(world, { ageDays: 100 })
  let late: Promise<unknown> | undefined
  await pruneOld(world.db, {
    ...keepAll,
    retainDays: 30,
    async removeLogs() {
      late = world.submit({ depends_on: [old!] })
      late.catch(() => {})
      await someoneWaits(world.db)
    },
  })
  await expect(late).rejects.toMatchObject({ code: 'not_found' })
})

test('claims go on while a batch is being removed', async () => {
  const world = await queueWorld()
  await endedJobs(world, { count: 3, ageDays: 100 })
  const [id] = await world.submit({})
  const runner = await world.runner()
  let claimed: string | undefined
  await pruneOld(world.db, {
    ...keepAll,
    retainDays: 30,
    removeLogs: async () => void (claimed = (await runner.claimOne()).publicId),
  })
  expect(claimed).toBe(id)
})

test('a pass that died after the logs were gone is made good by the next', async () => {
  const world = await queueWorld()
  const [id] = await endedJobs(world, { ageDays: 100, bytes: 10 })
  const logs = new Set((await world.attempts(id!)).map(({ number }) => number))
  const dies = async (): Promise<void> => {
    logs.clear()
    throw new Error('killed')
  }
  await expect(pruneOld(world.db, { ...keepAll, retainDays: 30, removeLogs: dies })).rejects.toThrow('killed')
  expect(await left(world)).toEqual([id])
  // Removing a log that is not there is what the log store promises to bear.
  expect((await pruneOld(world.db, { ...keepAll, retainDays: 30 })).publicIds).toEqual([id])
})

test('two that prune at once remove what is too much, once', async () => {
  const world = await queueWorld()
  const ids = await endedJobs(world, { count: 40, ageDays: 100 })
  const seen: string[] = []
  const prune = async (db: typeof world.db): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      seen.push(...(await pruneOld(db, { ...keepAll, retainCount: 10, retainUserCount: 12, batch: 7 })).publicIds)
    }
  }
  await Promise.all([prune(world.db), prune(world.secondDb())])
  expect(seen.toSorted()).toEqual(ids.slice(0, 30).toSorted())
})

test('runners that are long gone are forgotten, unless a kept job names them', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const names = await Promise.all(['used', 'gone', 'back', 'quiet'].map((name) => world.runner({ name })))
  await names[0]!.finish(await names[0]!.claimOne())
  await world.db.query(`update runners set state = 'offline', last_seen_at = now() - interval '31 days'
    where name in ('used', 'gone')`)
  await world.db.query(`update runners set last_seen_at = now() - interval '31 days' where name = 'back'`)
  await world.db.query(`update runners set state = 'offline' where name = 'quiet'`)
  expect(await pruneRunners(world.db, 0)).toEqual([])
  expect(await pruneRunners(world.db, 30)).toEqual(['gone'])
  await world.db.query('delete from jobs where public_id = $1', [id])
  expect(await pruneRunners(world.db, 30)).toEqual(['used'])
})
