import { expect, test } from 'vitest'
import { isFiltered, readEventFilters } from './filters.ts'
import { readEditPlace, readEventPlace, readNewPlace, readRunPlace } from './place.ts'

test('the address of a list: what is no filter narrows nothing, and is told', () => {
  expect(readEventFilters({ q: 'x', status: 'paused', kind: 'http', tag: 'ops', failing: 'true' })).toEqual({
    q: 'x',
    status: 'paused',
    kind: 'http',
    tag: 'ops',
    owner: undefined,
    failing: true,
  })
  const wrong = readEventFilters({ status: 'gone', kind: 'toString' })
  expect(isFiltered(wrong)).toBe(false)
  expect(wrong.unknown).toBe('status=gone, kind=toString')
})

test('the addresses of an event, its editor and its runs', () => {
  expect(readEventPlace({ tab: 'runs', status: 'x', trigger: 'webhook', from: '2', to: '-1' })).toEqual({
    tab: undefined,
    status: undefined,
    trigger: 'webhook',
    from: 2,
    to: undefined,
  })
  expect(readEditPlace({ tab: 'actions', run: 'abc' })).toEqual({ tab: 'actions', run: undefined })
  expect(readEditPlace({ tab: 'what', run: 'abcdefghij12' })).toEqual({ tab: undefined, run: 'abcdefghij12' })
  expect(readNewPlace({ kind: 'python', tab: 'yaml' })).toEqual({ kind: 'python', tab: 'yaml' })
  expect(readRunPlace({ view: 'output', line: '7' })).toMatchObject({ view: 'output', line: 7 })
})
