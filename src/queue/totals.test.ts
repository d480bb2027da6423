import { expect, onTestFinished, test } from 'vitest'
import { emptyDatabase } from '../../test/database.ts'
import { aQueue, aRunner, aUser } from '../../test/factories.ts'
import { aJob, bad, checkCounts, good, queueWorld } from '../../test/queue-world.ts'
import { migrate, readMigrations } from '../db/migrate.ts'
import { openDb } from '../db/pool.ts'
import { cancelMany } from './cancel.ts'
import { finish } from './finish.ts'
import { attemptsUnsized, recordLogSizes } from './log-sizes.ts'
import { deleteEnded } from './prune.ts'
import { promoteDue } from './promote-due.ts'
import { foldAtOnce } from './statements.ts'
import { submit } from './submit.ts'
import { foldCounts, jobStats, recount, usageByOwner } from './totals.ts'

const log = (length: number) => ({ length, stdout_bytes: length, stderr_bytes: 0, truncated_bytes: 0 })

test('the size of an owner rises when an attempt ends, and goes with the job', async () => {
  const world = await queueWorld()
  const stranger = await aUser(world.db)
  await submit(world.db, { ownerId: stranger.id, jobs: [aJob({ delay_seconds: 99 })] })
  const [id] = await world.submit(
    { max_attempts: 2, retry: { backoff_seconds: 0 }, priority: 9 },
    { delay_seconds: 99 },
  )
  const runner = await world.runner()
  const end = async (outcome: typeof good, bytes: number): Promise<void> => {
    const ref = await runner.claimOne()
    const item = { ...runner.from, ref, outcome, log: log(bytes) }
    expect((await finish(world.db, [item])).results).toEqual(['accepted'])
    // Said again, it counts nothing.
    expect((await finish(world.db, [item])).results).toEqual(['stale'])
    runner.held.length = 0
  }
  const mine = async () => (await usageByOwner(world.db)).get(world.userId)
  await end(bad, 100)
  expect(await mine()).toEqual({ openJobs: 2, keptJobs: 0, logBytes: 100 })
  await promoteDue(world.db)
  await end(good, 11)
  expect(await mine()).toEqual({ openJobs: 1, keptJobs: 1, logBytes: 111 })
  await foldCounts(world.db)
  expect(await mine()).toEqual({ openJobs: 1, keptJobs: 1, logBytes: 111 })
  expect((await usageByOwner(world.db, stranger.id)).get(stranger.id)).toEqual({
    openJobs: 1,
    keptJobs: 0,
    logBytes: 0,
  })
  await deleteEnded(world.db, id!)
  expect(await mine()).toEqual({ openJobs: 1, keptJobs: 0, logBytes: 0 })
})

test('an attempt that was over before its log was sealed is sized later, once', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  const { jobKey } = await runner.claimOne()
  await runner.finishAll([...runner.held])
  expect(await attemptsUnsized(world.db, '1', { seconds: 60 }, 9)).toEqual([])
  await world.db.query(`update attempts set ended_at = ended_at - interval '2 min'`)
  const attempts = await attemptsUnsized(world.db, '1', { seconds: 60 }, 9)
  expect(attempts).toEqual([{ jobKey, number: 1, nowhere: true }])
  const sizes = attempts.map((attempt) => ({ attempt, log: log(77), shared: false }))
  await Promise.all([recordLogSizes(world.db, sizes), recordLogSizes(world.secondDb(), sizes)])
  expect((await usageByOwner(world.db)).get(world.userId)).toMatchObject({ logBytes: 77 })
  expect((await world.row(id!))['log_bytes']).toBe('77')
  expect(await attemptsUnsized(world.db, '1', { seconds: 60 }, 9)).toEqual([])
})

test('counts stay exact while many change jobs and others fold', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  await aQueue(world.db, { name: 'other' })
  const second = world.secondDb()
  let working = true
  const folding = [world.db, second].map(async (db) => {
    while (working) await foldCounts(db)
  })
  const watching = (async () => {
    // Whoever looks in between sees whole transactions.
    while (working) expect(((await jobStats(world.db)).find(({ state }) => state === 'queued')?.n ?? 0) % 5).toBe(0)
  })()
  const lanes = Array.from({ length: 4 }, async (_, lane) => {
    for (let i = 0; i < 15; i++) {
      const specs = Array.from({ length: 5 }, () => ({ queue: lane % 2 === 0 ? 'default' : 'other' }))
      const ids = await world.submit(...specs)
      if (i % 3 === 0) await cancelMany(world.db, { ids })
    }
  })
  await Promise.all(lanes)
  working = false
  await Promise.all([...folding, watching])
  await checkCounts(world.db)
  const stats = await jobStats(world.db)
  expect(Object.fromEntries(stats.map(({ state, n }) => [state, n]))).toEqual({ queued: 200, cancelled: 100 })
  while ((await foldCounts(world.db)) >= foldAtOnce);
  await foldCounts(world.db)
  expect((await world.db.query('select from job_count_deltas')).rowCount).toBe(0)
  expect((await world.db.query('select from job_counts')).rowCount).toBe(4)
})

test('what was rolled back was not counted; a recount repairs what was written past the triggers', async () => {
  const world = await queueWorld()
  await world.submit({})
  await expect(
    world.db.tx(async (tx) => {
      await submit(tx, { ownerId: world.userId, jobs: [aJob()] })
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect(await jobStats(world.db)).toMatchObject([{ state: 'queued', n: 1 }])
  await world.db.query('alter table jobs disable trigger count_deleted')
  await world.db.query('delete from jobs')
  await world.db.query('alter table jobs enable trigger count_deleted')
  await expect(checkCounts(world.db)).rejects.toThrow(/counts are wrong/)
  await recount(world.db)
  expect(await jobStats(world.db)).toEqual([])
})

test('what was there before anything was counted is counted by the migration', async () => {
  const { url, drop } = await emptyDatabase()
  const db = openDb(url)
  onTestFinished(async () => {
    await db.end()
    await drop()
  })
  await migrate(db, (await readMigrations()).slice(0, 1))
  const { id: owner } = await aUser(db)
  const { id: runner } = await aRunner(db)
  await db.query(
    `insert into jobs (public_id, owner_id, queue_id, state, name, spec, priority, max_attempts)
     select 'j' || n, $1, q.id, case when n < 4 then 'succeeded' else 'queued' end, 'x', '{}', 5, 1
     from queues q, generate_series(1, 5) n`,
    [owner],
  )
  await db.query(
    `insert into attempts (job_id, number, runner_id, state, lease_expires_at, ended_at, log)
     select id, n, $1, 'succeeded', now(), now(), case when n < 3 then jsonb_build_object('length', 10 * n) end
     from jobs, generate_series(1, 3) n where state = 'succeeded'`,
    [runner],
  )
  await migrate(db)
  await checkCounts(db)
  expect((await usageByOwner(db)).get(owner)).toEqual({ openJobs: 2, keptJobs: 3, logBytes: 90 })
})
