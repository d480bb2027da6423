import { expect, test } from 'vitest'
import { queueWorld } from '../../test/queue-world.ts'
import type { Outcome } from '../job/outcome.ts'
import { findJob, listAttempts } from './find.ts'
import { finish } from './finish.ts'
import { promoteDue } from './promote-due.ts'
import { rescueLost } from './rescue-lost.ts'
import { waitingReasons } from './waiting-reasons.ts'

const MiB = 2 ** 20
const bounds = { defaultMemoryBytes: 128 * MiB, maxMemoryBytes: 1024 * MiB }
const killed: Outcome = {
  state: 'oom_killed',
  error_class: 'oom',
  message: 'killed for memory',
  remaining_processes: 0,
}
const retry = { backoff_seconds: 0, jitter: 0, memory_factor: 2, memory_max_bytes: 400 * MiB }

test('after a kill for memory the job waits for a runner that has more, up to its maximum', async () => {
  const world = await queueWorld()
  const end = async (runner: Awaited<ReturnType<typeof world.runner>>, outcome: Outcome) => {
    const job = await runner.claimOne()
    runner.held.length = 0
    await finish(world.db, [{ ...runner.from, ref: job, outcome, log: null }], undefined, undefined, bounds)
    await promoteDue(world.db)
    return job.spec.limits?.memory_bytes
  }
  const small = await world.runner({ memoryMib: 200 })
  const [id] = await world.submit({ max_attempts: 6, retry, limits: { cpu: 0.5 } })
  const messages = async () =>
    (await listAttempts(world.db, (await findJob(world.db, id!))!.jobKey)).map(({ outcome, memoryBytes }) => [
      outcome?.message,
      memoryBytes === null ? null : Number(memoryBytes) / MiB,
    ])

  expect(await end(small, killed)).toBeUndefined()
  expect(await small.claim()).toEqual([])
  expect((await waitingReasons(world.db, [id!])).get(id!)).toEqual({
    code: 'no_matching_runner',
    text: 'it asks for 256 MiB, more than any matching runner has in all',
  })
  const large = await world.runner({ memoryMib: 2000 })
  // Of two attempts that fail for another reason the second has no more than the first.
  expect(await end(large, { state: 'failed', error_class: 'exit', exit_code: 1 })).toBe(256 * MiB)
  expect(await end(large, killed)).toBe(256 * MiB)
  expect(await end(large, killed)).toBe(400 * MiB)
  expect(await end(large, killed)).toBe(400 * MiB)
  expect(await end(large, killed)).toBe(400 * MiB)
  expect(await messages()).toEqual([
    ['killed for memory; next attempt with 256 MiB', null],
    [undefined, 256],
    ['killed for memory; next attempt with 400 MiB', 256],
    ['killed for memory; 400 MiB is all that it may have', 400],
    ['killed for memory; 400 MiB is all that it may have', 400],
    ['killed for memory', 400],
  ])
  expect(await world.row(id!)).toMatchObject({ state: 'oom_killed', memory_bytes: String(400 * MiB) })
})

test('jobs of one lane move to one lane; a lost attempt, or one without a factor, changes nothing', async () => {
  const world = await queueWorld()
  const runner = await world.runner()
  const ids = await world.submit(
    ...[0, 1].map(() => ({ max_attempts: 3, retry, limits: { memory_bytes: 64 * MiB } })),
    { max_attempts: 3, retry: { backoff_seconds: 0 } },
    { max_attempts: 3, retry },
  )
  const jobs = await runner.claim()
  const lost = jobs.find(({ publicId }) => publicId === ids[3])!
  const items = jobs.filter((job) => job !== lost).map((ref) => ({ ...runner.from, ref, outcome: killed, log: null }))
  await finish(world.db, items, undefined, undefined, bounds)
  await world.passTime(120)
  await rescueLost(world.db, { intervalSeconds: 1, leaseSeconds: 30, graceSeconds: 30 })
  await world.passTime(120)
  const { rows } = await world.db.query(
    `select j.state, j.memory_bytes, l.memory_mib, l.cpu_millis, dense_rank() over (order by j.lane_id)::int as lane
     from jobs j join lanes l on l.id = j.lane_id order by j.id`,
  )
  const grown = { state: 'scheduled', memory_bytes: String(128 * MiB), memory_mib: 128, cpu_millis: 0 }
  expect(rows.slice(0, 2)).toEqual([
    { ...grown, lane: 2 },
    { ...grown, lane: 2 },
  ])
  expect(rows.slice(2).map(({ memory_bytes }) => memory_bytes)).toEqual([null, null])
})
