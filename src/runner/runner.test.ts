import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { createFakeExecutor, type FakeRun } from '../executors/fake.ts'
import { StartRefused, type AttemptOrder } from '../executors/executor.ts'
import { AppError } from '../lib/app-error.ts'
import { outputOf } from './fake-control-plane.ts'
import { createRig, type Rig } from './test-rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await createRig()
})
afterEach(() => rig.close())

/** The fake executor runs what the job's first argument names. */
const running = (runs: Record<string, FakeRun>) => createFakeExecutor((order) => runs[order.spec.command[0]!] ?? {})
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a job is claimed, run, logged and finished, and nothing of it is left', async () => {
  const executor = running({ hello: { stdout: 'hello\n', stderr: 'warned\n' } })
  const { over, runner } = rig.start(executor)
  const attempt = await rig.plane.ended(rig.plane.submit({ command: ['hello'] }))
  expect(attempt.outcome).toMatchObject({ state: 'succeeded', exit_code: 0, remaining_processes: 0 })
  expect(outputOf(attempt).toString()).toBe('hello\n')
  expect(outputOf(attempt, 'stderr').toString()).toBe('warned\n')
  runner.stop()
  await over
  expect(executor.host.size).toBe(0)
  expect(rig.plane.goodbyes).toEqual(['draining', 'offline'])
})

test('one that is over before a word about its start could leave costs one call for all of it', async () => {
  const executor = running({ quick: { stdout: 'quick\n', unenforced: ['cpu'] } })
  const { start } = executor
  // As the launcher does it: a log in its memory is not there until the attempt has ended.
  executor.start = async (order) => {
    const attempt = await start(order)
    const { length } = attempt.log
    let over = false
    void attempt.ended.then(() => (over = true))
    attempt.log.length = () => (over ? length() : 0)
    return attempt
  }
  rig.start(executor)
  const attempt = await rig.plane.ended(rig.plane.submit({ command: ['quick'] }))
  expect(attempt).toMatchObject({ starts: 0, inline: true, outcome: { state: 'succeeded', unenforced: ['cpu'] } })
  expect(rig.plane.appendCalls).toBe(0)
  expect(outputOf(attempt).toString()).toBe('quick\n')
})

test('how it ended is said in the user’s words', async () => {
  const MiB = 2 ** 20
  rig.start(
    running({
      three: { exitCode: 3 },
      segv: { signal: 'SIGSEGV' },
      oom: { signal: 'SIGKILL', oomKilled: true },
      slow: { ms: 60_000 },
      missing: { refuse: new StartRefused('start', 'command not found: missing') },
      unlimited: { refuse: new StartRefused('refused', 'this runner cannot limit memory') },
    }),
  )
  const { plane } = rig
  const ended = await Promise.all([
    plane.ended(plane.submit({ command: ['three'] })),
    plane.ended(plane.submit({ command: ['segv'] })),
    plane.ended(plane.submit({ command: ['oom'] }, { limits: { memory_bytes: 64 * MiB } })),
    plane.ended(plane.submit({ command: ['slow'] }, { timeoutSeconds: 0.3 })),
    plane.ended(plane.submit({ command: ['missing'] })),
    plane.ended(plane.submit({ command: ['unlimited'] })),
  ])
  expect(ended.map(({ outcome: o }) => [o!.state, o!.error_class, o!.message])).toEqual([
    ['failed', 'exit', 'exited with code 3'],
    ['failed', 'signal', 'killed by SIGSEGV'],
    ['oom_killed', 'oom', 'killed for using more than its 64 MiB of memory'],
    ['timed_out', 'timeout', 'timed out after 0.3 s'],
    ['failed', 'start', 'command not found: missing'],
    ['failed', 'refused', 'this runner cannot limit memory'],
  ])
})

test('a timeout that needs a kill is a timeout, and a cancel that comes later does not rename it', async () => {
  rig.start(running({ stubborn: { ms: 60_000, ignoresTerm: true } }))
  const attempt = rig.plane.submit({ command: ['stubborn'], stop_grace_seconds: 0.4 }, { timeoutSeconds: 0.2 })
  await eventually(() => attempt.state).toBe('running')
  await sleep(350)
  rig.plane.cancel(attempt)
  await rig.plane.ended(attempt)
  expect(attempt.outcome).toMatchObject({ state: 'timed_out', signal: 'SIGKILL' })
})

test('a forced cancel ends a job that ignores SIGTERM, whatever its grace, also after a plain cancel', async () => {
  rig.start(running({ stubborn: { ms: 60_000, ignoresTerm: true } }))
  const submit = () => rig.plane.submit({ command: ['stubborn'], stop_grace_seconds: 600 })
  const [softFirst, atOnce] = [submit(), submit()]
  await eventually(() => [softFirst.state, atOnce.state]).toEqual(['running', 'running'])
  rig.plane.cancel(softFirst)
  await sleep(300)
  expect(softFirst.state).toBe('running')
  for (const attempt of [softFirst, atOnce]) rig.plane.cancel(attempt, { force: true })
  for (const attempt of [softFirst, atOnce]) {
    await rig.plane.ended(attempt)
    expect(attempt.outcome).toMatchObject({ state: 'cancelled', signal: 'SIGKILL', remaining_processes: 0 })
  }
})

