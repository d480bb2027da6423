import { expect, test } from 'vitest'
import { busiest, byDay, durationColumns, percent, runColumns, shade } from './figures.ts'

test('shares: all is all, and nearly all is not', () => {
  expect([percent(1), percent(0), percent(null)]).toEqual(['100 %', '0 %', '–'])
  expect([percent(0.9999), percent(0.0001), percent(0.985), percent(0.5)]).toEqual([
    '99.9 %',
    '0.1 %',
    '98.5 %',
    '50.0 %',
  ])
})

test('168 hours are seven days, and the busiest are named', () => {
  const cells = Array.from({ length: 168 }, () => 0)
  cells[3] = 40
  cells[24 * 6 + 23] = 41
  expect(byDay(cells).map((day) => day.length)).toEqual([24, 24, 24, 24, 24, 24, 24])
  expect(byDay(cells)[6]![23]).toBe(41)
  const days = ['Monday', 'b', 'c', 'd', 'e', 'f', 'Sunday']
  expect(busiest(cells, days)).toEqual(['Sunday 23:00 (41)', 'Monday 03:00 (40)'])
})

test('one run among a thousand is seen in the heat map, and none is not', () => {
  expect([shade(0, 10), shade(10, 10), shade(0, 0)]).toEqual([0, 1, 0])
  expect(shade(1, 1000)).toBeGreaterThan(0.12)
})

test('columns of the charts: failures stand in the whole, and a span without a run is a gap', () => {
  const point = { at: '2026-11-22T00:00:00.000Z', succeeded: 3, failed: 1, duration_p50_ms: 500, duration_p95_ms: null }
  expect(runColumns([point])).toEqual([[1795305600], [4], [1]])
  expect(durationColumns([point])).toEqual([[1795305600], [null], [0.5]])
})
