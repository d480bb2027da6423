/** Short words for tests of placement. */
import type { JobSpecInput } from '../src/job/spec.ts'
import { claim } from '../src/queue/claim.ts'
import { lease, type QueueWorld, type TestRunner } from './queue-world.ts'

/** One round with these runners; how many jobs each got. */
export async function round(world: QueueWorld, runners: TestRunner[], strategy?: 'spread' | 'pack'): Promise<number[]> {
  const given = await claim(
    world.db,
    runners.map((runner) => runner.offer()),
    { ...lease, strategy },
  )
  return runners.map((runner) => {
    const jobs = given.get(runner.from.runnerId)!
    runner.held.push(...jobs)
    return jobs.length
  })
}

/** In this order also for the database: of runners that are as good the first one takes the job. */
export async function many(world: QueueWorld, slots: number[]): Promise<TestRunner[]> {
  const runners: TestRunner[] = []
  for (const n of slots) runners.push(await world.runner({ slots: n }))
  return runners
}

export const copies = (count: number, spec: Partial<JobSpecInput>) => Array.from({ length: count }, () => spec)
