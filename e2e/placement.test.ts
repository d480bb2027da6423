/** Labels and placement from the command line, on a whole system with its own runner. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Job } from '../src/api/contract/index.ts'
import { ended, startSystem, until, type System } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ RUNYARD_RUNNER_SLOTS: '4', RUNYARD_RUNNER_LABELS: 'zone=a,kind=own' })
})
afterAll(() => system?.stop())

async function start(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await system.cli(['start', ...args])
  expect([code, stderr]).toEqual([0, ''])
  return stdout.trim().split(' ').at(-1)!
}
const jobOf = (id: string): Promise<Job> => system.api.calls.jobs.get({ id })

test('near, apart and avoided labels decide where a job runs; lists find it by its own', async () => {
  const near = await start('--near', 'app=db', '--label', 'zone=a', '--', 'true')
  await until('the reason', async () => (await jobOf(near)).waiting_reason?.code === 'affinity')
  const spot = await start('--avoid', 'kind=own', '--', 'true')
  const database = await start('--job-label', 'app=db', '--job-label', 'tier=1', '--', 'sleep', '300')
  const apart = await start('--apart', 'app=db', '--placement', 'pack', '--', 'true')
  expect(await ended(system, near)).toMatchObject({ state: 'succeeded' })
  expect((await jobOf(apart)).waiting_reason).toMatchObject({ code: 'anti_affinity' })
  expect((await jobOf(spot)).waiting_reason).toMatchObject({ code: 'no_matching_runner' })

  const listed = await system.cli(['ls', '--json', '--label', 'app=db', '--label', 'tier=1'])
  expect((JSON.parse(listed.stdout) as Job[]).map((job) => job.id)).toEqual([database])
  const { stdout } = await system.cli(['status', '-v', apart])
  expect(stdout).toMatch(/^ +waiting: +placement\.anti_affinity keeps it away from jobs of admin with app=db/m)
  expect(stdout).toMatch(/^ +placement: +apart from app=db; pack$/m)
  expect((await system.cli(['status', '-v', database])).stdout).toMatch(/^ +labels: +app=db, tier=1$/m)

  await system.cli(['stop', database])
  expect(await ended(system, apart)).toMatchObject({ state: 'succeeded' })
  expect((await jobOf(spot)).state).toBe('queued')
})

test.each([
  [['--label', 'zone=a', '--avoid', 'zone=a'], '--avoid: zone=a is in required_labels too'],
  [['--near', 'my app=1'], '--near: is no label name: it has letters'],
  [['--near', 'app=x', '--apart', 'app=x'], '--apart: every job that affinity asks for'],
])('%j is refused in words of the options', async (args, words) => {
  const { code, stderr } = await system.cli(['start', ...args, '--', 'true'])
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)])
})
