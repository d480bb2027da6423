/** The small parts: waiting, batching, counting. */
import { expect, test } from 'vitest'
import { AppError } from '../lib/app-error.ts'
import { pauseMs, untilAnswered } from './backoff.ts'
import { createBatches } from './batches.ts'
import { createCapacity } from './capacity.ts'
import { isFull } from './disk-room.ts'
import { createStartFailures } from './start-failures.ts'

const quick = { firstMs: 1, maxMs: 2 }
const never = new AbortController().signal

test('a passing failure is tried again, a definite one is not', async () => {
  let tries = 0
  const answer = await untilAnswered(
    async () => {
      if (++tries < 4) throw new AppError('unavailable', 'away')
      return 'here'
    },
    never,
    quick,
  )
  expect([answer, tries]).toEqual(['here', 4])
  const refused = () => Promise.reject(new AppError('permission_denied', 'no'))
  await expect(untilAnswered(refused, never, quick)).rejects.toThrow('no')
})

test('pauses grow to their bound and are spread', () => {
  const backoff = { firstMs: 100, maxMs: 5_000 }
  expect([1, 2, 3, 7, 50].map((n) => pauseMs(n, backoff, 1))).toEqual([100, 200, 400, 5_000, 5_000])
  expect(pauseMs(50, backoff, 0)).toBe(2_500)
})

test('messages of one moment share a call; a refused one does not take the others with it', async () => {
  const calls: number[][] = []
  const send = createBatches(
    async (items: number[]) => {
      calls.push(items)
      if (items.includes(3)) throw new AppError('invalid_argument', 'three')
      return items.map((n) => n * 10)
    },
    { most: 4, signal: never },
  )
  const answers = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => send(n)))
  expect(answers.map((a) => (a.status === 'fulfilled' ? a.value : 'refused'))).toEqual([10, 20, 'refused', 40, 50])
  expect(calls).toEqual([[1, 2, 3, 4], [1], [2], [3], [4], [5]])
})

test('slots, and what jobs asked for by name', () => {
  const capacity = createCapacity({ slots: 3, cpuMillis: 2_000, memoryMib: 1_000 })
  const plain = capacity.reserve({})!
  const asking = capacity.reserve({ limits: { cpu: 0.5, memory_bytes: 300 * 2 ** 20 } })!
  expect([plain.slot, asking.slot]).toEqual([0, 1])
  expect(capacity.free()).toEqual({ slots: 1, messages: 0, cpuMillis: 1_500, memoryMib: 700 })
  capacity.release(plain)
  expect(capacity.reserve({})!.slot).toBe(0)
  expect(capacity.reserve({}, 1)).toBeNull()
  capacity.release(asking)
  capacity.release(asking)
  expect(capacity.free()).toEqual({ slots: 2, messages: 0, cpuMillis: 2_000, memoryMib: 1_000 })
})

test('messages have their own room', () => {
  const capacity = createCapacity({ slots: 1, cpuMillis: 1, memoryMib: 1, executors: ['sandbox', 'message'] })
  const whole = capacity.free()
  const sent = Array.from({ length: 8 }, () => capacity.reserve({ executor: 'message' })!)
  expect(sent.map(({ slot }) => slot)).toEqual(Array(8).fill(null))
  expect(capacity.free()).toEqual({ ...whole, messages: 0 })
  expect(capacity.reserve({})!.slot).toBe(0)
  expect(capacity.free()).toEqual({ slots: 0, messages: 0, cpuMillis: 1, memoryMib: 1 })
  capacity.release(sent[0]!)
  capacity.release(sent[0]!)
  expect(capacity.free()).toMatchObject({ slots: 0, messages: 1 })
})

test('a large disk that is nine tenths full has room, a small one has not', () => {
  const GiB = 2 ** 30
  expect(isFull(1_000 * GiB, 50 * GiB)).toBe(false)
  expect(isFull(10 * GiB, 0.5 * GiB)).toBe(true)
  expect(isFull(10 * GiB, 1.5 * GiB)).toBe(false)
  expect(isFull(1_000 * GiB, 0.01 * GiB)).toBe(true)
})

test('a start that keeps failing here is handed back three times, and the runner slows down meanwhile', () => {
  const failures = createStartFailures()
  const job = { jobKey: '1' }
  expect(failures.pauseMs()).toBe(0)
  expect([1, 2, 3, 4].map(() => failures.handBack(job))).toEqual([true, true, true, false])
  expect(failures.pauseMs()).toBeGreaterThanOrEqual(4_000)
  failures.succeeded()
  expect(failures.pauseMs()).toBe(0)
})
