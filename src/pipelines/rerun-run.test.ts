import { expect, test } from 'vitest'
import { rerunOf, type RerunInput } from './rerun-run.ts'
import { startRun } from './start-run.ts'
import type { StartedRun } from './run.ts'
import { admissionWorld, approval } from './testing/admission-world.ts'

const hold = { script: [], approval }

/** a ← b ← c, d on its own, e needs a; f fans out. */
async function world() {
  const all = await admissionWorld()
  const build = await all.pipeline('build', {
    tasks: {
      a: hold,
      d: hold,
      f: { ...hold, for_each: [1, 2] },
      b: { ...hold, depends_on: ['a'] },
      e: { ...hold, depends_on: ['a'] },
      c: { ...hold, depends_on: ['b'] },
    },
  })
  const first = await all.start(build, { variables: { x: 1 }, queuePartition: 'p' })
  const set = (name: string, state: string, values: string = '') =>
    all.db.query(`update run_tasks set state = $3 ${values} where run_id = $1 and name = $2`, [
      first.runKey,
      name,
      state,
    ])
  const again = (over: Partial<RerunInput> = {}): Promise<StartedRun> =>
    all.db.tx(async (tx) => {
      const input = { runKey: first.runKey, from: 'failed' as const, ownerId: all.userId, label: null, ...over }
      return startRun(tx, all.hooks, await rerunOf(tx, input))
    })
  const tasks = async (runKey: string) => {
    const { rows } = await all.db.query<{ word: string }>(
      `select concat_ws(' ', name, case when item >= 0 then item end, state, job_id, exit_code, outputs->>'v', value) as word
       from run_tasks where run_id = $1 and (state <> 'waiting' or item >= 0) order by position, item`,
      [runKey],
    )
    return rows.map((row) => row.word)
  }
  return { ...all, build, first, set, again, tasks }
}

test('what was done is taken over with its job and outputs, as far as all before it was; the rest is anew', async () => {
  const { first, set, again, tasks, end, build, pipeline, db } = await world()
  await expect(again()).rejects.toThrow(`run ${first.publicId} has not ended`)
  await db.query(`update run_tasks set job_id = 'jobfff' where run_id = $1 and name = 'f' and item >= 0`, [
    first.runKey,
  ])
  await set('f', 'done')
  await set('a', 'done', `, job_id = 'jobaaa', exit_code = 3, outputs = '{"v": "out"}'`)
  await set('b', 'failed', `, job_id = 'jobbbb', exit_code = 1`)
  await set('c', 'done')
  await set('d', 'cancelled')
  await set('e', 'skipped')
  await end(first.runKey, 'failed')
  // Another version in force since then changes nothing.
  await pipeline('build', { concurrency: 5 })
  const second = await again()
  const row = await db.query(
    `select r.rerun_of, pr.version_id, pr.variables, pr.queue_partition, pr.trigger
     from runs r join pipeline_runs pr on pr.run_id = r.id where r.id = $1`,
    [second.runKey],
  )
  expect(row.rows).toEqual([
    {
      ...{ rerun_of: first.publicId, version_id: build.versionId, variables: { x: 1 } },
      ...{ queue_partition: 'p', trigger: 'rerun' },
    },
  ])
  const kept = ['a done jobaaa 3 out', 'f done', 'f 0 done jobfff 1', 'f 1 done jobfff 2']
  const of = async (runKey: string) => (await tasks(runKey)).filter((word) => word.includes(' done'))
  expect(await of(second.runKey)).toEqual(kept)
  expect(await of((await again({ from: 'start' })).runKey)).toEqual([])
})

test('what went well has nothing to repeat, but may be run again from the start', async () => {
  const { first, again, end } = await world()
  await end(first.runKey)
  await expect(again()).rejects.toThrow(`no task of run ${first.publicId} failed`)
  expect((await again({ from: 'start' })).state).toBe('running')
  await expect(again({ runKey: '999' })).rejects.toMatchObject({ code: 'not_found' })
})
