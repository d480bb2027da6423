/** The runner port over its real unix socket. */
import { statSync } from 'node:fs'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type TestServer } from '../../../test/running-server.ts'
import { encodeRecord } from '../../logs/records.ts'
import { ReportResult } from './gen/runyard/runner/v1/runner_pb.js'

let server: TestServer
beforeAll(async () => {
  // A minute between polls: what is claimed here was told by a notice, or was there when the runner asked.
  server = await runningServer({}, { claimPollMs: 60_000 })
})
afterAll(() => server.close())

const submit = async (n = 1): Promise<string[]> =>
  (await server.client.calls.jobs.submitMany({ jobs: Array.from({ length: n }, () => ({ command: ['true'] })) })).ids
const chunk = (ref: object, text: string, offset = 0) => ({
  ref: ref as never,
  offset: BigInt(offset),
  bytes: new Uint8Array(encodeRecord('stdout', 1, Buffer.from(text))),
})
const ok = JSON.stringify({ state: 'succeeded', exit_code: 0 })

test('the socket is for this user only', () => {
  expect(statSync(server.runnerSocket).mode & 0o777).toBe(0o600)
})

test('a submit wakes a waiting claim', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'waits' })
  const claimed = runner.claim(1, 20_000)
  await new Promise((resolve) => setTimeout(resolve, 150))
  const [id] = await submit()
  const [assignment] = await claimed
  expect(assignment?.jobId).toBe(id)
  await runner.finish(assignment!, { state: 'succeeded', exit_code: 0 })
})

test('a finish wakes a claim that came before its commit, as a runner with a free slot sends it', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'one-slot', slots: 1 })
  const [first, second] = await submit(2)
  const [running] = await runner.claim(1, 20_000)
  expect(running?.jobId).toBe(first)
  const next = runner.claim(1, 20_000)
  await new Promise((resolve) => setTimeout(resolve, 150))
  await runner.finish(running!, { state: 'succeeded', exit_code: 0 })
  const [assignment] = await next
  expect(assignment?.jobId).toBe(second)
  await runner.finish(assignment!, { state: 'succeeded', exit_code: 0 })
})

test('an assignment carries what the runner must hold', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'limits' })
  await server.client.calls.jobs.submit({
    command: ['true'],
    limits: { memory_bytes: 8 * 2 ** 20 },
    timeout_seconds: 7,
  })
  const assignment = await runner.claimOne()
  expect(JSON.parse(assignment.limitsJson)).toMatchObject({ memory_bytes: 8 * 2 ** 20, pids: 256, cpu: 1 })
  expect([assignment.namedLimits, assignment.timeoutSeconds]).toEqual([['memory_bytes'], 7])
  await runner.finish(assignment, { state: 'succeeded', exit_code: 0 })
})

test('G5: log and result are taken only with the attempt’s own token, runner and process', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'mine' })
  const other = await fakeRunner(server.runnerSocket, { name: 'other' })
  const [id] = await submit()
  const { ref } = await runner.claimOne()
  const wrong = [
    { who: runner.who, ref: { ...ref, token: String(BigInt(ref.token) + 1n) } },
    { who: runner.who, ref: { ...ref, number: ref.number + 1 } },
    { who: other.who, ref },
    { who: { ...runner.who, session: 'an earlier one' }, ref },
  ]
  for (const { who, ref: named } of wrong) {
    const appended = await runner.rpc.appendLog({ ...who, chunks: [chunk(named, 'forged')] })
    expect(appended.results.map((r) => r.stale)).toEqual([true])
    const report = { ref: named, outcomeJson: ok, logLength: 0n }
    expect((await runner.rpc.finish({ ...who, reports: [report] })).results).toEqual([ReportResult.STALE])
    const started = { ref: named, startedAtMs: 1n, unenforced: [] }
    expect((await runner.rpc.reportStarted({ ...who, started: [started] })).results).toEqual([ReportResult.STALE])
    expect((await runner.rpc.handBack({ ...who, refs: [named], reason: 'x' })).results).toEqual([ReportResult.STALE])
  }
  expect(await server.client.calls.jobs.get({ id: id! })).toMatchObject({ state: 'leased' })
  expect((await server.client.readLog({ jobId: id! })).bytes.toString()).toBe('')
  const mine = await runner.rpc.appendLog({ ...runner.who, chunks: [chunk(ref, 'mine')] })
  expect(mine.results[0]?.stale).toBe(false)
  await runner.rpc.finish({
    ...runner.who,
    reports: [{ ref, outcomeJson: ok, logLength: mine.results[0]!.accepted }],
  })
  // After the end nothing is taken any more, not even from the right one.
  const late = await runner.rpc.appendLog({ ...runner.who, chunks: [chunk(ref, 'late')] })
  expect(late.results.map((r) => r.stale)).toEqual([true])
})

