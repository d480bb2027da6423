/** Ended runs go with their jobs and logs: by somebody's will, by their number, by their age. */
import { expect, test } from 'vitest'
import { aJob } from '../../test/queue-world.ts'
import { cancelMany } from '../queue/cancel.ts'
import { pruneRuns } from '../queue/runs.ts'
import { submit } from '../queue/submit.ts'
import { deleteRunStep } from './delete-run.ts'
import { retainRuns, retention } from './retention.ts'
import type { PipelineRef } from './run.ts'
import { admissionWorld } from './testing/admission-world.ts'
import type { DefinitionParts } from './testing/definitions.ts'

async function world(parts: DefinitionParts = {}) {
  const all = await admissionWorld()
  const logs: string[] = []
  const nightly = await all.pipeline('nightly', { concurrency: 100, ...parts })
  /** With so many ended jobs, each of them a task's. */
  const run = async (jobs = 1, of = nightly) => {
    const { runKey, publicId } = await all.start(of)
    const made = Array.from({ length: jobs }, () => aJob())
    await all.db.tx((tx) => submit(tx, { ownerId: all.userId, jobs: made, runKey }))
    await cancelMany(all.db, { ids: made.map((job) => job.publicId) })
    const ids = made.map((job) => job.publicId)
    await all.db.query('update jobs set last_attempt = 1 where public_id = any($1)', [ids])
    await all.db.query(
      `insert into run_tasks (run_id, name, item, position, state, job_id)
       select $1, 'hold', nr, 0, 'done', id from unnest($2::text[]) with ordinality as t(id, nr)`,
      [runKey, ids],
    )
    return { runKey, publicId, jobId: ids[0]! }
  }
  const ended = async (jobs?: number, of?: PipelineRef) => {
    const one = await run(jobs, of)
    await all.end(one.runKey)
    return one
  }
  return {
    ...all,
    nightly,
    logs,
    run,
    ended,
    removeLogs: async (_: unknown, attempts: { jobKey: string }[]) =>
      void logs.push(...attempts.map(({ jobKey }) => jobKey)),
    count: async (table: string) =>
      (await all.db.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]!.n,
    age: (days: number) =>
      all.db.query(
        `update runs set created_at = created_at - make_interval(days => $1), ended_at = ended_at - make_interval(days => $1)`,
        [days],
      ),
  }
}

test('deleted in steps with its jobs and their logs, when it has ended and nobody repeats it', async () => {
  const { run, end, db, logs, count, removeLogs, start, nightly } = await world()
  const one = await run(5)
  const step = () => deleteRunStep(db, one.runKey, removeLogs, 3)
  await expect(step()).rejects.toThrow(`run ${one.publicId} has not ended`)
  await end(one.runKey)
  const repeats = await start(nightly)
  await db.query('update run_tasks set job_id = $2 where run_id = $1', [repeats.runKey, one.jobId])
  await expect(step()).rejects.toThrow('still uses what it did')
  await end(repeats.runKey)
  expect(await step()).toEqual({ removed: 3, more: true })
  expect(await step()).toEqual({ removed: 2, more: false })
  expect(logs).toHaveLength(5)
  expect(await count('runs')).toBe(1)
  expect([await count('jobs'), await count('run_tasks'), await count('pipeline_runs')]).toEqual([0, 1, 1])
  expect(await step()).toEqual({ more: false })
})

test('by number and age, whichever says so first; open runs and batches stay', async () => {
  const { nightly, ended, run, db, removeLogs, list, age, count } = await world({ retention_count: 2 })
  const retained = () => retainRuns(db, nightly.pipelineId, removeLogs)
  await run()
  for (let i = 0; i < 4; i++) await ended()
  expect(await retained()).toBe(2)
  expect(await list(nightly)).toEqual(['running', 'succeeded', 'succeeded'])
  expect(await retained()).toBe(0)
  await age(1)
  await ended()
  await db.query(
    `update pipeline_versions set definition = definition::jsonb || '{"retention_count": 0, "retention_period_ms": 60000}'`,
  )
  expect(await retained()).toBe(2)
  expect(await list(nightly)).toEqual(['running', 'succeeded'])
  expect(await count('jobs')).toBe(2)
})

test('the service: every pipeline with a limit; the others at the age of jobs, gone definitions with their last run', async () => {
  const { nightly: free, pipeline, ended, db, removeLogs, age, count, list } = await world()
  const limited = await pipeline('limited', { concurrency: 100, retention_count: 1 })
  for (let i = 0; i < 2; i++) await ended(1, limited)
  await ended(1, free)
  await ended(1, free)
  const service = retention(db, { retainDays: 7, removeLogs })
  await age(8)
  await service.runOnce()
  expect([await list(limited), await list(free)]).toEqual([['succeeded'], ['succeeded', 'succeeded']])
  await db.query(`delete from jobs where run_id = (select min(run_id) from pipeline_runs where pipeline_id = $1)`, [
    free.pipelineId,
  ])
  expect(await pruneRuns(db, 7)).toBe(0)
  await service.runOnce()
  expect(await list(free)).toEqual(['succeeded'])
  await db.query(`update pipelines set gone_at = now() - interval '2 days'`)
  await db.query(`delete from runs where id in (select run_id from pipeline_runs where pipeline_id = $1)`, [
    free.pipelineId,
  ])
  await service.runOnce()
  expect(await count('pipelines')).toBe(1)
})
