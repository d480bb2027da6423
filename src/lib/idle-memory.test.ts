import { getHeapStatistics } from 'node:v8'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../test/until.ts'
import { tidyWhenIdle } from './idle-memory.ts'

test('collects once after each stretch of work, and not while there is work', async () => {
  const looks = [0, 0, 0.04, 0.9, 0.06, 0, 0]
  const seen: string[] = []
  const tidy = tidyWhenIdle({
    idleMs: 5,
    busyShare() {
      const share = looks.shift() ?? 0
      seen.push(`${share}`)
      return share
    },
    collect: () => seen.push('collected'),
  })
  onTestFinished(() => tidy.stop())
  await until(() => looks.length === 0 && seen.length > 10, 'all looks')
  expect(seen.slice(0, 9)).toEqual(['0', 'collected', '0', '0.04', '0.9', '0.06', '0', 'collected', '0'])
  expect(seen.filter((what) => what === 'collected')).toHaveLength(2)
})

test('garbage is really gone', async () => {
  let garbage: unknown[] | undefined = Array.from({ length: 500_000 }, (_, i) => ({ i }))
  const full = getHeapStatistics().used_heap_size
  expect(garbage).toHaveLength(500_000)
  garbage = undefined
  const tidy = tidyWhenIdle({ idleMs: 20, busyShare: () => 0 })
  onTestFinished(() => tidy.stop())
  await until(() => getHeapStatistics().used_heap_size < full - 8_000_000, 'a smaller heap')
})
