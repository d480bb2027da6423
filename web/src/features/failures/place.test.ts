import { expect, test } from 'vitest'
import { readFailuresPlace } from './place.ts'
import { literalOf, pipelineOf } from './source-link.tsx'

test('what stands in the address is read, and what does not fit is told', () => {
  const place = readFailuresPlace({ view: 'groups', muted: 'true', event: 'import', q: 'x', state: 'lost' })
  expect(place).toMatchObject({ view: 'groups', muted: true, event: 'import', q: 'x', unknown: 'state=lost' })
  expect(place.state).toBeUndefined()
  expect(readFailuresPlace({ group: 'k3j9x2m4p7q1', state: 'all' })).toMatchObject({
    group: 'k3j9x2m4p7q1',
    state: 'all',
  })
  // The router reads what it has read.
  expect(readFailuresPlace({ ...readFailuresPlace({ closed: 'true' }) })).toMatchObject({ closed: true })
  expect(readFailuresPlace({ group: 'no id' })).toMatchObject({ unknown: 'group=no id' })
})

test('a task leads to its pipeline, also when that has a slash in its name', () => {
  expect(pipelineOf('shop / deploy')).toBe('shop')
  expect(pipelineOf('team / shop / deploy')).toBe('team / shop')
  expect(pipelineOf('shop')).toBe('shop')
})

test('a group of jobs whose names count leads to what their names have in common', () => {
  expect(literalOf('shard <n> of <n>')).toBe('shard')
  expect(literalOf('<uuid>')).toBeUndefined()
})
