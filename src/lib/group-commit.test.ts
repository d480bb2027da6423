import { expect, test } from 'vitest'
import { createGroupCommit, type Settled } from './group-commit.ts'

function recorder() {
  const flushes: number[][] = []
  const gates: (() => void)[] = []
  const run = async (items: number[]): Promise<Settled<string>[]> => {
    flushes.push(items)
    await new Promise<void>((resolve) => gates.push(resolve))
    return items.map((n) => (n < 0 ? { ok: false, error: new Error(`bad ${n}`) } : { ok: true, value: `done ${n}` }))
  }
  const open = async (): Promise<void> => {
    while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve))
    gates.shift()?.()
  }
  return { flushes, run, open }
}

test('what arrives during a flight goes together into the next one', async () => {
  const { flushes, run, open } = recorder()
  const group = createGroupCommit(run, { maxItems: 10, concurrency: 1 })
  const first = group.add(1)
  await new Promise((resolve) => setImmediate(resolve))
  const rest = [2, 3, 4].map((n) => group.add(n))
  await open()
  await open()
  expect(await Promise.all([first, ...rest])).toEqual(['done 1', 'done 2', 'done 3', 'done 4'])
  expect(flushes).toEqual([[1], [2, 3, 4]])
})

test('errors are kept apart', async () => {
  const { run, open } = recorder()
  const group = createGroupCommit(run, { maxItems: 10, concurrency: 1 })
  const results = Promise.allSettled([group.add(1), group.add(-2), group.add(3)])
  await open()
  expect((await results).map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('a flush takes at most maxItems, and a flush that throws answers everybody in it', async () => {
  const sizes: number[] = []
  const group = createGroupCommit<number, number>(
    async (items) => {
      sizes.push(items.length)
      if (items.includes(3)) throw new Error('database gone')
      return items.map((value) => ({ ok: true, value }))
    },
    { maxItems: 2, concurrency: 1 },
  )
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => group.add(n)))
  expect(sizes).toEqual([2, 2, 1])
  expect(results.map((r) => r.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled'])
})

test('drain waits for all of them', async () => {
  let settled = 0
  const group = createGroupCommit<number, void>(
    async (items) => {
      await new Promise((resolve) => setImmediate(resolve))
      return items.map(() => ({ ok: true, value: undefined }))
    },
    { maxItems: 1, concurrency: 1 },
  )
  for (let i = 0; i < 5; i++) void group.add(i).then(() => (settled += 1))
  await group.drain()
  expect(settled).toBe(5)
})
