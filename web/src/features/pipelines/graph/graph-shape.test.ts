import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawnAtMost, levelsOf, neighbourhood, shapeOf, type GraphTask } from './graph-shape.ts'

const task = (name: string, depends_on: string[] = []): GraphTask => ({ name, depends_on, kind: 'script' })
const names = (shape: ReturnType<typeof shapeOf>) =>
  shape.nodes.map((node) => ('task' in node ? node.task.name : `${node.group.label} ${node.group.tasks.length}`))

test('a small graph is drawn task by task', () => {
  const shape = shapeOf([task('a'), task('b', ['a']), task('c', ['a', 'b'])])
  expect(names(shape)).toEqual(['a', 'b', 'c'])
  expect(shape.edges.map(({ from, to }) => from + to)).toEqual(['ab', 'ac', 'bc'])
  expect(shape.grouped).toBe(false)
})

test('a fan of 10,000 becomes a few groups of alike names, a chain of 10,000 spans of levels', () => {
  const fan = [
    task('build'),
    ...Array.from({ length: 9000 }, (_, i) => task(`test-${i}`, ['build'])),
    ...Array.from({ length: 998 }, (_, i) => task(`lint.${i}`, ['build'])),
    task(
      'report',
      Array.from({ length: 9000 }, (_, i) => `test-${i}`),
    ),
  ]
  expect(names(shapeOf(fan))).toEqual(['build', 'test… 9000', 'lint… 998', 'report'])
  const chain = Array.from({ length: 10_000 }, (_, i) => task(`step-${i}`, i === 0 ? [] : [`step-${i - 1}`]))
  const shape = shapeOf(chain)
  expect(shape.nodes.length).toBeLessThanOrEqual(120)
  expect(shape.edges.length).toBe(shape.nodes.length - 1)
})

test('the neighbourhood of a task is bounded and has what is next to it', () => {
  const star = [
    ...Array.from({ length: 500 }, (_, i) => task(`in${i}`)),
    task(
      'hub',
      Array.from({ length: 500 }, (_, i) => `in${i}`),
    ),
    task('after', ['hub']),
  ]
  const shape = neighbourhood(star, 'after')
  expect(shape.nodes.length).toBe(40)
  expect(names(shape)).toEqual(expect.arrayContaining(['hub', 'after', 'in0']))
})

const graphs = fc
  .array(fc.tuple(fc.constantFrom('a-', 'b.', 'c', 'x y '), fc.array(fc.nat(), { maxLength: 4 })), { maxLength: 400 })
  .map((rows) =>
    rows.map(([prefix, before], index) =>
      task(`${prefix}${index}`, [
        ...new Set(index === 0 ? [] : before.map((n) => `${rows[n % index]![0]}${n % index}`)),
      ]),
    ),
  )

test('every task is in exactly one node, levels rise along every edge, and what is drawn is bounded', () => {
  fc.assert(
    fc.property(graphs, (tasks) => {
      const levels = levelsOf(tasks)
      for (const { name, depends_on } of tasks) {
        for (const before of depends_on) expect(levels.get(before)!).toBeLessThan(levels.get(name)!)
      }
      const shape = shapeOf(tasks)
      const drawn = shape.nodes.flatMap((node) => ('task' in node ? [node.task] : node.group.tasks))
      expect(drawn.map(({ name }) => name).toSorted()).toEqual(tasks.map(({ name }) => name).toSorted())
      expect(shape.nodes.length).toBeLessThanOrEqual(drawnAtMost.nodes)
      expect(shape.edges.length).toBeLessThanOrEqual(drawnAtMost.edges)
    }),
    { numRuns: 60 },
  )
})