test('a result is taken only with its whole log', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'incomplete' })
  const [id] = await submit()
  const { ref } = await runner.claimOne()
  const first = chunk(ref, 'first')
  const report = { ref, outcomeJson: ok, logLength: BigInt(first.bytes.length) }
  expect((await runner.rpc.finish({ ...runner.who, reports: [report] })).results).toEqual([ReportResult.LOG_INCOMPLETE])
  expect(await server.client.calls.jobs.get({ id: id! })).toMatchObject({ state: 'leased' })
  // A chunk with a gap before it is not taken, and the answer says where to go on; a repeated one changes nothing.
  const gap = await runner.rpc.appendLog({ ...runner.who, chunks: [chunk(ref, 'later', 999)] })
  expect(gap.results[0]?.accepted).toBe(0n)
  for (let i = 0; i < 2; i++) await runner.rpc.appendLog({ ...runner.who, chunks: [first] })
  expect((await runner.rpc.finish({ ...runner.who, reports: [report] })).results).toEqual([ReportResult.ACCEPTED])
  expect((await runner.rpc.finish({ ...runner.who, reports: [report] })).results).toEqual([ReportResult.STALE])
  expect((await server.client.readLog({ jobId: id! })).bytes.toString()).toBe('first')
})

test('a short log comes with the report: no start, no chunk, and all of it is there and over', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'short' })
  const [id] = await submit()
  const { ref } = await runner.claimOne()
  await new Promise((resolve) => setTimeout(resolve, 5))
  const now = new Date().toISOString()
  const times = { started_at: now, ended_at: now }
  const outcomeJson = JSON.stringify({ state: 'succeeded', exit_code: 0, ...times, unenforced: ['pids'] })
  const log = chunk(ref, 'all of it').bytes
  const followed = (async () => {
    const seen: string[] = []
    for await (const event of server.client.followLog({ jobId: id! })) {
      seen.push(event.type === 'log' ? Buffer.from(event.bytes).toString() : event.type)
    }
    return seen
  })()
  const report = { ref, outcomeJson, logLength: BigInt(log.length), log }
  const refused = [
    { ...report, logLength: 1n },
    { ...report, log: log.subarray(1), logLength: BigInt(log.length - 1) },
  ]
  for (const bad of refused) {
    const error = await runner.rpc.finish({ ...runner.who, reports: [bad] }).catch((e: unknown) => e)
    expect(ConnectError.from(error).code).toBe(Code.InvalidArgument)
  }
  const forged = {
    ...report,
    ref: { ...ref, token: String(BigInt(ref.token) + 1n) },
    log: chunk(ref, 'for others').bytes,
  }
  const both = [{ ...forged, logLength: BigInt(forged.log.length) }, report]
  const { results } = await runner.rpc.finish({ ...runner.who, reports: both })
  expect(results).toEqual([ReportResult.STALE, ReportResult.ACCEPTED])
  // The answer got lost.
  expect((await runner.rpc.finish({ ...runner.who, reports: [report] })).results).toEqual([ReportResult.STALE])
  expect(await followed).toEqual(['all of it', 'end'])
  expect((await server.client.readLog({ jobId: id! })).bytes.toString()).toBe('all of it')
  const job = (await server.client.calls.jobs.get({ id: id! })) as { started_at: string; result: object }
  expect(job).toMatchObject({ state: 'succeeded', started_at: times.started_at, result: { unenforced: ['pids'] } })
  const { attempts } = (await server.client.calls.jobs.attempts({ id: id! })) as { attempts: object[] }
  expect(attempts).toMatchObject([{ state: 'succeeded', log: { stdout_bytes: 9 } }])
})

