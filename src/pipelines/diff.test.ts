import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diffLines } from './diff.ts'

const shown = (from: string, to: string): string =>
  diffLines(from, to)
    .map(({ kind, text }) => `${{ same: ' ', added: '+', removed: '-' }[kind]}${text}`)
    .join('\n')

test('the fewest lines that changed', () => {
  expect(shown('a\nb\nc\nd\n', 'a\nx\nc\nd\ne\n')).toBe(' a\n-b\n+x\n c\n d\n+e')
  expect(shown('', 'a\n')).toBe('+a')
  expect(shown('a', '')).toBe('-a')
  expect(shown('a\n', 'a')).toBe(' a')
})

test('what is the same and removed is the one text, what is the same and added the other', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 })
    .map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(text, text, (from, to) => {
      const lines = diffLines(from, to)
      const without = (kind: string): string =>
        lines
          .filter((line) => line.kind !== kind)
          .map((line) => line.text)
          .join('\n')
      expect([without('added'), without('removed')]).toEqual([from, to])
    }),
  )
})

test('texts of which no line is the same are told apart in time', () => {
  const lines = (word: string): string => Array.from({ length: 20_000 }, (_, i) => `${word} ${i}`).join('\n')
  const start = performance.now()
  expect(diffLines(lines('one'), lines('two'))).toHaveLength(40_000)
  expect(performance.now() - start).toBeLessThan(1000)
})
