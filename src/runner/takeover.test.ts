/** A runner process that comes after one that was killed. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bootId, monotonicMs } from './clock.ts'
import { eventually } from './eventually.ts'
import type { RunningAttempt } from '../executors/executor.ts'
import { createFakeExecutor, type FakeExecutor, type FakeRun } from '../executors/fake.ts'
import { outputOf } from './fake-control-plane.ts'
import { createRig, type Rig } from './test-rig.ts'
import type { FakeAttempt } from './fake-control-plane.ts'

let rig: Rig
beforeEach(async () => {
  rig = await createRig()
})
afterEach(() => rig.close())

/** As a killed runner leaves it: leased and running, its state on disk, a part of its output in the spool. */
async function leftBehind(
  spec: { secret_env?: Record<string, string> } = {},
  { leftMs = 60_000 } = {},
): Promise<FakeAttempt> {
  const attempt = rig.plane.submit({ command: ['job'], ...spec })
  attempt.state = 'running'
  const { jobKey, number, token, limits, named, jobId, secretEnv } = attempt.assignment
  const dir = join(rig.dir, 'attempts', `${jobKey}-${number}`)
  await mkdir(join(dir, 'exec'), { recursive: true })
  const state = {
    version: 1,
    ref: { jobKey, number, token },
    job_id: jobId,
    spec: attempt.assignment.spec,
    limits,
    named,
    timeout_ms: 60_000,
    slot: 2,
    secret_env_names: Object.keys(secretEnv),
    phase: 'started',
    started_at: new Date().toISOString(),
    times_out: { boot_id: bootId(), monotonic_ms: monotonicMs() + leftMs },
  }
  await writeFile(join(dir, 'attempt.json'), JSON.stringify(state))
  return attempt
}

/** Its `adopt` gives a running fake for directories of attempts that "still run". */
function adopting(run: FakeRun): FakeExecutor & { adopted: string[]; kept: Set<string> | undefined } {
  const inner = createFakeExecutor(() => run)
  const executor = Object.assign(inner, { adopted: [] as string[], kept: undefined as Set<string> | undefined })
  executor.adopt = async (dir: string): Promise<RunningAttempt> => {
    executor.adopted.push(dir)
    const order = { key: dir.split('/').at(-2)!, dir: join(dir, 'fake'), spec: {} }
    return inner.start(order as never)
  }
  executor.sweep = async (keep) => {
    executor.kept = keep
    return 0
  }
  return executor
}

test('a job that still runs is taken over and reported', async () => {
  const attempt = await leftBehind()
  const executor = adopting({ stdout: 'after the restart\n', ms: 200 })
  rig.start(executor)
  await rig.plane.ended(attempt)
  expect(attempt.outcome?.state).toBe('succeeded')
  expect(outputOf(attempt).toString()).toBe('after the restart\n')
  expect(executor.adopted).toHaveLength(1)
  expect([...executor.kept!]).toEqual(['1-1'])
  await eventually(() => rig.left()).toEqual([])
})

test('its time goes on where it stood, whatever the date says meanwhile', async () => {
  const attempt = await leftBehind({}, { leftMs: 300 })
  rig.start(adopting({ ms: 20_000 }))
  await rig.plane.ended(attempt)
  expect(attempt.outcome).toMatchObject({ state: 'timed_out', error_class: 'timeout' })
})

test('its secrets come with the lease delivered again, so its output is masked', async () => {
  const attempt = await leftBehind({ secret_env: { TOKEN: 'correct-horse' } })
  rig.start(adopting({ stdout: 'token correct-horse\n', ms: 100 }))
  await rig.plane.ended(attempt)
  expect(outputOf(attempt).toString()).toBe('token ***\n')
})

test('a job that is gone is lost, and said so', async () => {
  const attempt = await leftBehind()
  rig.start(createFakeExecutor())
  await rig.plane.ended(attempt)
  expect(attempt.outcome).toMatchObject({ state: 'lost', error_class: 'lost' })
  expect(attempt.outcome?.message).toMatch(/restarted/)
  await eventually(() => rig.left()).toEqual([])
})

test('what the server has given away is swept, and directories that mean nothing are removed', async () => {
  const attempt = await leftBehind()
  rig.plane.giveAway(attempt)
  await mkdir(join(rig.dir, 'attempts', 'rubbish'))
  const executor = adopting({})
  rig.start(executor)
  await eventually(() => executor.kept).toEqual(new Set())
  await eventually(() => rig.left()).toEqual([])
  expect(executor.adopted).toEqual([])
})
