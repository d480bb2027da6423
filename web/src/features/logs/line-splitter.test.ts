import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineSplitter, maxLineLength } from './line-splitter.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

function splitAll(chunks: Uint8Array[]): string[] {
  const splitter = new LineSplitter()
  return [...chunks.flatMap((chunk) => splitter.push(chunk).complete), ...splitter.end().complete]
}

function cut(all: Uint8Array, at: number[]): Uint8Array[] {
  const points = [0, ...at.map((n) => n % (all.length + 1)).toSorted((a, b) => a - b), all.length]
  return points.slice(1).map((end, i) => all.subarray(points[i], end))
}

test('where the chunks are cut changes nothing: characters, \\r\\n and lines stay whole', () => {
  const text = fc.array(fc.constantFrom('a', 'ü', '€', '😀', '\n', '\r', '\r\n', ' ', '\x1b[31m'), { maxLength: 60 })
  fc.assert(
    fc.property(text, fc.array(fc.nat(200), { maxLength: 8 }), (parts, at) => {
      const all = bytes(parts.join(''))
      expect(splitAll(cut(all, at))).toEqual(splitAll([all]))
    }),
  )
})

test.each([
  ['one\ntwo\n', ['one', 'two']],
  ['no end', ['no end']],
  ['\n\n', ['', '']],
  ['dos\r\nunix\n', ['dos', 'unix']],
  ['10 %\r50 %\r100 %\nnext\n', ['100 %', 'next']],
  ['done\r', ['done']],
  ['nul\0byte\n', ['nul\0byte']],
])('%j becomes %j', (text, lines) => {
  expect(splitAll([bytes(text)])).toEqual(lines)
})

test('broken UTF-8 is shown as replacement characters and nothing after it is lost', () => {
  expect(splitAll([Uint8Array.of(0x61, 0xff, 0xc3, 0x0a, 0x62)])).toEqual(['a\ufffd\ufffd', 'b'])
})

test('the open line is reported while it grows', () => {
  const splitter = new LineSplitter()
  expect(splitter.push(bytes('par'))).toEqual({ complete: [], open: 'par' })
  expect(splitter.push(bytes('tial\nne'))).toEqual({ complete: ['partial'], open: 'ne' })
})

test('a line without end is cut into rows, never inside a character', () => {
  const lines = splitAll([bytes('😀'.repeat(maxLineLength))])
  expect(lines.every((line) => line.length <= maxLineLength && line.isWellFormed())).toBe(true)
  expect(lines.join('')).toBe('😀'.repeat(maxLineLength))
})

test('a megabyte in small chunks without a newline stays fast', () => {
  const splitter = new LineSplitter()
  const chunk = bytes('x'.repeat(1024))
  const begin = performance.now()
  for (let i = 0; i < 8192; i++) splitter.push(chunk)
  expect(performance.now() - begin).toBeLessThan(2000)
})
