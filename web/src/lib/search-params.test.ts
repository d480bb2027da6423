import { expect, test } from 'vitest'
import { parseSearch, stringifySearch } from './search-params.ts'

test('what is written is read back as the same text, numbers included', () => {
  const search = { state: 'failed,lost', q: '123', name: 'a & b = ü' }
  expect(parseSearch(stringifySearch(search))).toEqual(search)
})

test('empty values leave the URL clean', () => {
  expect(stringifySearch({ q: '', state: undefined })).toBe('')
  expect(stringifySearch({ state: 'failed,lost' })).toBe('?state=failed,lost')
})
