import { expect, test } from 'vitest'
import { explainRunWaiting } from './waiting-reasons.ts'

const now = new Date('2030-01-01T00:00:00Z')
const later = (ms: number): Date => new Date(now.getTime() + ms)

test.each([
  [{ position: 1, runningNow: 2, concurrency: 2, notBefore: null }, '2 of 2 runs are running'],
  [{ position: 1, runningNow: 1, concurrency: 1, notBefore: later(-1) }, '1 of 1 run is running'],
  [{ position: 2, runningNow: 2, concurrency: 2, notBefore: null }, '2 of 2 runs are running, 1 waits before it'],
  [{ position: 4, runningNow: 2, concurrency: 2, notBefore: null }, '2 of 2 runs are running, 3 wait before it'],
  [{ position: 1, runningNow: 0, concurrency: 1, notBefore: null }, 'starts next'],
  [{ position: 1, runningNow: 0, concurrency: 1, notBefore: later(7_001) }, 'start delay, 8 s left'],
  [{ position: 1, runningNow: 0, concurrency: 1, notBefore: later(7_500_000) }, 'start delay, 2 h 5 min left'],
])('%j', (run, words) => {
  expect(explainRunWaiting(run, now)).toBe(words)
})
