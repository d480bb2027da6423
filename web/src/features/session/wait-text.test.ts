import { expect, test } from 'vitest'
import { waitText } from './wait-text.ts'

const problem = (status: number, retryAfterSeconds?: number) => ({
  status,
  message: 'x',
  fields: [],
  retryAfterSeconds,
})

test('a closed door says for how long', () => {
  expect(waitText(problem(429, 30), 'wrong passwords')).toMatch(/^Too many wrong passwords\. Please wait 30 seconds/)
  expect(waitText(problem(429, 899), 'wrong passwords')).toMatch(/wait 15 minutes/)
  expect(waitText(problem(429), 'wrong codes')).toMatch(/wait 60 seconds/)
  expect(waitText(problem(401), 'wrong passwords')).toBeUndefined()
})
