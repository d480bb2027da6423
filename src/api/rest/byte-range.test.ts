import { expect, test } from 'vitest'
import { byteRange } from './byte-range.ts'

test.each([
  [undefined, 10, { kind: 'all' }],
  ['bytes=0-3', 10, { kind: 'part', start: 0, end: 4 }],
  ['bytes=4-', 10, { kind: 'part', start: 4, end: 10 }],
  ['bytes=-3', 10, { kind: 'part', start: 7, end: 10 }],
  ['bytes=-30', 10, { kind: 'part', start: 0, end: 10 }],
  ['bytes=8-99', 10, { kind: 'part', start: 8, end: 10 }],
  ['bytes=10-', 10, { kind: 'unsatisfiable' }],
  ['bytes=0-', 0, { kind: 'unsatisfiable' }],
  ['bytes=-0', 10, { kind: 'unsatisfiable' }],
  ['bytes=5-2', 10, { kind: 'all' }],
  ['bytes=0-1,4-5', 10, { kind: 'all' }],
  ['lines=1-2', 10, { kind: 'all' }],
  ['bytes=99999999999999999999-', 10, { kind: 'all' }],
])('%s of %i bytes', (header, size, range) => {
  expect(byteRange(header, size)).toEqual(range)
})
