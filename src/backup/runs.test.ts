/** Batches go with the system: their counters, and what became of their jobs by the restore itself. */
import { expect, test, vi } from 'vitest'
import { aRun, times } from '../../test/a-run.ts'
import { empty, opened, place, restored, source } from '../../test/backup-world.ts'
import { checkCounts } from '../../test/queue-world.ts'
import { deleteEnded } from '../queue/prune.ts'
import { foldRunCounts } from '../queue/run-counts.ts'
import { settleRuns } from '../queue/run-settle.ts'
import { findRun } from '../queue/runs.ts'

// Several databases each, and the first one starts their server.
vi.setConfig({ testTimeout: 60_000 })

test('a restored batch is counted exactly, folded or not, and ends', async () => {
  const from = await source()
  const run = await aRun(from, times(4))
  const runner = await from.runner({ slots: 1 })
  await runner.claimOne()
  await foldRunCounts(from.db)
  const [ended] = [...runner.held]
  await runner.finish(ended!)
  await deleteEnded(from.db, ended!.publicId)
  const held = await runner.claimOne()
  await runner.started(held)
  expect(await run.counts()).toBe('2 waiting, 1 running, 1 passed')
  await from.backup()

  const url = await empty()
  await restored(from.file, place(), url)
  const db = opened(url)
  await checkCounts(db)
  const { counts } = (await findRun(db, run.publicId))!
  expect(counts).toEqual({ waiting: 2, running: 0, passed: 1, failed: 1, cancelled: 0, total: 4 })
  await db.query(`update jobs set state = 'cancelled', ended_at = now() where ended_at is null`)
  const told = await settleRuns(db, null, async () => {})
  expect(told).toMatchObject([{ publicId: run.publicId, counts: { cancelled: 2 } }])
})
