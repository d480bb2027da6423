import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { AppError } from '../lib/app-error.ts'
import type { AttemptRef } from './control-plane.ts'
import { monotonicMs } from './clock.ts'
import { beat, type HeartbeatLoop } from './heartbeat-loop.ts'
import { startHeartbeats } from './heartbeats.ts'

const heartbeatMs = 100
const ref: AttemptRef = { jobKey: '1', number: 1, token: '5' }
const counter = new Int32Array(new SharedArrayBuffer(8))
const count = () => Atomics.load(counter, 0)

let dir: string
let witness: Worker
beforeEach(async () => {
  counter.fill(0)
  dir = await mkdtemp(join(tmpdir(), 'ry-beat-'))
  const workerData = { socketPath: join(dir, 's'), counter }
  witness = new Worker(new URL('./heartbeat-witness.ts', import.meta.url), { workerData })
  await once(witness, 'message')
})
afterEach(async () => {
  const gone = once(witness, 'exit')
  witness.postMessage('close')
  await gone
  await rm(dir, { recursive: true })
})

const setup = (silenceMs: number) => ({
  address: { socketPath: join(dir, 's') },
  identity: { runnerId: '7', session: 's' },
  heartbeatMs,
  keepForMs: 5_000,
  silenceMs,
})

function blockMainThread(ms: number): void {
  const until = monotonicMs() + ms
  while (monotonicMs() < until);
}

test('heartbeats go on while the main thread is blocked', async () => {
  const answers: number[] = []
  let held: AttemptRef[] = []
  const heartbeats = startHeartbeats(setup(60_000), {
    held: () => held,
    onAnswer: (answer, keepUntil) => answers.push(answer.renewed.length, keepUntil - monotonicMs()),
    onFailure: () => {},
  })
  held = [ref]
  heartbeats.changed()
  await eventually(count).toBeGreaterThan(1)
  const before = count()
  blockMainThread(5 * heartbeatMs)
  expect(count() - before).toBeGreaterThanOrEqual(3)
  expect(Atomics.load(counter, 1)).toBe(1)
  await eventually(() => answers.length).toBeGreaterThan(3)
  await heartbeats.stop()
  const stopped = count()
  await sleep(3 * heartbeatMs)
  expect(count()).toBe(stopped)
})

test('they stop when the main thread is silent for too long, and begin again when it is back', async () => {
  const heartbeats = startHeartbeats(setup(500), { held: () => [], onAnswer: () => {}, onFailure: () => {} })
  await eventually(count).toBeGreaterThan(1)
  blockMainThread(900)
  const atEnd = count()
  blockMainThread(300)
  expect(count()).toBe(atEnd)
  await eventually(count).toBeGreaterThan(atEnd)
  await heartbeats.stop()
})

test('the keeper’s time counts from the sending, and a failed heartbeat is tried again soon', async () => {
  const stop = new AbortController()
  const sent: number[] = []
  const extended: number[] = []
  const loop: HeartbeatLoop = {
    heartbeatMs: 400,
    keepForMs: 1_000,
    held: () => [ref],
    async send(held) {
      sent.push(monotonicMs())
      if (sent.length === 1) throw new AppError('unavailable', 'away')
      await sleep(200)
      return { renewed: held, cancel: [], kill: [], stale: [] }
    },
    async extend(_refs, keepForMs) {
      extended.push(keepForMs)
      if (extended.length === 2) stop.abort()
    },
    onAnswer: () => {},
    onFailure: () => {},
    mainIsAlive: () => true,
    signal: stop.signal,
  }
  await beat(loop)
  expect(sent[1]! - sent[0]!).toBeLessThan(200)
  expect(extended[0]).toBeGreaterThan(500)
  expect(extended[0]).toBeLessThanOrEqual(800)
})

test('a launcher that does not answer costs no heartbeat', async () => {
  const stop = new AbortController()
  let sent = 0
  await beat({
    heartbeatMs: 20,
    keepForMs: 1_000,
    held: () => [ref],
    async send(held) {
      if (++sent === 3) stop.abort()
      return { renewed: held, cancel: [], kill: [], stale: [] }
    },
    extend: () => new Promise(() => {}),
    onAnswer: () => {},
    onFailure: () => {},
    mainIsAlive: () => true,
    signal: stop.signal,
  })
  expect(sent).toBe(3)
})
