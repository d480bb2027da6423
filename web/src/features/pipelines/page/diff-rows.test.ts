import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diffRows, type DiffLine } from './diff-rows.ts'

const lines = (text: string): DiffLine[] =>
  text.split('').map((c, index) => ({ kind: c === '+' ? 'added' : c === '-' ? 'removed' : 'same', text: `${index}` }))

test('only what is near a change is shown, with the numbers of both versions', () => {
  expect(diffRows(lines('......-+......'), 2)).toEqual([
    { kind: 'gap', lines: 4, at: 1 },
    { kind: 'same', text: '4', before: 5, after: 5 },
    { kind: 'same', text: '5', before: 6, after: 6 },
    { kind: 'removed', text: '6', before: 7, after: null },
    { kind: 'added', text: '7', before: null, after: 7 },
    { kind: 'same', text: '8', before: 8, after: 8 },
    { kind: 'same', text: '9', before: 9, after: 9 },
    { kind: 'gap', lines: 4, at: 10 },
  ])
  expect(diffRows(lines('....'))).toEqual([{ kind: 'gap', lines: 4, at: 1 }])
})

test('every line is shown or counted in a gap, and every change is shown', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('.', '.', '.', '+', '-') }), fc.nat(4), (text, context) => {
      const rows = diffRows(lines(text), context)
      expect(rows.reduce((n, row) => n + (row.kind === 'gap' ? row.lines : 1), 0)).toBe(text.length)
      expect(rows.filter(({ kind }) => kind === 'added' || kind === 'removed').length).toBe(
        text.replaceAll('.', '').length,
      )
    }),
  )
})
