import { afterEach, expect, test, vi } from 'vitest'
import { atOnce, inSlices } from './slices.ts'

afterEach(() => vi.restoreAllMocks())

function* steps(n: number, step: () => void = () => {}): Generator<void, number> {
  for (let i = 0; i < n; i++) {
    step()
    yield
  }
  return n
}

/** Others' turns while `work` goes on, where each look at the clock finds it `ms` later. */
async function turnsBeside(work: Generator<void, number>, ms: number): Promise<number> {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => (now += ms))
  let turns = 0
  let over = false
  const turn = (): void => {
    turns += 1
    if (!over) setImmediate(turn)
  }
  setImmediate(turn)
  await inSlices(work).finally(() => (over = true))
  return turns
}

test('others have their turn after each slice, and none is wasted on short work', async () => {
  // Two looks at the clock for each step that ends a slice.
  expect(await turnsBeside(steps(100), 10)).toBeGreaterThanOrEqual(99)
  expect(await turnsBeside(steps(100), 0.01)).toBe(0)
})

test('its value and its errors are those of the work', async () => {
  expect(await inSlices(steps(3))).toBe(3)
  expect(atOnce(steps(3))).toBe(3)
  const broken = steps(3, () => {
    throw new Error('broken')
  })
  await expect(inSlices(broken)).rejects.toThrow('broken')
})
