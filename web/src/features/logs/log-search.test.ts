import { expect, test } from 'vitest'
import { LogBuffer } from './log-buffer.ts'
import { LogSearch, mostMatches, occurrences } from './log-search.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test('finds lines in any case, over colours, and goes on with new lines', () => {
  const buffer = new LogBuffer()
  buffer.push('stdout', bytes('Error one\nfine\n\x1b[31mER\x1b[0mROR two\nopen error'), 1)
  const search = new LogSearch('error', buffer)
  expect(search.advance(1000)).toBe(true)
  expect(search.matches()).toEqual([1, 3])
  buffer.push('stdout', bytes(' closed\n'), 2)
  search.advance(1000)
  expect(search.matches()).toEqual([1, 3, 4])
})

test('matches that left the window are no matches', () => {
  const buffer = new LogBuffer({ lines: 10, characters: 1e9 })
  const search = new LogSearch('x', buffer)
  for (let i = 0; i < 100; i++) {
    buffer.push('stdout', bytes('x\n'), i)
    search.advance(1000)
  }
  expect(search.matches()[0]).toBe(buffer.firstNumber)
})

test('stops when its time is over and goes on later', () => {
  const buffer = new LogBuffer()
  buffer.push('stdout', bytes('x\n'.repeat(50_000)), 1)
  const search = new LogSearch('x', buffer)
  let rounds = 1
  while (!search.advance(0)) rounds++
  expect(rounds).toBeGreaterThan(10)
  expect(search.matches()).toHaveLength(mostMatches)
})

test('occurrences are told by place', () => {
  expect(occurrences('Ab ab', 'ab')).toEqual([
    [0, 2],
    [3, 5],
  ])
  expect(occurrences('İİ ab', 'ab')).toEqual([])
  expect(occurrences('aaa', '')).toEqual([])
})
