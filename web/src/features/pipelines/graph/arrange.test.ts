import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnsIn, firstView, ranksOf, wrapRows } from './arrange.ts'
import { nodeSize } from './layout.ts'

test('what waits for nothing stands in the first column, whatever waits for it', () => {
  const edges = [['a', 'b'], ['b', 'c'], ['c', 'd'], ['slow', 'd']] as const // prettier-ignore
  expect(ranksOf(['a', 'slow', 'b', 'c', 'd'], edges)).toEqual([0, 0, 1, 2, 3])
})

test('a chain goes on in the next row, and no two nodes overlap', () => {
  const places = Array.from({ length: 12 }, (_, i) => ({ x: i * 244 + 8, y: i === 1 ? 200 : 8 }))
  const { places: now, rows } = wrapRows(places, [...places.keys()], 5)
  expect(rows).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2])
  expect(now[5]!.x).toBe(0)
  expect(now[5]!.y).toBeGreaterThan(now[1]!.y + nodeSize.height)
  expect(Math.max(...now.map(({ x }) => x))).toBe(4 * 244)
})

test('names are never too small to read, the focus is in sight, and what fits is seen whole', () => {
  const place = fc.record({ x: fc.integer({ min: 0, max: 5000 }), y: fc.integer({ min: 0, max: 5000 }) })
  fc.assert(
    fc.property(
      fc.array(place, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 300, max: 2000 }),
      (places, width) => {
        const { x, y, zoom, height, cut } = firstView(places, { width, mostHeight: 400 }, places.at(-1))
        expect(zoom).toBeGreaterThanOrEqual(0.85)
        expect(height).toBeLessThanOrEqual(400)
        for (const at of cut ? [places.at(-1)!] : places) {
          const [left, top] = [x + at.x * zoom, y + at.y * zoom]
          expect(left).toBeGreaterThanOrEqual(0)
          expect(left + nodeSize.width * zoom).toBeLessThanOrEqual(width)
          expect(top).toBeGreaterThanOrEqual(0)
          expect(top + nodeSize.height * zoom).toBeLessThanOrEqual(height)
        }
      },
    ),
  )
  expect(columnsIn(1190)).toBe(5)
  expect(columnsIn(200)).toBe(1)
})
