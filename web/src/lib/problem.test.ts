import { expect, test } from 'vitest'
import { isMissing, problemError } from './problem.ts'

test('an address without anything behind it: nothing of that id, or no id at all', () => {
  expect(isMissing(problemError({}, 404, undefined))).toBe(true)
  const wrong = (field: string) => problemError({ errors: [{ field, message: 'is wrong' }] }, 422, undefined)
  expect(isMissing(wrong('id'))).toBe(true)
  expect(isMissing(wrong('name'))).toBe(false)
  expect(isMissing(new TypeError('Failed to fetch'))).toBe(false)
})