test('a short log whose first part came in a chunk is completed', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'partly' })
  const [id] = await submit()
  const { ref } = await runner.claimOne()
  const first = chunk(ref, 'first ')
  await runner.rpc.appendLog({ ...runner.who, chunks: [first] })
  const log = new Uint8Array(Buffer.concat([first.bytes, chunk(ref, 'second').bytes]))
  const report = { ref, outcomeJson: ok, logLength: BigInt(log.length), log }
  expect((await runner.rpc.finish({ ...runner.who, reports: [report] })).results).toEqual([ReportResult.ACCEPTED])
  expect((await server.client.readLog({ jobId: id! })).bytes.toString()).toBe('first second')
})

test('many chunks of one attempt in one call are taken in order', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'batches' })
  const [id] = await submit()
  const { ref } = await runner.claimOne()
  let offset = 0
  const chunks = Array.from({ length: 50 }, (_, i) => {
    const one = chunk(ref, `line ${i}\n`, offset)
    offset += one.bytes.length
    return one
  })
  const { results } = await runner.rpc.appendLog({ ...runner.who, chunks })
  expect(Number(results.at(-1)?.accepted)).toBe(offset)
  await runner.rpc.finish({ ...runner.who, reports: [{ ref, outcomeJson: ok, logLength: BigInt(offset) }] })
  const text = (await server.client.readLog({ jobId: id! })).bytes.toString()
  expect(text).toBe(Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(''))
})

test('finishes of many calls share transactions, and each gets its own answer', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'crowd', slots: 200 })
  await submit(100)
  const assignments = await runner.claim(100, 5_000)
  expect(assignments).toHaveLength(100)
  const transactions = async (): Promise<number> => {
    const { rows } = await server.db.query<{ n: number }>(
      `select (count(distinct xmin::text))::int as n from attempts where runner_id = $1 and ended_at is not null`,
      [runner.who.runnerId],
    )
    return rows[0]!.n
  }
  const results = await Promise.all(
    assignments.map(({ ref }, i) => {
      const token = i % 10 === 0 ? '1' : ref!.token
      return runner.rpc.finish({
        ...runner.who,
        reports: [{ ref: { ...ref!, token }, outcomeJson: ok, logLength: 0n }],
      })
    }),
  )
  expect(results.map((r) => r.results[0])).toEqual(
    assignments.map((_, i) => (i % 10 === 0 ? ReportResult.STALE : ReportResult.ACCEPTED)),
  )
  expect(await transactions()).toBeLessThan(45)
  await runner.rpc.handBack({ ...runner.who, refs: assignments.map((a) => a.ref!), reason: 'end of test' })
  await runner.rpc.goodbye({ ...runner.who, state: 'offline' })
})

test('a new process of the same runner is told what it holds; the old one is fenced off', async () => {
  const old = await fakeRunner(server.runnerSocket, { name: 'restarts' })
  await submit()
  const { ref } = await old.claimOne()
  await old.started({ ref } as never)
  const fresh = await fakeRunner(server.runnerSocket, { name: 'restarts' })
  expect(fresh.who.runnerId).toBe(old.who.runnerId)
  expect(fresh.held.map((r) => r.token)).toEqual([ref.token])
  const beat = await old.rpc.heartbeat({ ...old.who, held: [ref] })
  expect([beat.renewed.length, beat.stale.map((r) => r.token)]).toEqual([0, [ref.token]])
  const renewed = await fresh.rpc.heartbeat({ ...fresh.who, held: [ref] })
  expect(renewed.renewed.map((r) => r.token)).toEqual([ref.token])
  await fresh.finish({ ref } as never, { state: 'succeeded', exit_code: 0 })
})

test('what is no message of a runner is refused in words, never with a stack', async () => {
  const runner = await fakeRunner(server.runnerSocket, { name: 'odd' })
  const calls = [
    runner.rpc.heartbeat({ runnerId: "1' or 1=1", session: 'x', held: [] }),
    runner.rpc.heartbeat({ ...runner.who, held: [{ jobKey: '99999999999999999999', number: 1, token: '1' }] }),
    runner.rpc.finish({
      ...runner.who,
      reports: [{ ref: { jobKey: '1', number: 1, token: '1' }, outcomeJson: '{"state":"running"}', logLength: 0n }],
    }),
    runner.rpc.goodbye({ ...runner.who, state: 'asleep' }),
  ].map((call) => call.catch((e: unknown) => e))
  for (const call of calls) {
    const error = ConnectError.from(await call)
    expect(error.code).toBe(Code.InvalidArgument)
    expect(error.message).not.toMatch(/ at .*\.ts/)
  }
})
