import { expect, test } from 'vitest'
import { cells } from './log-block.ts'
import { LogBuffer } from './log-buffer.ts'
import { RowMap } from './row-map.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

function filled(lines: number) {
  const buffer = new LogBuffer()
  const widths = Array.from({ length: lines }, (_, i) => (i * 37) % 90)
  buffer.push('stdout', bytes(widths.map((width) => `${'x'.repeat(width)}\n`).join('')), 1)
  return { buffer, widths }
}

test('without wrapping a row is a line', () => {
  const { buffer } = filled(3000)
  const map = new RowMap(buffer, Infinity)
  expect(map.total()).toBe(3000)
  expect(map.lineAt(2999)).toEqual({ index: 2999, row: 2999 })
  expect(map.lineAt(9999)).toEqual({ index: 2999, row: 2999 })
})

test('every row is found in its line, in packed blocks and after them, also when the log has grown', () => {
  const { buffer, widths } = filled(2500)
  const map = new RowMap(buffer, 20)
  map.total()
  buffer.push('stdout', bytes('y'.repeat(95)), 2) // no newline yet
  const all = [...widths, 95]
  const total = map.total()
  let row = 0
  const wrong: number[] = []
  all.forEach((width, index) => {
    const rows = Math.max(1, Math.ceil(width / 20))
    if (map.rowOf(index) !== row) wrong.push(index)
    for (const inside of [row, row + rows - 1]) {
      const found = map.lineAt(inside)
      if (found.index !== index || found.row !== row) wrong.push(index)
    }
    row += rows
  })
  expect(wrong).toEqual([])
  expect(total).toBe(row)
})

test.each([
  ['plain text', 10],
  ['\x1b[31mred\x1b[0m', 3],
  ['a\tb', 9],
  ['\t', 8],
  ['日本', 4],
  ['é', 1],
  ['👍 ok', 5],
])('%j takes %i columns', (text, columns) => {
  expect(cells(text)).toBe(columns)
})
