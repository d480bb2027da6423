import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSealer } from './secrets.ts'

const key = Buffer.alloc(32, 7)
const refused = expect.objectContaining({ code: 'failed_precondition' })

test('opens what it sealed, and every seal is different', () => {
  const sealer = createSealer(key)
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (plaintext, aad) => {
      const sealed = sealer.seal(plaintext, aad)
      expect(createSealer(key).open(sealed, aad).equals(Buffer.from(plaintext))).toBe(true)
      expect(sealer.seal(plaintext, aad).equals(sealed)).toBe(false)
    }),
  )
  expect(sealer.open(sealer.seal('text ü', 'job:a'), 'job:a').toString()).toBe('text ü')
})

test('refuses another row, another purpose, another key', () => {
  const sealer = createSealer(key)
  const sealed = sealer.seal('secret', 'job:a')
  expect(() => sealer.open(sealed, 'job:b')).toThrow(refused)
  expect(() => sealer.forPurpose('channel').open(sealed, 'job:a')).toThrow(refused)
  expect(() => createSealer(randomBytes(32)).open(sealed, 'job:a')).toThrow(/another key/)
})

test('refuses a change of any bit, and any shorter value', () => {
  const sealer = createSealer(key)
  const sealed = sealer.seal('secret', 'job:a')
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 1
    expect(() => sealer.open(changed, 'job:a')).toThrow(refused)
    expect(() => sealer.open(sealed.subarray(0, at), 'job:a')).toThrow(refused)
  }
})

test('the plaintext is nowhere in the envelope, and the key id says nothing of the key', () => {
  const sealer = createSealer(key)
  expect(sealer.seal('correct horse battery', 'x').includes('horse')).toBe(false)
  expect(sealer.keyId).toMatch(/^[0-9a-f]{16}$/)
  expect(createSealer(Buffer.alloc(32, 8)).keyId).not.toBe(sealer.keyId)
  expect(key.toString('hex')).not.toContain(sealer.keyId)
  expect(() => createSealer(Buffer.alloc(31))).toThrow(/32 bytes/)
})
