import { afterEach, beforeEach, expect, test, vi, type MockInstance } from 'vitest'
import type { FollowEvent } from '../api/client.ts'
import { AppError } from '../lib/app-error.ts'
import { watchFollowing } from './lost-server.ts'

let stderr: MockInstance
beforeEach(() => void (stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)))
afterEach(() => vi.restoreAllMocks())

const following = { url: 'srv:50051', jobId: 'aaaaaaaaaaaa', verbose: true }
const bytes = Buffer.from('hello')
const refused = new AppError('unavailable', 'nobody listens there')

async function* broken(): AsyncGenerator<FollowEvent> {
  yield { type: 'log', attempt: 1, stream: 'stdout', offset: 10, time: 0, bytes }
  throw refused
}
async function drain(events: AsyncIterable<FollowEvent>): Promise<void> {
  for await (const event of events) void event
}

test('one notice for each loss that lasts, none for a short one', () => {
  const { onAway } = watchFollowing(following)
  for (const ms of [0, 300, 2_500, 7_000, 0, 500, 2_100]) onAway(ms)
  expect(stderr.mock.calls).toEqual(Array(2).fill(['runyard: connection lost, trying again…\n']))
})

test('a server that stays away: the job goes on, from this byte; one that never was there says so itself', async () => {
  const met = watchFollowing(following)
  met.onAway(0)
  await expect(drain(met.guard(broken()))).rejects.toThrow(
    'no server answers at srv:50051 any more; the job aaaaaaaaaaaa goes on: runyard log -f aaaaaaaaaaaa --offset 15',
  )
  const never = watchFollowing(following)
  await expect(drain(never.guard(broken()))).rejects.toBe(refused)
})