test('a cancel ends the job as cancelled, at whatever moment it comes', async () => {
  rig.start(running({ slow: { ms: 60_000 } }))
  const attempts = []
  for (let i = 0; i < 30; i++) {
    const attempt = rig.plane.submit({ command: ['slow'] })
    attempts.push(attempt)
    setTimeout(() => rig.plane.cancel(attempt), Math.random() * 120)
    await sleep(10)
  }
  const ended = await Promise.all(attempts.map((attempt) => rig.plane.ended(attempt)))
  const states = new Set(ended.map((attempt) => attempt.state))
  expect([...states]).toEqual(['cancelled'])
})

test('every byte arrives: 16 MB without a newline beside many small jobs', async () => {
  const big = randomBytes(16 * 2 ** 20)
  rig.start(running({ big: { stdout: big }, small: { stdout: Buffer.from([0, 255, 254, 10]) } }))
  const bigOne = rig.plane.submit({ command: ['big'] })
  const small = Array.from({ length: 40 }, () => rig.plane.submit({ command: ['small'] }))
  await Promise.all([bigOne, ...small].map((attempt) => rig.plane.ended(attempt)))
  expect(sha(outputOf(bigOne))).toBe(sha(big))
  for (const attempt of small) expect([...outputOf(attempt)]).toEqual([0, 255, 254, 10])
}, 60_000)

test('output over the limit is cut with a mark, and the job ends as it would have', async () => {
  rig.start(running({ chatty: { stdout: 'x'.repeat(200_000) } }))
  const attempt = await rig.plane.ended(rig.plane.submit({ command: ['chatty'] }, { limits: { output_bytes: 1000 } }))
  expect(attempt.outcome).toMatchObject({ state: 'succeeded' })
  expect(outputOf(attempt).length).toBe(1000)
  const marks = outputOf(attempt, 'mark').toString()
  expect(marks.endsWith('{"kind":"truncated","bytes":199000}')).toBe(true)
})

test('the executor masks what is secret, and the note on its disk has nothing of it', async () => {
  const executor = running({ leak: { stdout: 'pw=hunter2-hunter2;\n' } })
  rig.start(executor)
  const attempt = rig.plane.submit({ command: ['leak'], env: { A: 'b' }, secret_env: { PASSWORD: 'hunter2-hunter2' } })
  await rig.plane.ended(attempt)
  expect(outputOf(attempt).toString()).toBe('pw=***;\n')
  const [{ env, note }] = executor.started as [AttemptOrder]
  expect(env).toEqual({ A: 'b', RUNYARD_JOB_ID: 'job000000001', RUNYARD_ATTEMPT: '1' })
  expect(JSON.stringify(note)).not.toContain('hunter2')
  expect(note).toMatchObject({ job_id: 'job000000001', ref: { jobKey: '1', number: 1 } })
})

test('what cannot start, told late, is told in the same words', async () => {
  rig.start(running({ late: { refuseLate: new StartRefused('start', 'command not found: late') } }))
  const attempt = await rig.plane.ended(rig.plane.submit({ command: ['late'] }))
  expect(attempt.outcome).toMatchObject({ state: 'failed', error_class: 'start', message: 'command not found: late' })
})

test('a start that fails through this runner’s fault is handed back', async () => {
  rig.start(running({ job: { refuse: new Error('no launcher') } }))
  const attempt = await rig.plane.ended(rig.plane.submit({ command: ['job'] }))
  expect(attempt).toMatchObject({ state: 'handed_back', handBackReason: 'cannot start the job: no launcher' })
})

test('one that dies with its launcher is lost', async () => {
  rig.start(running({ job: { lost: true } }))
  const attempt = await rig.plane.ended(rig.plane.submit({ command: ['job'] }))
  expect(attempt.outcome).toMatchObject({ state: 'lost', error_class: 'lost', message: 'lost: its launcher died' })
})

test('a log that the server lost is shipped again before the job ends', async () => {
  rig.start(running({ talk: { stdout: 'one two three\n', ms: 400 } }))
  const attempt = rig.plane.submit({ command: ['talk'] })
  await eventually(() => attempt.size).toBeGreaterThan(0)
  rig.plane.forgetLog(attempt, 0)
  await rig.plane.ended(attempt)
  expect(attempt.outcome?.state).toBe('succeeded')
  expect(outputOf(attempt).toString()).toBe('one two three\n')
})

