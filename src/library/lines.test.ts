import { expect, test } from 'vitest'
import { createLineSplitter } from './lines.ts'

const record = (stream: 'stdout' | 'stderr', text: string | Buffer, time = 0) => ({
  stream,
  time,
  payload: Buffer.from(text as string),
})
type Given = ReturnType<typeof record>

function linesOf(records: Given[], longest?: number) {
  const splitter = createLineSplitter(longest)
  const lines = []
  for (const one of records) {
    splitter.add(one)
    for (let line = splitter.take(); line; line = splitter.take()) lines.push(line)
  }
  for (let line = splitter.last(); line; line = splitter.last()) lines.push(line)
  return lines
}
const texts = (records: Given[], longest?: number) =>
  linesOf(records, longest).map(({ text, continues }) => text + (continues ? '…' : ''))

test('lines, empty ones too, and the last without its newline', () => {
  expect(texts([record('stdout', 'a\n\nb\r\nc')])).toEqual(['a', '', 'b\r', 'c'])
  expect(texts([record('stdout', 'a\n')])).toEqual(['a'])
  expect(texts([])).toEqual([])
})

test('a line over several records has the time of its end, and streams do not mix', () => {
  const lines = linesOf([record('stdout', 'on', 1), record('stderr', 'bad\n', 2), record('stdout', 'e\ntwo', 3)])
  expect(lines.map(({ stream, text, time }) => [stream, text, time.getTime()])).toEqual([
    ['stderr', 'bad', 2],
    ['stdout', 'one', 3],
    ['stdout', 'two', 3],
  ])
})

test('a character may be cut between two records', () => {
  const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é\n').subarray(1)]
  expect(texts([record('stdout', first), record('stdout', second)])).toEqual(['é'])
})

test('bytes are exact where the text cannot be', () => {
  const bytes = Buffer.from([0xff, 0, 0xfe])
  const [line] = linesOf([record('stdout', Buffer.concat([bytes, Buffer.from('\n')]))])
  expect(line!.bytes).toEqual(bytes)
})

test('a line that is too long comes in marked pieces, cut between characters', () => {
  expect(texts([record('stdout', 'abcdefghij\nk')], 4)).toEqual(['abcd…', 'efgh…', 'ij', 'k'])
  expect(texts([record('stdout', 'abcd\n')], 4)).toEqual(['abcd'])
  expect(texts([record('stdout', 'abcédef\n')], 4)).toEqual(['abc…', 'éde…', 'f'])
  expect(texts([record('stdout', 'a😀😀b')], 6)).toEqual(['a😀…', '😀b'])
  const noText = linesOf([record('stdout', Buffer.alloc(9, 0x80))], 4)
  expect(noText.map(({ bytes }) => bytes.length)).toEqual([4, 4, 1])
})
