/** Readers that stall, leave, wait and are left: what each costs the server, and what each is told. */
import http2 from 'node:http2'
import { create, toBinary } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { outputWorld, sumOf, textOf, type OutputWorld } from '../../../test/output-world.ts'
import { secureServer } from '../../../test/secure-server.ts'
import { until } from '../../../test/until.ts'
import type * as logs from '../../operations/logs.ts'
import { JobService, OutputStream, SubscribeOutputRequestSchema } from './gen/runyard/v1/job_service_pb.js'

/** What the server reads for each follower, the first one first. */
interface Follower {
  jobId: string
  bytes: number
  over: boolean
}
const followers = vi.hoisted(() => [] as Follower[])
vi.mock('../../operations/logs.ts', async (original) => {
  const real = await original<typeof logs>()
  return {
    ...real,
    async *followLog(...wanted: Parameters<typeof real.followLog>) {
      const { jobId } = wanted.find((one) => typeof one === 'object' && 'jobId' in one) as { jobId: string }
      const follower = { jobId, bytes: 0, over: false }
      followers.push(follower)
      try {
        for await (const event of real.followLog(...wanted)) {
          if (event.type === 'log') for (const { bytes } of event.pieces) follower.bytes += bytes.length
          yield event
        }
      } finally {
        follower.over = true
      }
    },
  }
})

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
const mib = 1024 * 1024

const following = (jobId: string): number => followers.filter((one) => one.jobId === jobId && !one.over).length

test('a byte that is still to come is waited for, and a tail goes on', async () => {
  const { jobId, assignment } = await startedJob()
  await runner.write(assignment, '0123456789')
  await runner.write(assignment, 'abcdef', 'stderr')
  await runner.write(assignment, 'XYZ')
  // Live, so the byte may come: it is waited for.
  const later = all({ jobId, stream: OutputStream.STDOUT, offset: 15n })
  const tail = all({ jobId, tailBytes: 3n })
  await until(() => following(jobId) === 2)
  await runner.write(assignment, '-more')
  await runner.finish(assignment, good)
  const messages = await later
  expect([textOf(messages), messages[0]!.offset, messages.at(-1)!.nextOffset]).toEqual(['ore', 15n, 18n])
  expect(textOf(await tail)).toBe('XYZ-more')
})

/** Takes what fits into the smallest window that a client has, and then nothing. */
async function stalledReader(jobId: string) {
  const { cert, key, ca } = world.certificate
  const tls = { cert, key, ca, servername: 'localhost', settings: { initialWindowSize: 65_535 } }
  const session = http2.connect(`https://${world.server.grpc}`, tls)
  const stream = session.request({
    ':method': 'POST',
    ':path': '/runyard.v1.JobService/SubscribeOutput',
    'content-type': 'application/grpc+proto',
    te: 'trailers',
  })
  const message = toBinary(SubscribeOutputRequestSchema, create(SubscribeOutputRequestSchema, { jobId }))
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  stream.on('error', () => {})
  stream.end(Buffer.concat([prefix, message]))
  stream.pause()
  const follower = await until(() => followers.find((one) => one.jobId === jobId && one.bytes > 0))
  return { follower, session }
}

test('a reader that stalls costs the server a page or two, and hinders nobody', async () => {
  const { jobId, assignment } = await startedJob()
  const sum = await world.print(assignment, 8)
  const stalled = await stalledReader(jobId)
  const others = await Promise.all(Array.from({ length: 3 }, () => all({ jobId, noFollow: true })))
  for (const messages of others) expect(sumOf(messages)).toBe(sum)
  // While three others were sent 8 MiB each, and more comes.
  await world.print(assignment, 1)
  expect(stalled.follower.bytes).toBeLessThanOrEqual(mib)
  expect(stalled.follower.over).toBe(false)
  // Killed in the middle: the server lets go of its page and its place.
  stalled.session.destroy()
  await until(() => stalled.follower.over)
  await runner.finish(assignment, good)
})

test('the deadline and the caller end a stream that waits, and the server follows no more', async () => {
  const { jobId, assignment } = await startedJob()
  await runner.write(assignment, 'x')
  const leaving = new AbortController()
  const read = async (options: { timeoutMs?: number; signal?: AbortSignal }): Promise<[string, Code]> => {
    let got = ''
    try {
      for await (const { stdout } of world.admin.subscribeOutput({ jobId }, options))
        got += Buffer.from(stdout).toString()
    } catch (error) {
      return [got, ConnectError.from(error).code]
    }
    return [got, Code.Unknown]
  }
  const left = read({ signal: leaving.signal })
  expect(await read({ timeoutMs: 300 })).toEqual(['x', Code.DeadlineExceeded])
  await until(() => following(jobId) === 1)
  leaving.abort()
  expect(await left).toEqual(['x', Code.Canceled])
  await until(() => following(jobId) === 0)
  await runner.finish(assignment, good)
})

test('a server that stops says so: the end of a stream without an end is no end', async () => {
  const short = await secureServer()
  const itsRunner = await fakeRunner(short.runnerSocket)
  const client = short.as(JobService, await short.issue('admin'))
  const { job } = await client.start({ command: 'x' })
  const assignment = await itsRunner.claimOne()
  await itsRunner.started(assignment)
  await itsRunner.write(assignment, 'some')
  let got = ''
  const reading = (async () => {
    for await (const { stdout } of client.subscribeOutput({ jobId: job!.jobId })) got += Buffer.from(stdout).toString()
    return Code.Unknown
  })().catch((error: unknown) => ConnectError.from(error).code)
  await until(() => got === 'some')
  await short.stop()
  expect(await reading).toBe(Code.Unavailable)
  await short.close()
})
