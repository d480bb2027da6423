import { expect, test } from 'vitest'
import { SpoolReader } from './spool-reader.ts'

const word = 'a'.repeat(32)
const spool = (text: string): Buffer => Buffer.from(`${text}\x01${word} out=${Buffer.byteLength(text)} err=0 code=0\n`)

test('the end is found however the bytes are cut, and nothing of it is shown', () => {
  const text = `line\n\x01\x01${word}\n\x01${word} out=1 err=0\nü\x01`
  const bytes = spool(text)
  for (let size = 1; size < bytes.length; size++) {
    const reader = new SpoolReader(word, 'out')
    const shown: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) shown.push(Buffer.from(reader.take(bytes.subarray(at, at + size))))
    expect(Buffer.concat(shown).toString()).toBe(text)
    expect(reader.line).toContain('code=0')
  }
})

test('a log without its last line has no end, and says where to go on', () => {
  const reader = new SpoolReader(word, 'out')
  const bytes = spool('abc')
  expect(reader.take(bytes.subarray(0, 20)).toString()).toBe('abc')
  expect([reader.line, reader.offset]).toEqual([null, 20])
  reader.take(bytes.subarray(20))
  expect(reader.line).not.toBeNull()
})
