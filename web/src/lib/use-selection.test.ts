import { expect, test } from 'vitest'
import { toggled } from './use-selection.ts'

const order = ['a', 'b', 'c', 'd', 'e']
const after = (chosen: string[], id: string, from: string | null = null) =>
  [...toggled(new Set(chosen), order, id, from)].toSorted().join('')

test('one row is chosen, and chosen again it is not', () => {
  expect(after([], 'b')).toBe('b')
  expect(after(['b'], 'b')).toBe('')
})

test('a range goes both ways, keeps what was chosen, and takes away when its end was chosen', () => {
  expect(after(['b'], 'd', 'b')).toBe('bcd')
  expect(after(['e', 'd'], 'b', 'd')).toBe('bcde')
  expect(after(['a', 'b', 'c'], 'c', 'a')).toBe('')
})

test('a row that left the list begins no range', () => {
  expect(after(['x'], 'c', 'x')).toBe('cx')
})
