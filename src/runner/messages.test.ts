/** What is sent takes no slot: a receiver that hangs holds up no job, and no job holds up a message. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { byKind, createFakeExecutor, createMessageExecutor } from '../executors/index.ts'
import type { FakeRun } from '../executors/fake.ts'
import { message, receiver, says } from '../executors/testing/messages.ts'
import { settingsVariable } from '../job/message.ts'
import { eventually } from './eventually.ts'
import { outputOf, type FakeAttempt } from './fake-control-plane.ts'
import { createRig, type Rig } from './test-rig.ts'

let rig: Rig
beforeEach(async () => {
  // So long that a claim waits its 5 s.
  rig = await createRig({ heartbeatMs: 50, leaseMs: 60_000, graceMs: 60_000 })
})
afterEach(() => rig.close())

const description = {
  ...{ name: 'test', session: 's', version: '0', hostname: 'here', labels: {}, facilities: {} },
  ...{ slots: 2, cpuMillis: 4000, memoryMib: 4096, executors: ['sandbox', 'message'] },
}

const runs: Record<string, FakeRun> = { long: { ms: 60_000 }, short: { ms: 20 }, echo: { stdout: 'hi\n' } }

const noHttp = { kind: 'http' as const, start: () => Promise.reject(new Error('no HTTP here')) }

function startRunner() {
  const fake = createFakeExecutor(({ spec }) => runs[spec.command[0]!]!)
  rig.start(byKind(fake, createMessageExecutor(), noHttp), { description, claimWaitMs: 5000 })
  return fake
}

function send(url: string): FakeAttempt {
  const attempt = rig.plane.submit({ command: ['message', 'team'], priority: 9 })
  const { assignment } = attempt
  assignment.spec = { ...assignment.spec, executor: 'message', message }
  assignment.secretEnv = { [settingsVariable]: JSON.stringify({ kind: 'slack', url }) }
  return attempt
}

test('twenty messages to a receiver that hangs, and a job starts at once', async () => {
  const { url, got } = await receiver(() => {})
  const messages = Array.from({ length: 20 }, () => send(`${url}/x`))
  startRunner()
  await eventually(() => got.length).toBe(8)
  const since = performance.now()
  const jobs = [1, 2, 3, 4].map(() => rig.plane.submit({ command: ['echo'] }))
  for (const job of await Promise.all(jobs.map((job) => rig.plane.ended(job)))) {
    expect(job.outcome?.state).toBe('succeeded')
    expect(outputOf(job).toString()).toBe('hi\n')
  }
  expect(performance.now() - since).toBeLessThan(2000)
  expect(messages.filter(({ state }) => state === 'running' || state === 'leased')).toHaveLength(8)
})

test('with all slots taken for long, messages go out, and no job comes before there is a slot', async () => {
  const { url } = await receiver(says(200))
  const fake = startRunner()
  const busy = [1, 2].map(() => rig.plane.submit({ command: ['long'] }))
  await eventually(() => busy.map(({ state }) => state)).toEqual(['running', 'running'])
  const waiting = rig.plane.submit({ command: ['echo'] })
  const sent = Array.from({ length: 10 }, () => send(url))
  for (const one of await Promise.all(sent.map((m) => rig.plane.ended(m)))) expect(one.outcome?.state).toBe('succeeded')
  expect(waiting.state).toBe('waiting')
  expect(fake.started.map(({ slot }) => slot)).toEqual([0, 1])

  // The claim for messages alone, that would wait 5 s, makes way for one that asks for the free slot.
  await eventually(() => rig.plane.asked.at(-1)?.slots).toBe(0)
  const since = performance.now()
  rig.plane.cancel(busy[0]!, { force: true })
  await rig.plane.ended(waiting)
  expect(performance.now() - since).toBeLessThan(2000)
  expect(fake.started.map(({ slot }) => slot)).toEqual([0, 1, 0])
})

test('jobs that are soon over cost no claim for messages alone', async () => {
  startRunner()
  const jobs = Array.from({ length: 20 }, () => rig.plane.submit({ command: ['short'] }))
  await Promise.all(jobs.map((job) => rig.plane.ended(job)))
  expect(rig.plane.asked.filter(({ slots }) => slots === 0)).toEqual([])
})
