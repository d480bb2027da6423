import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../test/until.ts'
import { startService } from './service.ts'

function counted(pause: number | undefined) {
  const runs: number[] = []
  const service = {
    name: 'counted',
    every: 1,
    async runOnce() {
      runs.push(performance.now())
      return pause
    },
  }
  const running = startService(service, () => {})
  onTestFinished(() => running.stop())
  return { runs, running }
}

test('without an answer it runs again after its pause, with one it sleeps until then or until woken', async () => {
  const often = counted(undefined)
  const seldom = counted(600_000)
  await until(() => often.runs.length > 5, 'several runs')
  expect(seldom.runs).toHaveLength(1)
  seldom.running.wake()
  await until(() => seldom.runs.length === 2, 'the woken run')
})

test('many hints within a time make one run, and a later hint does not put it off', async () => {
  const { runs, running } = counted(600_000)
  await until(() => runs.length === 1, 'the first run')
  const hinted = performance.now()
  running.wake(100)
  for (let i = 0; i < 50; i += 1) running.wake(5_000)
  await until(() => runs.length === 2, 'the hinted run')
  expect(runs[1]! - hinted).toBeGreaterThanOrEqual(99)
  expect(runs[1]! - hinted).toBeLessThan(5_000)
})

test('a hint in the middle of a run is kept', async () => {
  let runs = 0
  let end = (): void => {}
  const service = {
    name: 'slow',
    every: 600_000,
    async runOnce() {
      runs += 1
      if (runs === 1) await new Promise<void>((resolve) => (end = resolve))
    },
  }
  const running = startService(service, () => {})
  onTestFinished(() => running.stop())
  running.wake()
  end()
  await until(() => runs === 2, 'the second run')
})
