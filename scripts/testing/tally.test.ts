import { expect, test } from 'vitest'
import { add, emptyTally, oneFailed, onePassed, oneSkipped, report } from './tally.ts'

test('the last line counts everything, and what was skipped stands under its reason', () => {
  const parts = [onePassed(), onePassed(), oneFailed('a > b'), oneSkipped('x', 'no bwrap'), oneSkipped('y', 'no bwrap')]
  const lines = report(parts.reduce(add, emptyTally())).split('\n')
  expect(lines.at(-1)).toBe('2 passed, 1 failed, 2 skipped')
  expect(lines).toEqual(expect.arrayContaining(['  no bwrap', '    - x', '    - y', '  - a > b']))
  expect(report(onePassed()).trim()).toBe('1 passed, 0 failed, 0 skipped')
})
