import { expect, test } from 'vitest'
import { createCatchUp } from './catch-up.ts'

function at(times: number[]): boolean[] {
  let now = 0
  const { mayKill } = createCatchUp(() => now)
  return times.map((time) => {
    now = time
    return mayKill()
  })
}

test('after a standstill one breath, then as ever', () => {
  expect(at([250, 500, 9000, 9010, 9250, 9500])).toEqual([true, true, false, false, true, true])
})

test('where every pass is late, every second one kills', () => {
  expect(at([2000, 4000, 6000])).toEqual([false, true, true])
})
