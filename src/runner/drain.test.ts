import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { createFakeExecutor, type FakeRun } from '../executors/fake.ts'
import { createRig, type Rig } from './test-rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await createRig()
})
afterEach(() => rig.close())

const running = (runs: Record<string, FakeRun>) => createFakeExecutor((order) => runs[order.spec.command[0]!] ?? {})

test('told to stop: what can finish finishes, the rest is handed back, nothing new begins', async () => {
  const executor = running({ quick: { ms: 1_000 }, endless: { ms: 60_000 } })
  const { runner, over } = rig.start(executor, { drainMs: 2_500 })
  const quick = rig.plane.submit({ command: ['quick'] })
  const endless = rig.plane.submit({ command: ['endless'], max_attempts: 2 })
  const once = rig.plane.submit({ command: ['endless'], max_attempts: 1 })
  await eventually(() => [quick.state, endless.state, once.state]).toEqual(['running', 'running', 'running'])
  runner.stop()
  const late = rig.plane.submit({ command: ['quick'] })
  await over
  expect(quick.outcome?.state).toBe('succeeded')
  expect(endless).toMatchObject({ state: 'handed_back', handBackReason: 'its runner shut down' })
  expect(endless.outcome).toBeUndefined()
  // At most once: it had started, so nobody may start it again.
  expect(once.outcome).toMatchObject({ state: 'failed', error_class: 'infrastructure' })
  // A claim that was under way may have leased it; then it was handed back.
  expect(['waiting', 'handed_back']).toContain(late.state)
  expect(executor.started).toHaveLength(3)
  expect(executor.host.size).toBe(0)
  expect(rig.plane.goodbyes).toEqual(['draining', 'offline'])
})

test('told twice: everything is killed and handed back at once', async () => {
  const executor = running({ stubborn: { ms: 60_000, ignoresTerm: true } })
  const { runner, over } = rig.start(executor, { drainMs: 60_000 })
  const attempts = [1, 2, 3].map(() =>
    rig.plane.submit({ command: ['stubborn'], stop_grace_seconds: 600, max_attempts: 2 }),
  )
  await eventually(() => attempts.map((a) => a.state)).toEqual(['running', 'running', 'running'])
  const told = performance.now()
  runner.stop()
  runner.stop()
  await over
  expect(performance.now() - told).toBeLessThan(2_000)
  expect(attempts.map((a) => a.state)).toEqual(['handed_back', 'handed_back', 'handed_back'])
  expect(executor.host.size).toBe(0)
})

test('a lease that was on its way when the runner stopped is handed back, not left to expire', async () => {
  const executor = running({})
  const { plane } = rig
  const claim = plane.claim.bind(plane)
  let stop = () => {}
  plane.claim = async (input, signal) => {
    const assignments = await claim(input, signal)
    if (assignments.length > 0) stop()
    return assignments
  }
  const { runner, over } = rig.start(executor)
  stop = () => {
    runner.stop() // cuts off the answer that is about to be sent
    stop = () => {}
  }
  const attempt = plane.submit({ command: ['job'] })
  await over
  expect(attempt).toMatchObject({ state: 'handed_back', handBackReason: 'its runner shut down' })
  expect(executor.started).toHaveLength(0)
})

test('no server while stopping: the end stays on disk and the next process reports it', async () => {
  const executor = running({ quick: { ms: 200, stdout: 'kept\n' } })
  const first = rig.start(executor)
  const attempt = rig.plane.submit({ command: ['quick'] })
  await eventually(() => attempt.state).toBe('running')
  rig.plane.away = true
  await eventually(() => rig.facts.some((fact) => fact.name === 'attempt.ended')).toBe(true)
  first.runner.stop()
  first.runner.stop()
  await first.over
  expect([...executor.host.keys()]).toEqual(['1-1'])
  rig.plane.away = false
  rig.start(executor)
  await rig.plane.ended(attempt)
  expect(attempt.outcome?.state).toBe('succeeded')
  expect(executor.started).toHaveLength(1)
  await eventually(() => executor.host.size).toBe(0)
}, 20_000)
