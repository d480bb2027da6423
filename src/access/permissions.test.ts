import { expect, test } from 'vitest'
import { tokenScopes as wireScopes } from '../api/contract/people.ts'
import {
  actions,
  may,
  roles,
  isWithin,
  scopeOf,
  systemPrincipal,
  tokenScopes,
  type Action,
  type Principal,
  type Scope,
  type TokenScope,
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
  'runner.enrol': ['all', 'none', 'none'],
  'user.read': ['all', 'own', 'own'],
  'user.create': ['all', 'none', 'none'],
  'user.change': ['all', 'none', 'none'],
  'user.delete': ['all', 'none', 'none'],
  'user.change_password': ['all', 'own', 'own'],
  'user.create_reset': ['all', 'none', 'none'],
  'user.sign_out': ['own', 'own', 'own'],
  'token.create': ['own', 'own', 'own'],
  'token.read': ['own', 'own', 'own'],
  'token.revoke': ['all', 'own', 'own'],
  'certificate.issue': ['all', 'none', 'none'],
  'certificate.read': ['all', 'none', 'none'],
  'certificate.revoke': ['all', 'none', 'none'],
  'channel.read': ['all', 'all', 'all'],
  'channel.change': ['all', 'none', 'none'],
  'host.read': ['all', 'all', 'all'],
  'host.change': ['all', 'none', 'none'],
  'host.terminal': ['all', 'none', 'none'],
  'image.read': ['all', 'all', 'all'],
  'image.change': ['all', 'none', 'none'],
  'pipeline.read': ['all', 'all', 'all'],
  'pipeline.start': ['all', 'all', 'none'],
  'pipeline.change': ['all', 'own', 'none'],
  'pipeline_run.read': ['all', 'own', 'all'],
  'pipeline_run.cancel': ['all', 'own', 'none'],
  'pipeline_run.rerun': ['all', 'own', 'none'],
  'pipeline_run.approve': ['all', 'own', 'none'],
  'pipeline_run.delete': ['all', 'own', 'none'],
  'schedule.read': ['all', 'all', 'all'],
  'schedule.change': ['all', 'own', 'none'],
  'event.read': ['all', 'own', 'all'],
  'event.change': ['all', 'own', 'none'],
  'event.run': ['all', 'own', 'none'],
  'event_run.read': ['all', 'own', 'all'],
  'event_run.cancel': ['all', 'own', 'none'],
  'variable.read': ['own', 'own', 'none'],
  'variable.change': ['own', 'own', 'none'],
  'variable.change_global': ['all', 'none', 'none'],
  'secret.rotate': ['all', 'none', 'none'],
  'message_template.read': ['all', 'all', 'all'],
  'message_template.change': ['all', 'own', 'none'],
  'dead_letter.read': ['all', 'own', 'all'],
  'dead_letter.act': ['all', 'own', 'none'],
  'incident.read': ['all', 'own', 'all'],
  'incident.act': ['all', 'own', 'none'],
  'incident.change_rules': ['all', 'none', 'none'],
  'analytics.read': ['all', 'own', 'all'],
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

/** What each action asks of a token, written a second time. */
const asks: Record<Action, TokenScope> = {
  'job.submit': 'jobs:write',
  'job.read': 'jobs:read',
  'job.cancel': 'jobs:write',
  'job.rerun': 'jobs:write',
  'job.delete': 'jobs:write',
  'batch.submit': 'batches:write',
  'batch.read': 'batches:read',
  'batch.cancel': 'batches:write',
  'batch.complete': 'batches:write',
  'batch.rerun': 'batches:write',
  'batch.delete': 'batches:write',
  'template.read': 'batches:read',
  'template.change': 'batches:write',
  'queue.read': 'queues:read',
  'queue.change': 'queues:write',
  'runner.read': 'runners:read',
  'runner.enrol': 'runners:write',
  'user.read': 'users:read',
  'user.create': 'users:write',
  'user.change': 'users:write',
  'user.delete': 'users:write',
  'user.change_password': 'users:write',
  'user.create_reset': 'users:write',
  'user.sign_out': 'users:write',
  'token.create': 'tokens:write',
  'token.read': 'tokens:read',
  'token.revoke': 'tokens:write',
  'certificate.issue': 'certificates:write',
  'certificate.read': 'certificates:read',
  'certificate.revoke': 'certificates:write',
  'channel.read': 'channels:read',
  'channel.change': 'channels:write',
  'host.read': 'hosts:read',
  'host.change': 'hosts:write',
  'host.terminal': 'hosts:write',
  'image.read': 'images:read',
  'image.change': 'images:write',
  'pipeline.read': 'pipelines:read',
  'pipeline.start': 'pipelines:write',
  'pipeline.change': 'pipelines:write',
  'pipeline_run.read': 'pipelines:read',
  'pipeline_run.cancel': 'pipelines:write',
  'pipeline_run.rerun': 'pipelines:write',
  'pipeline_run.approve': 'pipelines:write',
  'pipeline_run.delete': 'pipelines:write',
  'schedule.read': 'pipelines:read',
  'schedule.change': 'pipelines:write',
  'event.read': 'events:read',
  'event.change': 'events:write',
  'event.run': 'events:write',
  'event_run.read': 'events:read',
  'event_run.cancel': 'events:write',
  'variable.read': 'variables:read',
  'variable.change': 'variables:write',
  'variable.change_global': 'variables:write',
  'secret.rotate': 'variables:write',
  'message_template.read': 'channels:read',
  'message_template.change': 'channels:write',
  'dead_letter.read': 'jobs:read',
  'dead_letter.act': 'jobs:write',
  'incident.read': 'events:read',
  'incident.act': 'events:write',
  'incident.change_rules': 'events:write',
  'analytics.read': 'events:read',
  'metrics.read': 'metrics:read',
  'audit.read': 'audit:read',
}

test('R7: a token does what its one scope says, by its owner’s role, and nothing else', () => {
  expect(actions.toSorted()).toEqual(Object.keys(asks).toSorted())
  expect(tokenScopes).toEqual(wireScopes)
  for (const scope of tokenScopes) {
    for (const role of roles) {
      const token = { ...person(role), kind: 'token', scopes: [scope] } as Principal
      for (const action of actions) {
        const [kind, verb] = asks[action].split(':')
        const within = scope === asks[action] || (verb === 'read' && scope === `${kind}:write`)
        expect(scopeOf(token, action), `${role} ${scope} ${action}`).toBe(
          within ? expected[action][roles.indexOf(role)] : 'none',
        )
      }
    }
  }
})

test('R7: no scope is taken for another that begins like it', () => {
  const near = [
    'jobs',
    'jobs:',
    'jobs:read2',
    'job:read',
    'jobs:r',
    'xjobs:read',
    'JOBS:READ',
    'jobs:*',
    '*',
    ' jobs:read',
  ]
  expect(isWithin('jobs:read', near)).toBe(false)
  expect(isWithin('jobs:write', ['jobs:read'])).toBe(false)
  expect(isWithin('jobs:read', [])).toBe(false)
})
