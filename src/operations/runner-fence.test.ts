import { expect, test } from 'vitest'
import { createFence, type AskFence } from './runner-fence.ts'

const from = { runnerId: '1', session: 'a' }
const ref = (jobKey: string, token = '7') => ({ jobKey, number: 1, token })

/** Answers that everything is held but the given tokens, and takes its time. */
function slowDatabase(clock: { now: number }, tookMs: number, away: string[] = []) {
  let asked = 0
  const ask: AskFence = async (items) => {
    asked += 1
    clock.now += tookMs
    return items.map(({ ref }) => !away.includes(ref.token))
  }
  return { ask, asked: () => asked }
}

test('what gets too old while the database is asked for others is not called stale', async () => {
  const clock = { now: 0 }
  const { ask } = slowDatabase(clock, 10)
  const fence = createFence(ask, 1000, () => clock.now)
  expect(await fence.holds(from, [ref('1')])).toEqual([true])
  clock.now = 995
  expect(await fence.holds(from, [ref('1'), ref('2')])).toEqual([true, true])
})

test('an answer that took longer than it is remembered for is an answer', async () => {
  const clock = { now: 0 }
  const { ask } = slowDatabase(clock, 5000)
  expect(await createFence(ask, 1000, () => clock.now).holds(from, [ref('1')])).toEqual([true])
})

test('asked once, and again after a while; what went elsewhere is stale', async () => {
  const clock = { now: 0 }
  const { ask, asked } = slowDatabase(clock, 1, ['8'])
  const fence = createFence(ask, 1000, () => clock.now)
  expect(await fence.holds(from, [ref('1'), ref('2', '8')])).toEqual([true, false])
  expect(await fence.holds(from, [ref('1')])).toEqual([true])
  expect(asked()).toBe(1)
  clock.now = 1500
  expect(await fence.holds(from, [ref('1')])).toEqual([true])
  expect(asked()).toBe(2)
})
