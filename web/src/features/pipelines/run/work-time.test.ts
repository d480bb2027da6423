import { expect, test } from 'vitest'
import { workTime } from './work-time.ts'

const at = (second: number) => new Date(second * 1000).toISOString()
const task = (kind: 'script' | 'approval', from: number, to: number | null) => ({
  kind,
  started_at: at(from),
  ended_at: to === null ? null : at(to),
})

test('only the time in which a run did nothing but wait for people is left out', () => {
  const work = workTime([
    task('script', 0, 10),
    task('approval', 5, 100),
    task('script', 40, 50),
    task('script', 100, 110),
  ])
  expect([0, 10, 25, 40, 50, 100, 110].map((second) => work(second * 1000) / 1000)).toEqual([0, 10, 10, 10, 20, 20, 30])
})

test('while somebody is asked the time stands still, unless something runs', () => {
  const asked = task('approval', 10, null)
  expect(workTime([task('script', 0, 10), asked])(90_000)).toBe(10_000)
  expect(workTime([task('script', 0, 10), asked, task('script', 20, null)])(90_000)).toBe(80_000)
})
