/** Admission and engine together, by hand: start, tasks in turn, end, the next one from the waiting list. */
import { expect, test } from 'vitest'
import { bad } from '../../test/queue-world.ts'
import { admitWaiting, waitingToAdmit } from './admit-waiting.ts'
import { advanceRun } from './advance.ts'
import { cancelPipelineRun } from './cancel-run.ts'
import { rerunOf } from './rerun-run.ts'
import { startRun } from './start-run.ts'
import { admissionWorld, type AdmissionWorld } from './testing/admission-world.ts'

const tasks = { a: {}, b: { depends_on: ['a'] }, c: { depends_on: ['a'] }, d: { depends_on: ['b', 'c'] } }

async function world(): Promise<AdmissionWorld & { work(runKey: string, failing?: string): Promise<string[]> }> {
  const all = await admissionWorld()
  const runner = await all.runner({ slots: 100 })
  return {
    ...all,
    /** Runs whatever is queued until the run has ended; returns the names of the jobs in their order. */
    async work(runKey, failing) {
      const names: string[] = []
      for (let over = false; !over;) {
        const jobs = await runner.claim()
        await runner.started(...jobs)
        for (const job of jobs) await runner.finish(job, job.spec.name === failing ? bad : undefined)
        names.push(...jobs.map((job) => job.spec.name).toSorted())
        over = (await all.db.tx((tx) => advanceRun(tx, all.hooks, runKey))).ended
        expect(over || jobs.length > 0).toBe(true)
      }
      return names
    },
  }
}

test('one after the other, each in the order of its tasks', async () => {
  const { pipeline, start, work, db, hooks, list, ended } = await world()
  const build = await pipeline('build', { tasks })
  const [first, second, third] = [await start(build), await start(build), await start(build)]
  const next = () => admitWaiting(db, hooks, build.pipelineId)
  expect(await waitingToAdmit(db)).toEqual({ pipelineIds: [build.pipelineId], nextMs: null })
  expect(await next()).toBe(0)
  const order = ['build/a', 'build/b', 'build/c', 'build/d']
  expect(await work(first.runKey)).toEqual(order)
  expect(await list(build)).toEqual(['succeeded', 'waiting', 'waiting'])
  await db.tx((tx) => cancelPipelineRun(tx, hooks, second.runKey, 'not needed'))
  expect(await next()).toBe(1)
  expect(await list(build)).toEqual(['succeeded', 'cancelled not needed', 'running'])
  expect(await work(third.runKey)).toEqual(order)
  expect(ended.map((run) => run.publicId)).toEqual([first.publicId, second.publicId, third.publicId])
})

test('interrupted by a newer one: what runs is cancelled, its slot goes to the newer one', async () => {
  const { pipeline, start, work, db, hooks, list } = await world()
  const build = await pipeline('build', { tasks, queue_strategy: 'replace', interrupt_running: true })
  const [old, newer] = [await start(build), await start(build)]
  // Its job was not claimed yet: cancelled at once, and the run is over.
  expect((await db.tx((tx) => advanceRun(tx, hooks, old.runKey))).ended).toBe(true)
  expect(await admitWaiting(db, hooks, build.pipelineId)).toBe(1)
  expect((await work(newer.runKey)).length).toBe(4)
  expect(await list(build)).toEqual([`cancelled interrupted by run ${newer.publicId}`, 'succeeded'])
})

test('run again from what failed: only that, and what comes after it', async () => {
  const { pipeline, start, work, db, hooks, userId } = await world()
  const build = await pipeline('build', { tasks, continue_running_tasks_after_failure: true })
  const first = await start(build)
  expect(await work(first.runKey, 'build/b')).toEqual(['build/a', 'build/b', 'build/c'])
  const input = { runKey: first.runKey, from: 'failed' as const, ownerId: userId, label: null }
  const again = await db.tx(async (tx) => startRun(tx, hooks, await rerunOf(tx, input)))
  expect(again.state).toBe('running')
  expect(await work(again.runKey)).toEqual(['build/b', 'build/d'])
})
