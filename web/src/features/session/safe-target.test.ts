import { expect, test } from 'vitest'
import { safeTarget } from './safe-target.ts'

test.each([
  ['/jobs/abc?line=3', '/jobs/abc?line=3'],
  ['//evil.example', '/overview'],
  ['/\\evil.example', '/overview'],
  ['https://evil.example', '/overview'],
  ['javascript:alert(1)', '/overview'],
  ['/\t/evil.example', '/overview'],
  ['/sign-in?to=/sign-in', '/overview'],
  [undefined, '/overview'],
])('%j leads to %s', (to, path) => {
  expect(safeTarget(to)).toBe(path)
})
