/** Runs while their jobs move: counted exactly whatever happens, begun and ended once. */
import { expect, test } from 'vitest'
import fc from 'fast-check'
import { aRun, times, type MadeRun } from '../../test/a-run.ts'
import { bad, checkCounts, good, queueWorld } from '../../test/queue-world.ts'
import { runStatus } from '../job/run-status.ts'
import { cancelMany } from './cancel.ts'
import { deleteEnded } from './prune.ts'
import { promoteDue } from './promote-due.ts'
import { rescueLost } from './rescue-lost.ts'
import { cancelMembers, requestRunCancel } from './run-cancel.ts'
import { foldRunCounts } from './run-counts.ts'
import { runSettling, settleRuns, type EndedRun } from './run-settle.ts'
import { removeRunStep } from './runs.ts'
import { foldCounts, recount } from './totals.ts'

/** Collects what a settle tells. */
function ends() {
  const told: EndedRun[] = []
  return { told, note: async (_: unknown, ended: EndedRun[]) => void told.push(...ended) }
}

test('from submit to end: counters, times and the end told once', async () => {
  const world = await queueWorld()
  const run = await aRun(world, [...times(3), { delay_seconds: 60 }])
  const { told, note } = ends()
  const settle = () => settleRuns(world.db, null, note)
  expect(await run.counts()).toBe('4 waiting')
  await settle()
  expect(await run.row()).toMatchObject({ startedAt: null, endedAt: null, size: 4 })

  const runner = await world.runner()
  const [one, two, three] = await runner.claim()
  expect(await run.counts()).toBe('4 waiting')
  await runner.started(one!, two!, three!)
  expect(await run.counts()).toBe('1 waiting, 3 running')
  await settle()
  const { startedAt } = await run.row()
  expect(startedAt).toEqual((await world.row(run.ids[0]!))['started_at'])
  await runner.finishAll([one!, two!])
  await runner.finish(three!, bad)
  expect(await run.counts()).toBe('1 waiting, 2 passed, 1 failed')
  await settle()
  expect(told).toEqual([])
  await cancelMany(world.db, { ids: run.ids })
  expect(await run.counts()).toBe('2 passed, 1 failed, 1 cancelled')
  // Two servers that settle at once.
  await Promise.all([settle(), settleRuns(world.secondDb(), [run.key], note)])
  const { endedAt, counts } = await run.row()
  expect(endedAt).toEqual((await world.row(run.ids[3]!))['ended_at'])
  expect((await run.row()).startedAt).toEqual(startedAt)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ key: run.key, publicId: run.publicId, forced: false, counts, endedAt, startedAt })
  expect(runStatus(counts, true)).toBe('failed')
  await settle()
  expect(told).toHaveLength(1)
})

test('the end and what is made of it stand or fall together', async () => {
  const world = await queueWorld()
  const run = await aRun(world, times(1))
  await cancelMany(world.db, { ids: run.ids })
  const broken = settleRuns(world.db, null, async () => {
    throw new Error('no outbox')
  })
  await expect(broken).rejects.toThrow('no outbox')
  expect((await run.row()).endedAt).toBeNull()
  const { told, note } = ends()
  const { service } = runSettling(world.db, note)
  await service.runOnce()
  expect(told).toHaveLength(1)
  expect((await run.row()).endedAt).not.toBeNull()
})

test('a settling that failed looks again at what it was told', async () => {
  const world = await queueWorld()
  const run = await aRun(world, times(1))
  const { told, note } = ends()
  let fails = true
  const { service, heard } = runSettling(world.db, async (tx, ended) => {
    if (fails) throw new Error('not now')
    await note(tx, ended)
  })
  await service.runOnce()
  await cancelMany(world.db, { ids: run.ids })
  heard([run.key])
  await expect(service.runOnce()).rejects.toThrow('not now')
  fails = false
  await service.runOnce()
  expect(told).toHaveLength(1)
})

test('counters are exact in every snapshot while members are claimed, finished, cancelled, rescued and folded', async () => {
  const world = await queueWorld()
  const retry = { max_attempts: 2, retry: { backoff_seconds: 0 } }
  const runs = await Promise.all([1, 2, 3].map(() => aRun(world, times(40, retry))))
  await world.submit(...times(20, retry))
  const dbs = [world.db, world.secondDb()]
  let working = true
  const during = async (work: () => Promise<unknown>): Promise<void> => {
    while (working) await work()
  }
  const aside = [
    during(() => checkCounts(world.db)),
    during(() => foldRunCounts(dbs[1]!)),
    during(() => foldCounts(dbs[0]!)),
    during(() => promoteDue(world.db)),
    during(() => settleRuns(dbs[1]!, null, async () => {})),
  ]
  const gone = await world.runner()
  await gone.started(...(await gone.claim()))
  const working2 = [0, 1].map(async (nr) => {
    const runner = await world.runner({ slots: 7 })
    for (let i = 0; i < 30; i++) {
      const jobs = await runner.claim()
      await runner.started(...jobs)
      await runner.finishAll([...runner.held], (i + nr) % 3 === 0 ? bad : good)
    }
  })
  const cancelling = runs.map(async (run, i) => cancelMany(world.db, { ids: run.ids.slice(0, 5 * i) }))
  await Promise.all([...working2, ...cancelling])
  await world.passTime(100)
  const silent = { intervalSeconds: 1, leaseSeconds: 30, graceSeconds: 0 }
  for (let i = 0; i < 3; i++) await rescueLost(world.db, silent)
  working = false
  await Promise.all(aside)
  await checkCounts(world.db)
})

