import { expect, test } from 'vitest'
import { nothingBehind } from './log.ts'

test.each([
  [true, false, 10, false],
  [true, false, 11, true],
  [true, true, 10, false],
  [true, true, 11, true],
  [false, false, 9, false],
  [false, false, 10, true],
  [false, true, 11, false],
])('complete %j, followed %j, from byte %d of 10: nothing to come is %j', (sealed, follow, offset, nothing) => {
  expect(nothingBehind({ size: 10, sealed }, { follow, offset })).toBe(nothing)
})
