import { expect, test } from 'vitest'
import { createJobChanges } from './job-changes.ts'

const collect = () => {
  const batches: string[][] = []
  let resyncs = 0
  let heard = (): void => {}
  const watcher = {
    changed(ids: readonly string[]) {
      batches.push([...ids])
      heard()
    },
    resync() {
      resyncs += 1
      heard()
    },
  }
  const next = (): Promise<void> => new Promise((resolve) => (heard = resolve))
  return { watcher, batches, next, resyncs: () => resyncs }
}

test('the notices of a moment are told once and together', async () => {
  const changes = createJobChanges({ gatherMs: 5 })
  const seen = collect()
  changes.watch(seen.watcher)
  const told = seen.next()
  changes.changed(['a', 'b'])
  changes.changed(['b', 'c'])
  await told
  expect(seen.batches).toEqual([['a', 'b', 'c']])
})

test('a flood or a missed notice is a resync', async () => {
  const changes = createJobChanges({ gatherMs: 5 })
  const seen = collect()
  const unwatch = changes.watch(seen.watcher)
  let told = seen.next()
  changes.changed(Array.from({ length: 2_001 }, (_, i) => String(i)))
  await told
  told = seen.next()
  changes.missed()
  await told
  expect([seen.resyncs(), seen.batches]).toEqual([2, []])
  unwatch()
  changes.missed()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(seen.resyncs()).toBe(2)
})

test('next wakes for its own job, for a missed notice, and for an abort', async () => {
  const changes = createJobChanges()
  const abort = new AbortController()
  const order: string[] = []
  const own = changes.next('a', 60_000, abort.signal).then(() => order.push('own'))
  const other = changes.next('b', 60_000, abort.signal).then(() => order.push('missed'))
  const third = changes.next('c', 60_000, abort.signal).then(() => order.push('never'))
  changes.changed(['a', 'x'])
  await own
  expect(order).toEqual(['own'])
  changes.missed()
  await Promise.all([other, third])
  const last = changes.next('d', 60_000, abort.signal)
  abort.abort()
  await last
  changes.stop()
})
