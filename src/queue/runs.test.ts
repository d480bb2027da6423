/** Runs: made with their jobs or not at all, found, repeated, and removed with all that is theirs. */
import { expect, test } from 'vitest'
import { aRun, times, type MadeRun } from '../../test/a-run.ts'
import { aUser } from '../../test/factories.ts'
import { aJob, bad, checkCounts, queueWorld } from '../../test/queue-world.ts'
import type { Db } from '../db/pool.ts'
import { runStatus } from '../job/run-status.ts'
import { batchWords } from '../job/status-word.ts'
import { newPublicId } from '../lib/ids.ts'
import { cancelMany } from './cancel.ts'
import { listJobs } from './list-jobs.ts'
import { deleteEnded } from './prune.ts'
import { countsOfRuns, foldRunCounts } from './run-counts.ts'
import { listRuns } from './run-list.ts'
import { settleRuns } from './run-settle.ts'
import { parseRunNotice } from './run-notices.ts'
import { findRun, findRuns, insertRun, membersOf, pruneRuns, removeRunStep, submitRun } from './runs.ts'
import { submit } from './submit.ts'

test('once per key: the same body gives the same run, another is refused, also when both come at once', async () => {
  const world = await queueWorld()
  const submit = (db: Db, body: string) => {
    const run = { publicId: newPublicId(), name: 'n', description: null, template: null, rerunOf: null, notify: [] }
    const idempotency = { key: 'k', bodyHash: Buffer.from(body) }
    return db.tx((tx) => submitRun(tx, { ownerId: world.userId, run, jobs: [aJob(), aJob()], idempotency }))
  }
  const [first, second] = await Promise.all([submit(world.db, 'a'), submit(world.secondDb(), 'a')])
  expect(first.publicId).toBe(second.publicId)
  expect(first.replayed).not.toBe(second.replayed)
  await expect(submit(world.db, 'b')).rejects.toMatchObject({ code: 'conflict' })
  expect(await world.states()).toEqual({ queued: 2 })
  expect((await world.db.query('select from runs')).rowCount).toBe(1)
})

test('a run whose jobs are refused is not there', async () => {
  const world = await queueWorld()
  await expect(aRun(world, [{}, { queue: 'nowhere' }])).rejects.toMatchObject({
    fields: [{ field: 'jobs[1].queue' }],
  })
  expect((await world.db.query('select from runs')).rowCount).toBe(0)
})

test('members: by run, state and page, whoever else has jobs', async () => {
  const world = await queueWorld()
  const run = await aRun(world, [...times(5), { name: 'last one' }])
  await world.submit({}, {})
  await aRun(world, times(2))
  await cancelMany(world.db, { ids: [run.ids[1]!] })
  const ids = async (filter: object, cursor: string | null = null, limit = 50) => {
    const { rows, nextCursor } = await listJobs(world.db, { runKey: run.key, ...filter }, cursor, limit)
    return { ids: rows.map((row) => row.publicId), nextCursor, rows }
  }
  const all = await ids({})
  expect(all.ids).toEqual(run.ids.toReversed())
  expect(all.rows[0]).toMatchObject({ batchId: run.publicId, batchIndex: 5 })
  expect((await ids({ state: ['cancelled'] })).ids).toEqual([run.ids[1]])
  expect((await ids({ name: 'LAST' })).ids).toEqual([run.ids[5]])
  expect((await ids({ ids: [run.ids[2]!, (await world.submit({}))[0]!] })).ids).toEqual([run.ids[2]])
  const first = await ids({}, null, 4)
  const second = await ids({}, first.nextCursor, 4)
  expect([...first.ids, ...second.ids]).toEqual(all.ids)
  expect(second.nextCursor).toBeNull()
})

test('to be run again: all in their order, or what ended otherwise than well', async () => {
  const world = await queueWorld()
  const run = await aRun(world, times(4))
  const runner = await world.runner({ slots: 2 })
  await runner.claim()
  await runner.finish(runner.held[0]!)
  await runner.finish(runner.held[0]!, bad)
  await cancelMany(world.db, { ids: [run.ids[3]!] })
  const members = async (only: 'all' | 'failed') =>
    (await membersOf(world.db, run.key, only)).map((job) => job.publicId)
  expect(await members('all')).toEqual(run.ids)
  expect(await members('failed')).toEqual([run.ids[1], run.ids[3]])
})

test('a run goes in steps with its jobs, its logs before them; an old empty one goes by itself', async () => {
  const world = await queueWorld()
  const run = await aRun(world, times(5))
  const empty = await aRun(world, times(1))
  const kept = await aRun(world, times(1))
  for (const one of [run, empty, kept]) await cancelMany(world.db, { ids: one.ids })
  await settleRuns(world.db, null, async () => {})
  await foldRunCounts(world.db)
  await deleteEnded(world.db, empty.ids[0]!)
  const row = await run.row()
  expect(await removeRunStep(world.db, row, async () => {}, 3)).toEqual({ removed: 3, more: true })
  expect(await run.counts()).toBe('5 cancelled')
  await checkCounts(world.db)
  const broken = removeRunStep(world.db, row, () => Promise.reject(new Error('disk')), 3)
  await expect(broken).rejects.toThrow('disk')
  expect(await removeRunStep(world.db, row, async () => {}, 3)).toEqual({ removed: 2, more: false })
  expect(await findRun(world.db, run.publicId)).toBeNull()

  expect(await pruneRuns(world.db, 7)).toBe(0)
  await world.db.query(`update runs set ended_at = ended_at - interval '8 days'`)
  expect(await pruneRuns(world.db, 7)).toBe(1)
  expect(await findRun(world.db, empty.publicId)).toBeNull()
  expect(await findRun(world.db, kept.publicId)).not.toBeNull()
  await foldRunCounts(world.db)
  expect((await countsOfRuns(world.db, [run.key, empty.key])).size).toBe(0)
})