test(
  'random moves: the counters of every run are what a count finds, and each ends once',
  { timeout: 60_000 },
  async () => {
    const world = await queueWorld()
    const { told, note } = ends()
    const runner = await world.runner({ slots: 4 })
    const moves = ['submit', 'claim', 'start', 'good', 'bad', 'cancel', 'promote', 'fold', 'settle', 'delete'] as const
    const runs: MadeRun[] = []
    const act: Record<(typeof moves)[number], (n: number) => Promise<unknown>> = {
      submit: async (n) =>
        runs.push(await aRun(world, times(1 + (n % 5), { max_attempts: 1 + (n % 2), retry: { backoff_seconds: 0 } }))),
      claim: () => runner.claim(),
      start: () => runner.started(...runner.held),
      good: () => runner.finishAll(runner.held.slice(0, 2)),
      bad: () => runner.finishAll(runner.held.slice(0, 1), bad),
      cancel: (n) =>
        runs.length > 0 ? cancelMany(world.db, { ids: runs[n % runs.length]!.ids.slice(0, n % 3) }) : Promise.resolve(),
      promote: () => promoteDue(world.db),
      fold: () => foldRunCounts(world.db),
      settle: () => settleRuns(world.db, null, note),
      delete: async (n) => {
        const id = runs[n % Math.max(1, runs.length)]?.ids[0]
        if (id !== undefined) await deleteEnded(world.db, id).catch(() => {})
      },
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...moves), fc.nat(1000)), { minLength: 20, maxLength: 40 }),
        async (script) => {
          for (const [move, n] of script) await act[move](n)
          await checkCounts(world.db)
        },
      ),
      { numRuns: 12 },
    )
    await cancelMany(world.db, { ids: runs.flatMap((run) => run.ids) })
    await runner.finishAll([...runner.held])
    await settleRuns(world.db, null, note)
    expect(told.map((run) => run.publicId).toSorted()).toEqual(runs.map((run) => run.publicId).toSorted())
  },
)

test('a recount knows whole runs anew and keeps what it cannot know', async () => {
  const world = await queueWorld()
  const [whole, half] = [await aRun(world, times(3)), await aRun(world, times(2))]
  await cancelMany(world.db, { ids: half.ids })
  await deleteEnded(world.db, half.ids[0]!)
  await world.db.query('delete from run_count_deltas where run_id = $1', [whole.key])
  await expect(checkCounts(world.db)).rejects.toThrow(/counts of runs are wrong/)
  await recount(world.db)
  expect(await whole.counts()).toBe('3 waiting')
  expect(await half.counts()).toBe('2 cancelled')
})

test('cancel: what waits ends at once, what runs is asked to stop; forced, the run ends before they have', async () => {
  const world = await queueWorld()
  const run = await aRun(world, times(7))
  const others = await aRun(world, times(2))
  const runner = await world.runner({ slots: 3 })
  await runner.started(...(await runner.claim()))
  await world.db.tx((tx) => requestRunCancel(tx, run.key, { complete: true }))
  const { told, note } = ends()
  // Not before each of them has been asked.
  await settleRuns(world.db, null, note)
  expect(told).toEqual([])
  expect(await cancelMembers(world.db, run.key, { force: true })).toEqual({ cancelled: 4, stopping: 3 })
  expect(await run.counts()).toBe('3 running, 4 cancelled')
  await settleRuns(world.db, null, note)
  expect(told).toMatchObject([{ publicId: run.publicId, forced: true, counts: { running: 3, cancelled: 4 } }])
  expect(await others.counts()).toBe('2 waiting')
  await expect(removeRunStep(world.db, await run.row(), async () => {})).rejects.toMatchObject({ code: 'conflict' })
  await runner.finishAll([...runner.held])
  expect(await run.counts()).toBe('7 cancelled')
  expect(await world.db.tx((tx) => requestRunCancel(tx, run.key, { complete: false }))).toBe(false)
  await settleRuns(world.db, null, note)
  expect(told).toHaveLength(1)
})

test('a cancel whose asker died half-way is gone on with', async () => {
  const world = await queueWorld()
  const run = await aRun(world, times(3))
  await world.db.tx((tx) => requestRunCancel(tx, run.key, { complete: false }))
  const { told, note } = ends()
  const { service, heard } = runSettling(world.db, note)
  await service.runOnce()
  expect(await run.counts()).toBe('3 waiting')
  await world.db.query(`update runs set cancel_requested_at = now() - interval '11 s'`)
  heard()
  await service.runOnce()
  expect(await run.counts()).toBe('3 cancelled')
  expect(told).toHaveLength(1)
})
