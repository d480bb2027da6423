import { expect, test } from 'vitest'
import type { Queryable } from '../db/pool.ts'
import { aUser } from '../../test/factories.ts'
import { aJob, lease, queueWorld, type QueueWorld, type TestRunner } from '../../test/queue-world.ts'
import { claim } from './claim.ts'
import { submit } from './submit.ts'

/** Copies one waiting job many times; before it in rank, when they are to stand in its way. */
async function backlog(world: QueueWorld, publicId: string, count: number): Promise<void> {
  await world.db.query(
    `insert into jobs (public_id, owner_id, queue_id, lane_id, state, rank, name, spec, priority, max_attempts)
     select 'b' || lpad(n::text, 11, '0'), owner_id, queue_id, lane_id, 'queued', rank - 1000000 + n, name, spec,
       priority, max_attempts
     from jobs, generate_series(1, $2) n where public_id = $1`,
    [publicId, count],
  )
}

/** Rows and index entries of `jobs` that this transaction has read so far. */
async function readSoFar(tx: Queryable): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    `select (pg_stat_get_xact_tuples_returned('jobs'::regclass) + pg_stat_get_xact_tuples_fetched('jobs'::regclass)
       + (select sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index where indrelid = 'jobs'::regclass))::int as n`,
  )
  return rows[0]!.n
}

async function readsOfClaim(world: QueueWorld, runner: TestRunner): Promise<{ reads: number; ids: string[] }> {
  return world.db.tx(async (tx) => {
    const before = await readSoFar(tx)
    const jobs = (await claim(tx, [runner.offer()], lease)).get(runner.from.runnerId)!
    return { reads: (await readSoFar(tx)) - before, ids: jobs.map((job) => job.publicId) }
  })
}

test.each(['never analyzed', 'analyzed'])(
  'a claim reads a few rows, whatever waits (%s)',
  { timeout: 60_000 },
  async (statistics) => {
    const world = await queueWorld()
    const runner = await world.runner({ slots: 5 })
    const [open] = await world.submit({})
    // Rounds while little waits: the plans are made now and kept.
    await world.submit(...Array.from({ length: 12 }, () => ({ priority: 10 })))
    for (let i = 0; i < 12; i++) await runner.finish(await runner.claimOne())
    await backlog(world, open!, 100_000)
    if (statistics === 'analyzed') await world.db.query('analyze')
    const { reads, ids } = await readsOfClaim(world, runner)
    expect(ids).toHaveLength(5)
    expect(reads).toBeGreaterThan(5)
    expect(reads).toBeLessThan(150)
  },
)

test('jobs that may not start are not read, though they come first', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  const capped = await aUser(world.db, { maxRunning: 0 })
  await world.db.query(`insert into queues (name, paused) values ('paused', true)`)
  const wide = aJob({}, { cpuMillis: 999_000 })
  const labelled = aJob({ required_labels: { gpu: '1' } })
  const [theirs, parked] = [aJob(), aJob({ queue: 'paused' })]
  await submit(world.db, { ownerId: capped.id, jobs: [theirs] })
  await world.submit(wide, labelled, parked)
  for (const [n, job] of [theirs, parked, wide, labelled].entries()) {
    await backlog(world, job.publicId, 10_000)
    await world.db.query(`update jobs set public_id = $1 || substr(public_id, 2) where public_id like 'b%'`, [
      'cdef'[n],
    ])
  }
  const [id] = await world.submit({})
  const { reads, ids } = await readsOfClaim(world, await world.runner({ slots: 5 }))
  expect(ids).toEqual([id])
  expect(reads).toBeLessThan(100)
})

test('more lanes than one round looks at: the next rounds come to the rest', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  await world.submit(...Array.from({ length: 600 }, (_, i) => aJob({}, { cpuMillis: i })))
  const runner = await world.runner({ slots: 600, cpuMillis: 1e9 })
  const counts: number[] = []
  while (counts.at(-1) !== 0) counts.push((await runner.claim()).length)
  expect(counts).toEqual([256, 256, 88, 0])
})