test('a run of a pipeline is no batch: not found, listed, settled, pruned, nor said of its jobs', async () => {
  const world = await queueWorld()
  const run = { publicId: newPublicId(), name: 'n', description: null, template: null, rerunOf: null, notify: [] }
  const key = await insertRun(world.db, { kind: 'pipeline', ownerId: world.userId, run, size: 0 })
  const job = aJob()
  await world.db.tx((tx) => submit(tx, { ownerId: world.userId, jobs: [job], runKey: key }))
  await cancelMany(world.db, { ids: [job.publicId] })
  expect(await findRun(world.db, run.publicId)).toBeNull()
  expect(await findRuns(world.db, [key])).toEqual([])
  expect((await listRuns(world.db, {}, null, 10)).rows).toEqual([])
  expect((await listRuns(world.db, { status: ['cancelled'] }, null, 10)).rows).toEqual([])
  expect(await settleRuns(world.db, null, async () => {})).toEqual([])
  await world.db.query(`update runs set ended_at = now() - interval '99 days'`)
  expect(await pruneRuns(world.db, 7)).toBe(0)
  expect((await listJobs(world.db, { runKey: key }, null, 10)).rows).toMatchObject([
    { batchId: null, batchIndex: null },
  ])
  const told = `gone ${key} ${run.publicId} ${world.userId} pipeline`
  expect(parseRunNotice(told)).toMatchObject({ gone: { key, kind: 'pipeline' } })
  expect(parseRunNotice('gone 1 abc 2')).toMatchObject({ gone: { publicId: 'abc', kind: 'batch' } })
})

test('lists: whose, how they stand, what they are called, in pages', async () => {
  const world = await queueWorld()
  const stranger = await aUser(world.db)
  const foreign = await aRun(world, times(1), stranger.id)
  const [waiting, running, passed, failed, cancelled, mixed] = [
    await aRun(world, times(1, { delay_seconds: 99 })),
    await aRun(world, times(2)),
    await aRun(world, times(1)),
    await aRun(world, times(1)),
    await aRun(world, times(1)),
    await aRun(world, times(2)),
  ]
  await cancelMany(world.db, { ids: [...cancelled.ids, mixed.ids[1]!, ...foreign.ids] })
  const runner = await world.runner()
  const jobs = await runner.claim()
  const of = (run: MadeRun) => jobs.filter((job) => run.ids.includes(job.publicId))
  await runner.started(...jobs)
  await runner.finishAll([of(running)[0]!, ...of(passed), ...of(mixed)])
  await runner.finishAll(of(failed), bad)
  await settleRuns(world.db, null, async () => {})
  const mine = { ownerId: world.userId }
  const list = async (filter: object, cursor: string | null = null, limit = 50, atMost?: number) => {
    const { rows, nextCursor } = await listRuns(world.db, { ...mine, ...filter }, cursor, limit, atMost)
    return { keys: rows.map((row) => row.key), nextCursor, rows }
  }
  const newestFirst = [mixed, cancelled, failed, passed, running, waiting].map((run) => run.key)
  expect((await list({})).keys).toEqual(newestFirst)
  expect((await list({ ownerId: undefined })).keys).toEqual([...newestFirst, foreign.key])
  for (const word of batchWords) {
    const { rows } = await list({ status: [word] })
    expect(rows.map((row) => runStatus(row.counts, row.endedAt !== null))).toEqual(rows.map(() => word))
    expect(rows).toHaveLength(word === 'cancelled' ? 2 : 1)
  }
  expect((await list({ status: ['waiting', 'running'] })).keys).toEqual([running.key, waiting.key])
  expect((await list({ name: 'IGHT' })).keys).toHaveLength(6)
  expect((await list({ name: '%' })).keys).toHaveLength(0)
  expect((await list({ until: new Date(0) })).keys).toHaveLength(0)
  await world.db.query('update runs set rerun_of = $1 where id = any($2::bigint[])', [
    (await failed.row()).publicId,
    [passed.key, mixed.key, foreign.key],
  ])
  const again = { rerunOf: (await failed.row()).publicId }
  expect((await list(again)).keys).toEqual([mixed.key, passed.key])
  expect((await list({ ...again, status: ['passed'] })).keys).toEqual([passed.key])
  const firstOfThem = await list(again, null, 1)
  expect([...firstOfThem.keys, ...(await list(again, firstOfThem.nextCursor, 1)).keys]).toEqual([mixed.key, passed.key])
  const first = await list({}, null, 4)
  expect([...first.keys, ...(await list({}, first.nextCursor, 4)).keys]).toEqual(newestFirst)
  // A look that is shorter than the list finds the same over several pages.
  const found: string[] = []
  let cursor: string | null = null
  do {
    const page = await list({ status: ['waiting', 'passed'] }, cursor, 1, 2)
    found.push(...page.keys)
    cursor = page.nextCursor
  } while (cursor !== null)
  expect(found).toEqual([passed.key, waiting.key])
})
