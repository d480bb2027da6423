/** The whole runner process with the real launcher and sandbox, against a control plane in memory. */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobSpecInput } from '../job/spec.ts'
import { eventually } from './eventually.ts'
import { createFakeControlPlane, outputOf, type FakeAttempt } from './fake-control-plane.ts'
import { serveFake, type FakeServer } from './fake-server.ts'
import { runRunner } from './main.ts'
import { createSandboxedRig } from './sandboxed-rig.ts'

const plane = createFakeControlPlane({ heartbeatMs: 500, leaseMs: 30_000, graceMs: 30_000 })
const rig = await createSandboxedRig('whole', 190_500)
const { reason, config, socketPath } = rig

let served: FakeServer
let stop = () => {}
let over: Promise<number>
let failed: unknown

beforeAll(async () => {
  if (reason !== undefined) return
  served = await serveFake(plane, socketPath)
  await new Promise<void>((resolve, reject) => {
    const options = { version: '0', onReady: resolve, onStop: (listener: () => void) => void (stop = listener) }
    over = runRunner(config, { socketPath, ...options })
    over.catch((error: unknown) => {
      failed = error
      reject(error as Error)
    })
  })
}, 30_000)

afterAll(async () => {
  if (reason === undefined && failed === undefined) {
    stop()
    stop()
    await over
    await served.close()
  }
  await rig.close()
}, 30_000)

const run = (spec: JobSpecInput, options: { timeoutSeconds?: number } = {}): Promise<FakeAttempt> =>
  plane.ended(plane.submit(spec, options))
const bash = (script: string): JobSpecInput => ({ command: ['bash', '-c', script] })

test.skipIf(reason)('hello, and the exit code', async () => {
  const attempt = await run(bash('echo hello; echo careful >&2; exit 3'))
  expect(outputOf(attempt).toString()).toBe('hello\n')
  expect(outputOf(attempt, 'stderr').toString()).toBe('careful\n')
  expect(attempt.outcome).toMatchObject({ state: 'failed', exit_code: 3, remaining_processes: 0 })
})

test.skipIf(reason)('what cannot start says why', async () => {
  const { outcome } = await run({ command: ['no-such-program'] })
  expect(outcome).toMatchObject({ state: 'failed', error_class: 'start' })
  expect(outcome?.message).toMatch(/^command not found: no-such-program/)
})

test.skipIf(reason)('a timeout, and one that ignores SIGTERM', async () => {
  const [soft, hard] = await Promise.all([
    run({ command: ['sleep', '60'] }, { timeoutSeconds: 0.5 }),
    run({ ...bash('trap "" TERM; sleep 60'), stop_grace_seconds: 0.5 }, { timeoutSeconds: 0.5 }),
  ])
  expect([soft.outcome?.state, soft.outcome?.signal]).toEqual(['timed_out', 'SIGTERM'])
  expect([hard.outcome?.state, hard.outcome?.signal]).toEqual(['timed_out', 'SIGKILL'])
  expect([soft.outcome?.remaining_processes, hard.outcome?.remaining_processes]).toEqual([0, 0])
})

test.skipIf(reason)(
  '100 MB without a newline, every byte, with flat memory',
  async () => {
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 20)
    const attempt = await run(bash('head -c 100000000 /dev/zero | tr "\\0" x'))
    clearInterval(watch)
    expect(attempt.outcome?.state).toBe('succeeded')
    const output = outputOf(attempt)
    expect(output.length).toBe(100_000_000)
    expect(output.every((byte) => byte === 120)).toBe(true)
    // The control plane of this test keeps the log in this very process; the runner's own share is what is on top.
    expect(most - before - attempt.size).toBeLessThan(128 * 2 ** 20)
  },
  120_000,
)

test.skipIf(reason)(
  'binary output arrives exactly',
  async () => {
    const attempt = await run(bash('head -c 5000000 /dev/urandom > data; sha256sum < data >&2; cat data'))
    const sum = createHash('sha256').update(outputOf(attempt)).digest('hex')
    expect(outputOf(attempt, 'stderr').toString()).toBe(`${sum}  -\n`)
  },
  60_000,
)

test.skipIf(reason)(
  'many short jobs: each its own line',
  async () => {
    const attempts = Array.from({ length: 40 }, (_, i) => plane.submit({ command: ['echo', `line ${i}`] }))
    await Promise.all(attempts.map((attempt) => plane.ended(attempt)))
    expect(attempts.map((a) => outputOf(a).toString())).toEqual(attempts.map((_, i) => `line ${i}\n`))
  },
  120_000,
)

test.skipIf(reason)('a forced cancel does not wait for the grace and leaves no process', async () => {
  const tree = 'trap "" TERM; setsid sleep 300 & echo begun; sleep 300; sleep 300'
  const attempt = plane.submit({ ...bash(tree), stop_grace_seconds: 600 })
  await eventually(() => outputOf(attempt).toString()).toBe('begun\n')
  plane.cancel(attempt)
  await sleep(300)
  expect(attempt.state).toBe('running')
  const asked = performance.now()
  plane.cancel(attempt, { force: true })
  await plane.ended(attempt)
  expect(performance.now() - asked).toBeLessThan(8_000)
  expect(attempt.outcome).toMatchObject({ state: 'cancelled', signal: 'SIGKILL', remaining_processes: 0 })
})

test.skipIf(reason)(
  'a cancel at any moment leaves no process',
  async () => {
    const attempts: FakeAttempt[] = []
    for (let i = 0; i < 12; i++) {
      const attempt = plane.submit(bash('echo begun; setsid sleep 300 & sleep 300'))
      setTimeout(() => plane.cancel(attempt), Math.random() * 300)
      attempts.push(attempt)
      await sleep(60)
    }
    await Promise.all(attempts.map((attempt) => plane.ended(attempt)))
    expect(new Set(attempts.map((a) => a.state))).toEqual(new Set(['cancelled']))
    for (const { outcome } of attempts) expect(outcome?.remaining_processes ?? 0).toBe(0)
  },
  120_000,
)

test.skipIf(reason)(
  'told to stop: the short job finishes, the long one is handed back, nothing is left',
  async () => {
    const short = plane.submit(bash('sleep 0.3; echo done'))
    const long = plane.submit({ command: ['sleep', '300'], max_attempts: 2 })
    const states = () => [short, long].map((a) => a.handBackReason ?? a.state)
    await eventually(states).toEqual(['running', 'running'])
    stop()
    expect(await over).toBe(0)
    expect(outputOf(short).toString()).toBe('done\n')
    expect(long.state).toBe('handed_back')
    expect(await readdir(join(config.dataDir, 'runner', 'attempts'))).toEqual([])
  },
  60_000,
)
