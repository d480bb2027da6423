import { expect, test } from 'vitest'
import { tokenScopes } from '../../../../src/api/contract/people.ts'
import { isWholeAccount, kinds, kindsFor, scopesOf } from './scopes.ts'

test('every scope can be chosen, and nothing that is none', () => {
  const choices = kinds.flatMap(({ kind, readOnly }) => [`${kind}:read`, ...(readOnly ? [] : [`${kind}:write`])])
  expect(choices.toSorted()).toEqual([...tokenScopes].toSorted())
})

test('what is chosen becomes scopes; all of a kind includes reading', () => {
  expect(scopesOf({ jobs: 'write', queues: 'read', runners: 'none' })).toEqual(['jobs:write', 'queues:read'])
  expect(scopesOf({})).toEqual([])
})

test('administration is offered to administrators, and its reach is said', () => {
  expect(kindsFor('operator').map(({ kind }) => kind)).not.toContain('audit')
  expect(isWholeAccount('admin', { users: 'write' })).toBe(true)
  expect(isWholeAccount('operator', { users: 'write' })).toBe(false)
  expect(isWholeAccount('admin', { users: 'read' })).toBe(false)
})
