import { expect, test } from 'vitest'
import { parseSearch, stringifySearch, withUnknown } from './search-params.ts'

test('what is written is read back as the same text, numbers included', () => {
  const search = { state: 'failed,lost', q: '123', name: 'a & b = ü' }
  expect(parseSearch(stringifySearch(search))).toEqual(search)
})

test('empty values leave the URL clean', () => {
  expect(stringifySearch({ q: '', state: undefined })).toBe('')
  expect(stringifySearch({ state: 'failed,lost' })).toBe('?state=failed,lost')
})

test('what no filter took is kept in words, another name for a filter is that filter', () => {
  const read = (search: Record<string, unknown>) =>
    withUnknown(search, { q: search['name'] as string | undefined }, { name: 'q' })
  expect(read({ name: 'a' })).toEqual({ q: 'a' })
  expect(read({ owner: 'x', ...read({ owner: 'x' }) })).toMatchObject({ unknown: 'owner=x' })
  expect(read({ owner: 'x', unknown: 'b=1' })).toMatchObject({ unknown: 'b=1, owner=x' })
})
