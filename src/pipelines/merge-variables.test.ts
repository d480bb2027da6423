import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeVariables } from './merge-variables.ts'

const older = { todo: ['a'], env: { x: 1, list: [1] }, name: 'old', only: 'older', kind: [1] }
const newer = { todo: ['b', 'a'], env: { y: 2, list: [2] }, name: 'new', kind: 'text' }

test('replace, merge and append', () => {
  expect(mergeVariables('replace', older, newer)).toEqual(newer)
  expect(mergeVariables('merge', older, newer)).toEqual({ ...newer, only: 'older' })
  expect(mergeVariables('append', older, newer)).toEqual({
    todo: ['a', 'b', 'a'],
    env: { x: 1, y: 2, list: [1, 2] },
    name: 'new',
    only: 'older',
    kind: 'text',
  })
})

test('any JSON: nothing of the older is lost in its lists, keys of both are there, no prototype is touched', () => {
  const anyVariables = fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), fc.jsonValue())
  fc.assert(
    fc.property(anyVariables, anyVariables, fc.constantFrom('merge' as const, 'append' as const), (a, b, policy) => {
      const both = mergeVariables(policy, a, b)
      expect(Object.keys(both).toSorted()).toEqual([...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted())
      for (const key of Object.keys(b)) {
        const [mine, theirs] = [a[key], b[key]]
        const joined = policy === 'append' && Object.hasOwn(a, key) && Array.isArray(mine) && Array.isArray(theirs)
        if (joined) expect(both[key]).toEqual([...(mine as unknown[]), ...(theirs as unknown[])])
        else if (!Object.hasOwn(a, key)) expect(both[key]).toEqual(theirs)
      }
      expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    }),
  )
  const deep = (end: unknown) => JSON.parse(`${'{"a":'.repeat(5000)}${JSON.stringify(end)}${'}'.repeat(5000)}`)
  expect(() => mergeVariables('append', deep(1), deep(2))).not.toThrow()
})
