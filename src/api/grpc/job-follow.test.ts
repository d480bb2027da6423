/** Output over gRPC: every byte once, from wherever a reader begins, and what is no beginning. */
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FakeRunner } from '../../../test/fake-runner.ts'
import { outputWorld, sumOf, textOf, type OutputRequest, type OutputWorld } from '../../../test/output-world.ts'
import { encodeMark } from '../../logs/records.ts'
import { OutputStream, type SubscribeOutputResponse } from './gen/runyard/v1/job_service_pb.js'

let world: OutputWorld
let runner: FakeRunner
let startedJob: OutputWorld['startedJob']
let all: OutputWorld['all']
beforeAll(async () => {
  world = await outputWorld()
  ;({ runner, startedJob, all } = world)
})
afterAll(() => world.server.close())

const good = { state: 'succeeded', exit_code: 0, remaining_processes: 0 } as const
const bad = { state: 'failed', error_class: 'exit', exit_code: 9, remaining_processes: 0 } as const

/** As a reader would check: each message begins where the one before it ended. */
function withoutGaps(messages: SubscribeOutputResponse[]): void {
  let place: { attempt: number; next: bigint } | undefined
  for (const { attempt, offset, nextOffset, stdout, stderr, end } of messages) {
    if (place?.attempt === attempt) expect(offset).toBe(place.next)
    if (!end) expect(nextOffset).toBe(offset + BigInt(stdout.length + stderr.length))
    place = { attempt, next: nextOffset }
  }
}

async function refusal(request: OutputRequest): Promise<[Code, string]> {
  const error = await all(request).then(
    () => Promise.reject(new Error('it was not refused')),
    (e: unknown) => ConnectError.from(e),
  )
  return [error.code, error.rawMessage]
}

test('both streams in the order of arrival, live, with the end', async () => {
  const { jobId, assignment } = await startedJob()
  const live = all({ jobId })
  for (const [bytes, stream] of [
    ['a\0b', 'stdout'],
    ['E', 'stderr'],
    ['c', 'stdout'],
  ] as const) {
    await runner.write(assignment, bytes, stream)
  }
  await runner.finish(assignment, bad)
  const replayed = await all({ jobId })
  for (const messages of [await live, replayed]) {
    withoutGaps(messages)
    expect([textOf(messages), textOf(messages, 'stderr')]).toEqual(['a\0bc', 'E'])
    expect(messages.at(-1)).toMatchObject({ attempt: 1, nextOffset: 5n, end: { state: 'failed', exitCode: 9 } })
    expect(messages.at(-1)!.end!.status).toBe('failed')
  }
  expect(replayed.map(({ stdout, stderr }) => [stdout.length, stderr.length])).toEqual([
    [3, 0],
    [0, 1],
    [1, 0],
    [0, 0],
  ])
  expect(Number(replayed[0]!.time!.seconds)).toBeGreaterThan(1_700_000_000)
})

test('one stream, from an offset, the tail, and what is there now', async () => {
  const { jobId, assignment } = await startedJob()
  await runner.write(assignment, '0123456789')
  await runner.write(assignment, 'abcdef', 'stderr')
  await runner.write(assignment, 'XYZ')
  const now = { jobId, noFollow: true }
  expect(textOf(await all(now))).toBe('0123456789XYZ')
  expect(textOf(await all({ ...now, stream: OutputStream.STDERR }), 'stderr')).toBe('abcdef')
  expect(textOf(await all({ ...now, stream: OutputStream.STDOUT, offset: 8n }))).toBe('89XYZ')
  expect(textOf(await all({ ...now, tailBytes: 5n }), 'stderr')).toBe('ef')
  expect(textOf(await all({ ...now, tailBytes: 0n }))).toBe('')
  expect(textOf(await all({ ...now, tailBytes: 2n ** 63n }))).toBe('0123456789XYZ')
  const [end] = await all({ ...now, offset: 19n })
  expect(end).toMatchObject({ offset: 19n, nextOffset: 19n, end: { state: 'running' } })
  await runner.finish(assignment, good)
})

