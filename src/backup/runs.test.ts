/** Batches and runs of pipelines go with the system: their counters, and what became of their jobs by the restore itself. */
import { expect, test, vi } from 'vitest'
import { aRun, times } from '../../test/a-run.ts'
import { empty, opened, place, restored, source } from '../../test/backup-world.ts'
import { aJob, checkCounts } from '../../test/queue-world.ts'
import type { Queryable } from '../db/pool.ts'
import { cancel } from '../queue/cancel.ts'
import { deleteEnded } from '../queue/prune.ts'
import { countsOfRuns, foldRunCounts } from '../queue/run-counts.ts'
import { settleRuns } from '../queue/run-settle.ts'
import { findRun } from '../queue/runs.ts'
import { submit } from '../queue/submit.ts'

// Several databases each, and the first one starts their server.
vi.setConfig({ testTimeout: 60_000 })

const aPipelineRun = `
  with p as (
    insert into pipelines (name, source, path, version) values ('nightly', 'file', '/srv/pipelines.yml', 1) returning id
  ), v as (
    insert into pipeline_versions (pipeline_id, number, hash, definition, source)
    select id, 1, 'x', '{"tasks": []}', 'pipelines:' from p returning id, pipeline_id
  ), r as (
    insert into runs (public_id, kind, owner_id, name, size) values ('run', 'pipeline', $1, 'nightly', 0) returning id
  ), t as (
    insert into run_tasks (run_id, name, position, state, outputs)
    select id, 'work', 0, 'done', '{"a": "b"}' from r
  )
  insert into pipeline_runs (run_id, uuid, pipeline_id, version_id, state, variables, trigger)
  select r.id, gen_random_uuid(), v.pipeline_id, v.id, 'running', '{"z":1,"a":[2]}', 'manual' from r, v returning run_id`

const pipelineRows = async (db: Queryable) =>
  (
    await db.query(`select (select jsonb_agg(x) from pipelines x), (select jsonb_agg(x) from pipeline_versions x),
      (select jsonb_agg(x) from run_tasks x), p.*, p.variables::text as text from pipeline_runs p`)
  ).rows

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
  const [row] = (await from.db.query<{ run_id: string }>(aPipelineRun, [from.userId])).rows
  const runKey = row!.run_id
  await from.db.tx((tx) => submit(tx, { ownerId: from.userId, jobs: [aJob(), aJob()], runKey }))
  const [one] = (await from.db.query<{ id: string }>('select public_id as id from jobs order by jobs.id desc')).rows
  await cancel(from.db, { publicId: one!.id })
  await deleteEnded(from.db, one!.id)
  const rows = await pipelineRows(from.db)
  await from.backup()

  const url = await empty()
  await restored(from.file, place(), url)
  const db = opened(url)
  await checkCounts(db)
  expect(await pipelineRows(db)).toEqual(rows)
  expect((await countsOfRuns(db, [runKey])).get(runKey)).toMatchObject({ waiting: 1, cancelled: 1, total: 2 })
  const { counts } = (await findRun(db, run.publicId))!
  expect(counts).toEqual({ waiting: 2, running: 0, passed: 1, failed: 1, cancelled: 0, total: 4 })
  await db.query(`update jobs set state = 'cancelled', ended_at = now() where ended_at is null`)
  const told = await settleRuns(db, null, async () => {})
  expect(told).toMatchObject([{ publicId: run.publicId, counts: { cancelled: 2 } }])
})
