import { expect, test } from 'vitest'
import { typeText } from './type-text.ts'

test('types of fields in words', () => {
  expect(typeText({ type: 'string', maxLength: 2000 })).toBe('text, at most 2,000 characters')
  expect(
    typeText({ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }, { type: 'null' }] }),
  ).toBe('text or list of text')
  expect(typeText({ enum: ['none', 'all'] })).toBe('one of none, all')
  expect([typeText({ type: 'array' }), typeText({}), typeText({ type: 'object' })]).toEqual([
    'list of anything',
    'any JSON',
    'object',
  ])
})
