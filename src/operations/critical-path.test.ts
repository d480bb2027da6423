import fc from 'fast-check'
import { expect, test } from 'vitest'
import { criticalPath, type TimedTask } from './critical-path.ts'

const task = (name: string, durationMs: number | null, ...dependsOn: string[]): TimedTask => ({
  name,
  dependsOn,
  durationMs,
})
const path = (...tasks: TimedTask[]): string[] => [...criticalPath(tasks)].toReversed()

test('of two ways through a diamond, the one that took longer', () => {
  expect(path(task('a', 1), task('b', 5, 'a'), task('c', 9, 'a'), task('d', 1, 'b', 'c'))).toEqual(['a', 'c', 'd'])
})

test('what has not begun is on no way, and what took no time does not lengthen one', () => {
  expect(path(task('a', 1), task('b', null, 'a'), task('c', 0, 'a'))).toEqual(['a'])
  expect(path(task('a', null), task('b', null, 'a'))).toEqual([])
})

/** A task depends on earlier ones only. */
const graphs = fc
  .array(fc.tuple(fc.option(fc.nat(50)), fc.array(fc.nat(20), { maxLength: 4 })), { maxLength: 9 })
  .map((rows) =>
    rows.map(([ms, back], i) =>
      task(`${i}`, ms, ...new Set(back.flatMap((n) => (i - 1 - n >= 0 ? [`${i - 1 - n}`] : [])))),
    ),
  )

test('the sum of its times is the largest of all ways', () => {
  fc.assert(
    fc.property(graphs, (tasks) => {
      const byName = new Map(tasks.map((one) => [one.name, one]))
      const longest = (name: string): number => {
        const { durationMs, dependsOn } = byName.get(name)!
        return durationMs === null ? 0 : durationMs + Math.max(0, ...dependsOn.map(longest))
      }
      const found = [...criticalPath(tasks)]
      const sum = found.reduce((all, name) => all + byName.get(name)!.durationMs!, 0)
      expect(sum).toBe(Math.max(0, ...tasks.map(({ name }) => longest(name))))
      for (const [i, name] of found.slice(1).entries()) expect(byName.get(found[i]!)!.dependsOn).toContain(name)
    }),
  )
})

test('a chain of 10,000 with all 10,000 dependencies is one pass', () => {
  const chain = Array.from({ length: 10_000 }, (_, i) => task(`${i}`, 1, ...(i === 0 ? [] : [`${i - 1}`])))
  expect(criticalPath(chain).size).toBe(10_000)
})
