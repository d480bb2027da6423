import { expect, test } from 'vitest'
import { safeTarget } from './safe-target.ts'

test.each([
  ['/jobs/abc?line=3', '/jobs/abc?line=3'],
  ['//evil.example', '/jobs'],
  ['/\\evil.example', '/jobs'],
  ['https://evil.example', '/jobs'],
  ['javascript:alert(1)', '/jobs'],
  ['/\t/evil.example', '/jobs'],
  ['/sign-in?to=/sign-in', '/jobs'],
  [undefined, '/jobs'],
])('%j leads to %s', (to, path) => {
  expect(safeTarget(to)).toBe(path)
})
