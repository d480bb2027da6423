import { expect, test } from 'vitest'
import { LogBuffer } from './log-buffer.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const texts = (buffer: LogBuffer) => Array.from({ length: buffer.length }, (_, i) => buffer.at(i)?.text)

test('lines of both streams stand in the order in which they arrived', () => {
  const buffer = new LogBuffer()
  buffer.push('stdout', bytes('out 1\nhalf'), 1)
  buffer.push('stderr', bytes('err 1\n'), 2)
  buffer.push('stdout', bytes(' done\n'), 3)
  expect(texts(buffer)).toEqual(['out 1', 'err 1', 'half done'])
  expect([0, 1, 2].map((i) => buffer.at(i)?.number)).toEqual([1, 2, 3])
})

test('an unfinished line is shown at once, after the complete ones', () => {
  const buffer = new LogBuffer()
  buffer.push('stderr', bytes('password: '), 1)
  buffer.push('stdout', bytes('ready\n'), 2)
  expect(texts(buffer)).toEqual(['ready', 'password: '])
  expect(buffer.at(1)).toMatchObject({ number: 2, stream: 'stderr' })
  buffer.end()
  expect(texts(buffer)).toEqual(['ready', 'password: '])
  expect(buffer.ended).toBe(true)
})

test('the window is bounded in lines; what is dropped is counted and numbers stay', () => {
  const buffer = new LogBuffer({ lines: 100, characters: 1e9 })
  for (let i = 1; i <= 1000; i++) buffer.push('stdout', bytes(`line ${i}\n`), i)
  expect(buffer.length).toBeLessThanOrEqual(100)
  expect(buffer.dropped + buffer.length).toBe(1000)
  expect(buffer.at(buffer.length - 1)).toMatchObject({ number: 1000, text: 'line 1000' })
  expect(buffer.at(0)?.text).toBe(`line ${buffer.firstNumber}`)
})

test('the window is bounded in characters too', () => {
  const buffer = new LogBuffer({ lines: 1e9, characters: 100_000 })
  for (let i = 0; i < 500; i++) buffer.push('stdout', bytes(`${'x'.repeat(5000)}\n`), i)
  expect(buffer.length).toBeLessThanOrEqual(20)
  expect(buffer.dropped + buffer.length).toBe(500)
})

test('streams carry their colours separately', () => {
  const buffer = new LogBuffer()
  buffer.push('stderr', bytes('\x1b[31mred\n'), 1)
  buffer.push('stdout', bytes('plain\n'), 1)
  buffer.push('stderr', bytes('still red\n'), 1)
  expect([1, 2].map((i) => buffer.at(i)?.carried)).toEqual(['', '\x1b[31m'])
})

test('a hundred thousand lines go in well under a second', () => {
  const text = bytes(Array.from({ length: 1000 }, (_, i) => `${i} some ordinary output of a build`).join('\n') + '\n')
  const buffer = new LogBuffer()
  const begin = performance.now()
  for (let i = 0; i < 100; i++) buffer.push('stdout', text, i)
  expect(buffer.length).toBe(100_000)
  expect(performance.now() - begin).toBeLessThan(1500)
})
