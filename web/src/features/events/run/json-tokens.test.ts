import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonTokens } from './json-tokens.ts'

test('JSON in pieces: keys, texts, numbers and words; together they are the text', () => {
  const text = JSON.stringify({ 'a": 1': 'tr"ue', n: [-1.5e3, true, null] }, null, 2)
  expect(jsonTokens(text).filter(({ kind }) => kind !== 'rest')).toEqual([
    { kind: 'key', text: '"a\\": 1"' },
    { kind: 'string', text: '"tr\\"ue"' },
    { kind: 'key', text: '"n"' },
    { kind: 'number', text: '-1500' },
    { kind: 'word', text: 'true' },
    { kind: 'word', text: 'null' },
  ])
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const whole = JSON.stringify(value, null, 2)
      expect(
        jsonTokens(whole)
          .map((token) => token.text)
          .join(''),
      ).toBe(whole)
    }),
    { numRuns: 50 },
  )
})
