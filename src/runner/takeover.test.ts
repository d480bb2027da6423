/** A runner process that comes after one that was killed. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { createFakeExecutor, type FakeExecutor, type FakeHost, type FakeRun } from '../executors/fake.ts'
import { noteFor, orderFor } from './order-for.ts'
import { outputOf, type FakeAttempt } from './fake-control-plane.ts'
import { createRig, type Rig } from './test-rig.ts'

let rig: Rig
let host: FakeHost
beforeEach(async () => {
  rig = await createRig()
  host = new Map()
})
afterEach(() => rig.close())

/** As a killed runner leaves it: leased, and with the executor in whatever state. */
async function leftBehind(run: FakeRun): Promise<FakeAttempt> {
  const attempt = rig.plane.submit({ command: ['job'], max_attempts: 2, secret_env: { TOKEN: 'correct-horse' } })
  attempt.state = 'running'
  const key = `${attempt.assignment.jobKey}-1`
  const note = JSON.parse(JSON.stringify(noteFor(attempt.assignment, 2, () => '')))
  await createFakeExecutor(() => run, host).start(orderFor(key, attempt.assignment, note, 60_000))
  return attempt
}

/** Each of these runs once only. */
function successor(): FakeExecutor {
  const executor = createFakeExecutor(() => ({}), host)
  rig.start(executor)
  return executor
}

const released = () => eventually(() => host.size).toBe(0)

test('a job that still runs is taken over, its log shipped from where the server stands, and cancels reach it', async () => {
  const attempt = await leftBehind({ stdout: 'token correct-horse\n', ms: 60_000 })
  const log = host.get('1-1')!.log
  const bytes = Buffer.alloc(log.length())
  await log.read(0, bytes)
  attempt.pieces = [bytes]
  attempt.size = bytes.length
  const executor = successor()
  await eventually(() => rig.plane.heartbeats).toBeGreaterThan(1)
  expect(attempt.state).toBe('running')
  rig.plane.cancel(attempt)
  await rig.plane.ended(attempt)
  expect(attempt.outcome).toMatchObject({ state: 'cancelled' })
  expect(outputOf(attempt).toString()).toBe('token ***\n')
  expect(executor.started).toEqual([])
  await released()
})

test('one that ended without a runner is reported with its own end', async () => {
  const attempt = await leftBehind({ stdout: 'kept\n', exitCode: 3 })
  await host.get('1-1')!.ended
  successor()
  await rig.plane.ended(attempt)
  expect(attempt.outcome).toMatchObject({ state: 'failed', exit_code: 3, message: 'exited with code 3' })
  expect(outputOf(attempt).toString()).toBe('kept\n')
  await released()
})

test.each([
  ['cancelled', 'cancelled', 'cancelled'],
  ['timeout', 'timed_out', 'timed out after 60 s'],
  ['keeper', 'lost', expect.stringContaining('could not reach the server')],
] as const)('why it was stopped survives: %s', async (reason, state, message) => {
  const attempt = await leftBehind({ ms: 60_000 })
  await host.get('1-1')!.stop(reason, 1_000)
  successor()
  await rig.plane.ended(attempt)
  expect(attempt.outcome).toMatchObject({ state, message })
})

test('one that was stopped for a shutdown is handed back by the next process', async () => {
  const attempt = await leftBehind({ ms: 60_000 })
  await host.get('1-1')!.stop('shutdown', 1_000)
  successor()
  await rig.plane.ended(attempt)
  expect(attempt).toMatchObject({ state: 'handed_back', handBackReason: 'its runner shut down' })
  await released()
})

test('one that was lost with its launcher is lost, and said so', async () => {
  const attempt = await leftBehind({ lost: true })
  successor()
  await rig.plane.ended(attempt)
  expect(attempt.outcome).toMatchObject({ state: 'lost', error_class: 'lost', message: 'lost: its launcher died' })
  await released()
})

test('what the server has given away is stopped and removed, and so is what no runner of ours began', async () => {
  const attempt = await leftBehind({ ms: 60_000 })
  const foreign = await leftBehind({ ms: 60_000 })
  Object.assign(host.get('2-1')!, { note: 'rubbish' })
  rig.plane.giveAway(attempt)
  rig.plane.giveAway(foreign)
  successor()
  await released()
  expect(attempt.outcome).toBeUndefined()
})

test('its slot is not given to another while it runs', async () => {
  await leftBehind({ ms: 400 })
  const executor = successor()
  const others = Array.from({ length: 3 }, () => rig.plane.submit({ command: ['other'] }))
  await Promise.all(others.map((other) => rig.plane.ended(other)))
  expect(executor.started.map((order) => order.slot)).not.toContain(2)
})