test('what cannot be followed is refused in words', async () => {
  const { jobId, assignment } = await startedJob()
  await runner.write(assignment, 'abc')
  expect(await refusal({ jobId, attempt: 2 })).toEqual([
    Code.NotFound,
    'attempt: the job has no attempt 2; its last one is 1',
  ])
  expect(await refusal({ jobId, offset: 4n, noFollow: true })).toEqual([
    Code.OutOfRange,
    'offset: 4 is beyond the end, there are 3 bytes',
  ])
  await runner.finish(assignment, good)
  expect((await refusal({ jobId, offset: 4n }))[0]).toBe(Code.OutOfRange)
  expect((await refusal({ jobId, attempt: 4_294_967_295 }))[0]).toBe(Code.NotFound)
  expect(await refusal({ jobId, offset: 2n ** 53n })).toEqual([
    Code.InvalidArgument,
    'offset: is at most 9007199254740991',
  ])
  expect(await refusal({ jobId, offset: 1n, tailBytes: 1n })).toEqual([
    Code.InvalidArgument,
    'tail_bytes: give it or offset, not both',
  ])
  expect((await refusal({ jobId, stream: 7 as never }))[1]).toMatch(/^stream: /)
  expect((await refusal({ jobId: 'x' }))[1]).toMatch(/^job_id: /)
  expect((await refusal({ jobId: '000000000000' }))[0]).toBe(Code.NotFound)
  expect(textOf(await all({ jobId, offset: 3n }))).toBe('')
})

test('attempts: the newest and those after it, one of them, or from one of them onward', async () => {
  const { jobId, assignment } = await startedJob({ max_attempts: 3, retry: { backoff_seconds: 0 } })
  const onward = all({ jobId })
  await runner.write(assignment, 'first')
  await runner.finish(assignment, bad)
  const second = await runner.claimOne()
  expect([second.jobId, second.ref.number]).toEqual([jobId, 2])
  await runner.write(second, 'second')
  expect(textOf(await all({ jobId, attempt: 1 }))).toBe('first')
  expect(textOf(await all({ jobId, attempt: 1, onward: true, noFollow: true }))).toBe('firstsecond')
  expect(textOf(await all({ jobId, noFollow: true }))).toBe('second')
  expect((await refusal({ jobId, attempt: 1, offset: 6n }))[0]).toBe(Code.OutOfRange)
  await runner.finish(second, good)
  const messages = await onward
  expect(messages.map(({ attempt, offset, end }) => [attempt, offset, end?.state])).toEqual([
    [1, 0n, undefined],
    [2, 0n, undefined],
    [2, 6n, 'succeeded'],
  ])
  expect(textOf(await all({ jobId, attempt: 1, onward: true, offset: 2n }))).toBe('rstsecond')
  expect(textOf(await all({ jobId }))).toBe('second')
})

test('a reader of a job that waits is served when it runs; one that is stopped before has an end', async () => {
  const { job } = await world.admin.start({ command: 'x' })
  const reading = all({ jobId: job!.jobId, offset: 0n })
  await world.admin.stop({ jobId: job!.jobId })
  expect(await reading).toMatchObject([{ attempt: 0, offset: 0n, end: { state: 'cancelled', status: 'terminated' } }])
})

test('discarded output is told where it happened and at the end', async () => {
  const { jobId, assignment } = await startedJob()
  await runner.write(assignment, 'kept')
  const { ref } = assignment
  const at = await runner.write(assignment, '!')
  const mark = new Uint8Array(encodeMark(Date.now(), { kind: 'truncated', bytes: 1234 }))
  await runner.rpc.appendLog({ ...runner.who, chunks: [{ ref, offset: BigInt(at), bytes: mark }] })
  const logLength = BigInt(at + mark.length)
  await runner.rpc.finish({ ...runner.who, reports: [{ ref, outcomeJson: JSON.stringify(good), logLength }] })
  const messages = await all({ jobId })
  expect(messages.map(({ discardedBytes, nextOffset }) => [discardedBytes, nextOffset])).toEqual([
    [undefined, 5n],
    [1234n, 5n],
    [1234n, 5n],
  ])
})

test('messages are large, and none beyond 256 KiB', async () => {
  const { jobId, assignment } = await startedJob()
  const sum = await world.print(assignment, 4)
  await runner.finish(assignment, good)
  const messages = await all({ jobId })
  withoutGaps(messages)
  const sizes = messages.slice(0, -2).map(({ stdout }) => stdout.length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024)
  expect(sizes.reduce((a, b) => a + b, 0) / sizes.length).toBeGreaterThan(32 * 1024)
  expect(sumOf(messages)).toBe(sum)
})