test('a log that its disk does not give back is said to be cut off', async () => {
  rig.start(running({ talk: { stdout: 'x'.repeat(200_000), unreadableFrom: 0 } }))
  const attempt = await rig.plane.ended(rig.plane.submit({ command: ['talk'] }))
  expect(attempt.outcome?.state).toBe('succeeded')
  expect(attempt.outcome?.message).toMatch(/^its log is cut off: its disk does not give the last 200\d+ bytes back$/)
})

test('an attempt that was given away is killed without a report', async () => {
  const executor = running({ slow: { ms: 60_000 } })
  rig.start(executor)
  const attempt = rig.plane.submit({ command: ['slow'] })
  await eventually(() => attempt.state).toBe('running')
  rig.plane.giveAway(attempt)
  await eventually(() => executor.host.size).toBe(0)
  expect(attempt.outcome).toBeUndefined()
  // Once, with why: whoever wonders where the job went finds it in this runner's log.
  expect(rig.facts.filter(({ name }) => name === 'attempt.abandoned')).toMatchObject([
    { job: attempt.assignment.jobId, attempt: 1, reason: expect.stringMatching(/given away/) },
  ])
})

test('a server that refuses its heartbeats for good ends it at once, also while it has no room for claims', async () => {
  const executor = running({ slow: { ms: 60_000 } })
  const { over } = rig.start(executor)
  const attempts = Array.from({ length: 4 }, () => rig.plane.submit({ command: ['slow'] }))
  for (const attempt of attempts) await eventually(() => attempt.state).toBe('running')
  rig.plane.heartbeat = () => Promise.reject(new AppError('unauthenticated', 'out with you'))
  await expect(over).rejects.toThrow(/may not go on: .*out with you/)
  expect(executor.host.size).toBe(0)
})

test('a delivery that got lost comes again, and each job starts once', async () => {
  const executor = running({ slow: { ms: 200 } })
  rig.plane.loseNextClaim = true
  rig.start(executor)
  const attempts = Array.from({ length: 10 }, () => rig.plane.submit({ command: ['slow'] }))
  await Promise.all(attempts.map((attempt) => rig.plane.ended(attempt)))
  expect(executor.started.map((order) => order.key).toSorted()).toEqual(
    attempts.map(({ assignment }) => `${assignment.jobKey}-1`).toSorted(),
  )
})

test('jobs run on and are reported when the server comes back', async () => {
  const rounds = { hello: { stdout: 'before\n', ms: 300 } }
  rig.start(running(rounds))
  const attempt = rig.plane.submit({ command: ['hello'] })
  await eventually(() => attempt.state).toBe('running')
  await rig.stopServing()
  await sleep(500)
  expect(attempt.state).toBe('running')
  await rig.serveAgain()
  await rig.plane.ended(attempt)
  expect(attempt.outcome?.state).toBe('succeeded')
  expect(outputOf(attempt).toString()).toBe('before\n')
  const names = () => rig.facts.map((fact) => fact.name)
  await eventually(names).toEqual(expect.arrayContaining(['runner.link_lost', 'runner.link_back']))
})

test('without a heartbeat for too long the job is stopped and said to be lost', async () => {
  const executor = running({ slow: { ms: 60_000 } })
  rig.start(executor)
  const attempt = rig.plane.submit({ command: ['slow'] })
  await eventually(() => attempt.state).toBe('running')
  rig.plane.away = true
  const lost = () => rig.facts.filter((fact) => fact.name === 'attempt.ended' && fact.state === 'lost').length
  await eventually(lost).toBe(1)
  rig.plane.away = false
  await rig.plane.ended(attempt)
  expect(attempt.outcome).toMatchObject({ state: 'lost', error_class: 'lost' })
}, 15_000)

const slots = (n: number) => ({ slots: n, cpuMillis: 4_000, memoryMib: 4_096 })

test('never more jobs than slots, nor more memory than there is', async () => {
  let now = 0
  let most = 0
  const executor = running({ slow: { ms: 100 } })
  const { start } = executor
  executor.start = async (order) => {
    most = Math.max(most, ++now)
    const attempt = await start(order)
    void attempt.ended.then(() => now--)
    return attempt
  }
  rig.start(executor, { description: { ...described, ...slots(3) } })
  const attempts = Array.from({ length: 12 }, () => rig.plane.submit({ command: ['slow'] }))
  await Promise.all(attempts.map((attempt) => rig.plane.ended(attempt)))
  expect(most).toBe(3)
  expect(new Set(executor.started.map((order) => order.slot))).toEqual(new Set([0, 1, 2]))
})

const described = {
  name: 'test',
  session: 's',
  version: '0',
  hostname: 'here',
  labels: {},
  slots: 4,
  cpuMillis: 4_000,
  memoryMib: 4_096,
  executors: ['fake'],
  facilities: {},
}

test('no server: it gives up with a clear message', async () => {
  await rig.stopServing()
  const { over } = rig.start(running({}), { firstContactMs: 400 })
  await expect(over).rejects.toThrow(/^no server found within 0\.4 s: /)
})
