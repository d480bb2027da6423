import { expect, test } from 'vitest'
import { lineOfHash, readLogPlace } from './log-place.ts'

test.each([
  ['L123', 123],
  ['#L7', 7],
  ['L0', undefined],
  ['L-1', undefined],
  ['', undefined],
  ['life', undefined],
])('the address ending in %j is of line %s', (hash, line) => {
  expect(lineOfHash(hash)).toBe(line)
})

test('a place that is none is left out', () => {
  expect(readLogPlace({ stream: 'all', attempt: '-2', line: '12' })).toEqual({ line: 12 })
})
