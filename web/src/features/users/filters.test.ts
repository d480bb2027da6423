import { expect, test } from 'vitest'
import { filterUsers, readUserFilters } from './filters.ts'
import { stateOf, type User } from './user.ts'

const user = (username: string, role: User['role'], over: Partial<User> = {}): User => ({
  ...{ username, role, max_running: 100, disabled: false, locked_until: null, last_seen_at: null },
  created_at: '2026-01-01T00:00:00Z',
  usage: { open_jobs: 0, kept_jobs: 0, log_bytes: 0, retain_count: 0, retain_bytes: 0 },
  ...over,
})

test('by part of the name in any case, and by role', () => {
  const all = [user('Anna', 'admin'), user('hannah', 'viewer'), user('ben', 'operator')]
  expect(filterUsers(all, { q: 'ANN' }).map(({ username }) => username)).toEqual(['Anna', 'hannah'])
  expect(filterUsers(all, { q: 'ann', role: 'viewer' }).map(({ username }) => username)).toEqual(['hannah'])
  expect(filterUsers(all, {})).toHaveLength(3)
})

test('what is no filter narrows nothing, and is told; name is q', () => {
  expect(readUserFilters({ q: '', role: 'root', x: 1 })).toEqual({
    q: undefined,
    role: undefined,
    unknown: 'role=root, x=1',
  })
  expect(readUserFilters({ name: 'a' })).toEqual({ q: 'a', role: undefined })
  expect(readUserFilters({ q: 'a', role: 'viewer' })).toEqual({ q: 'a', role: 'viewer' })
})

test('the gravest state is shown; a lock that is over is none', () => {
  const now = Date.parse('2026-01-01T12:00:00Z')
  expect(stateOf(user('a', 'viewer'), now)).toBeNull()
  expect(stateOf(user('a', 'viewer', { locked_until: '2026-01-01T12:01:00Z' }), now)).toBe('locked')
  expect(stateOf(user('a', 'viewer', { locked_until: '2026-01-01T11:59:00Z' }), now)).toBeNull()
  expect(stateOf(user('a', 'viewer', { disabled: true, locked_until: '2026-01-01T12:01:00Z' }), now)).toBe('disabled')
})
