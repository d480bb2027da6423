import { expect, test } from 'vitest'
import type { ApiClient, FollowEvent, FollowRequest } from '../api/client.ts'
import { followJob, orGone, ServerGone, type Followed } from './follow-job.ts'

/** Sends what it is given, then nothing more, as a server that was killed. */
function aServer(events: FollowEvent[], next: Promise<Followed | undefined>) {
  const asked: FollowRequest[] = []
  async function* followLog(request: FollowRequest): AsyncGenerator<FollowEvent> {
    asked.push(request)
    yield* events
    await new Promise(() => {})
  }
  const server: Followed = { client: { followLog } as unknown as ApiClient, nextServer: () => next }
  return { server, asked }
}

const piece = (attempt: number, offset: number, text: string): FollowEvent => ({
  ...{ type: 'log', stream: 'stdout', time: 0, attempt, offset, bytes: Buffer.from(text) },
})
async function all(events: AsyncIterable<FollowEvent>): Promise<FollowEvent[]> {
  const seen: FollowEvent[] = []
  for await (const event of events) seen.push(event)
  return seen
}
const soon = <T>(value: T): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), 20))

test('a server that takes the place of the first is followed from the byte where that stopped', async () => {
  const second = aServer([piece(2, 3, 'def'), { type: 'end', attempt: 2, state: 'succeeded' }], new Promise(() => {}))
  const first = aServer([piece(2, 0, 'abc')], soon(second.server))
  const seen = await all(followJob(first.server, 'aaaaaaaaaaaa'))
  expect(seen.map((event) => (event.type === 'log' ? event.bytes.toString() : event.state))).toEqual([
    'abc',
    'def',
    'succeeded',
  ])
  expect(second.asked).toEqual([{ jobId: 'aaaaaaaaaaaa', attempt: 2, onward: true, offset: 3 }])
})

test('without another server following ends, and so does a question that is on its way', async () => {
  const { server } = aServer([piece(1, 0, 'abc')], soon(undefined))
  await expect(all(followJob(server, 'aaaaaaaaaaaa'))).rejects.toThrow(ServerGone)
  await expect(orGone(server, new Promise(() => {}))).rejects.toThrow(ServerGone)
  expect(await orGone(server, Promise.resolve(7))).toBe(7)
})
