import { expect, test } from 'vitest'
import {
  actions,
  may,
  roles,
  scopeOf,
  systemPrincipal,
  type Action,
  type Principal,
  type Scope,
} from './permissions.ts'

const person = (role: (typeof roles)[number]): Principal => ({ kind: 'user', userId: '7', username: 'anna', role })

/** The role table of the product, written a second time: changing it means changing it here too. */
const expected: Record<Action, [admin: Scope, operator: Scope, viewer: Scope]> = {
  'job.submit': ['all', 'own', 'none'],
  'job.read': ['all', 'own', 'all'],
  'job.cancel': ['all', 'own', 'none'],
  'job.rerun': ['all', 'own', 'none'],
  'job.delete': ['all', 'own', 'none'],
  'batch.submit': ['all', 'own', 'none'],
  'batch.read': ['all', 'own', 'all'],
  'batch.cancel': ['all', 'own', 'none'],
  'batch.complete': ['all', 'own', 'none'],
  'batch.rerun': ['all', 'own', 'none'],
  'batch.delete': ['all', 'own', 'none'],
  'template.read': ['all', 'own', 'own'],
  'template.change': ['all', 'own', 'none'],
  'queue.read': ['all', 'all', 'all'],
  'queue.change': ['all', 'none', 'none'],
  'runner.read': ['all', 'all', 'all'],
  'user.read': ['all', 'own', 'own'],
  'user.create': ['all', 'none', 'none'],
  'user.change': ['all', 'none', 'none'],
  'user.change_password': ['all', 'own', 'own'],
  'token.create': ['own', 'own', 'own'],
  'token.read': ['own', 'own', 'own'],
  'token.revoke': ['all', 'own', 'own'],
  'certificate.issue': ['all', 'none', 'none'],
  'certificate.read': ['all', 'none', 'none'],
  'certificate.revoke': ['all', 'none', 'none'],
  'channel.read': ['all', 'all', 'all'],
  'channel.change': ['all', 'none', 'none'],
  'metrics.read': ['all', 'all', 'all'],
  'audit.read': ['all', 'none', 'none'],
}

test('every action of every role', () => {
  expect(actions.toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const action of actions) {
    roles.forEach((role, i) => {
      const scope = expected[action][i]
      const who = person(role)
      const label = `${role} ${action}`
      expect(scopeOf(who, action), label).toBe(scope)
      expect(may(who, action), label).toBe(scope !== 'none')
      expect(may(who, action, { ownerId: '7' }), label).toBe(scope !== 'none')
      expect(may(who, action, { ownerId: '8' }), label).toBe(scope === 'all')
      expect(may(who, action, { ownerId: null }), label).toBe(scope === 'all')
      expect(scopeOf({ ...who, kind: 'token' } as Principal, action), label).toBe(scope)
    })
  }
})

test('a runner has no rights outside of its port, and the system all of them', () => {
  const runner: Principal = { kind: 'runner', userId: null, username: 'host-1', role: null }
  for (const action of actions) {
    expect(may(runner, action)).toBe(false)
    expect(may(runner, action, { ownerId: null })).toBe(false)
    expect(may(systemPrincipal, action, { ownerId: '8' })).toBe(true)
  }
})

test('an unknown role has no rights', () => {
  const stranger = { ...person('admin'), role: 'editor' } as unknown as Principal
  for (const action of actions) expect(may(stranger, action)).toBe(false)
})
