/** Who may do what: the role table of the product, pure data and two functions over it. */

export const roles = ['admin', 'operator', 'viewer'] as const
export type Role = (typeof roles)[number]

/** A person, by password (JWT), by an API token of theirs or by a client certificate. */
export interface Person {
  kind: 'user' | 'token' | 'certificate'
  userId: string
  username: string
  role: Role
  /** Of the API token, when kind is `token`. */
  tokenId?: string
  /** Of a token that was made for less than all that its owner may. */
  scopes?: readonly TokenScope[]
  /** When kind is `certificate`. */
  certificateId?: string
}

/**
 * A runner, another server or a machine that enrols, by its certificate; a runner of this machine by its socket; or
 * Runyard itself (upkeep, bootstrap).
 */
export interface Machine {
  kind: 'runner' | 'server' | 'enrol' | 'system'
  userId: null
  username: string
  role: null
  /** Missing: it came through the socket of this machine. */
  certificateId?: string
}

export type Principal = Person | Machine

export const systemPrincipal: Machine = { kind: 'system', userId: null, username: 'system', role: null }

/** `own`: only what belongs to the asker. What one may not see answers 404, so reading decides that too. */
export type Scope = 'all' | 'own' | 'none'

const table = {
  'job.submit': { admin: 'all', operator: 'own', viewer: 'none' },
  'job.read': { admin: 'all', operator: 'own', viewer: 'all' },
  'job.cancel': { admin: 'all', operator: 'own', viewer: 'none' },
  'job.rerun': { admin: 'all', operator: 'own', viewer: 'none' },
  'job.delete': { admin: 'all', operator: 'own', viewer: 'none' },
  'batch.submit': { admin: 'all', operator: 'own', viewer: 'none' },
  'batch.read': { admin: 'all', operator: 'own', viewer: 'all' },
  'batch.cancel': { admin: 'all', operator: 'own', viewer: 'none' },
  'batch.complete': { admin: 'all', operator: 'own', viewer: 'none' },
  'batch.rerun': { admin: 'all', operator: 'own', viewer: 'none' },
  'batch.delete': { admin: 'all', operator: 'own', viewer: 'none' },
  'template.read': { admin: 'all', operator: 'own', viewer: 'own' },
  'template.change': { admin: 'all', operator: 'own', viewer: 'none' },
  'queue.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'queue.change': { admin: 'all', operator: 'none', viewer: 'none' },
  'runner.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'runner.enrol': { admin: 'all', operator: 'none', viewer: 'none' },
  'user.read': { admin: 'all', operator: 'own', viewer: 'own' },
  'user.create': { admin: 'all', operator: 'none', viewer: 'none' },
  'user.change': { admin: 'all', operator: 'none', viewer: 'none' },
  'user.delete': { admin: 'all', operator: 'none', viewer: 'none' },
  'user.change_password': { admin: 'all', operator: 'own', viewer: 'own' },
  'user.create_reset': { admin: 'all', operator: 'none', viewer: 'none' },
  'user.sign_out': { admin: 'own', operator: 'own', viewer: 'own' },
  // A token never does more than its owner, and an administrator makes none in another's name.
  'token.create': { admin: 'own', operator: 'own', viewer: 'own' },
  'token.read': { admin: 'own', operator: 'own', viewer: 'own' },
  'token.revoke': { admin: 'all', operator: 'own', viewer: 'own' },
  // A certificate carries the rights of an account or of a machine: like an account, an administrator's affair.
  'certificate.issue': { admin: 'all', operator: 'none', viewer: 'none' },
  'certificate.read': { admin: 'all', operator: 'none', viewer: 'none' },
  'certificate.revoke': { admin: 'all', operator: 'none', viewer: 'none' },
  // Names and kinds of channels are no secret to those who may name one; their settings are shown to nobody.
  'channel.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'channel.change': { admin: 'all', operator: 'none', viewer: 'none' },
  // A host that is open to somebody is used by its name; how one gets in is an administrator's affair.
  'host.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'host.change': { admin: 'all', operator: 'none', viewer: 'none' },
  'host.terminal': { admin: 'all', operator: 'none', viewer: 'none' },
  // The same of images: their names and references are no secret, their registries' passwords are shown to nobody.
  'image.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'image.change': { admin: 'all', operator: 'none', viewer: 'none' },
  // A definition says what a team runs: everyone reads it. What came of it belongs to whoever started it.
  'pipeline.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'pipeline.start': { admin: 'all', operator: 'all', viewer: 'none' },
  'pipeline.change': { admin: 'all', operator: 'own', viewer: 'none' },
  'pipeline_run.read': { admin: 'all', operator: 'own', viewer: 'all' },
  'pipeline_run.cancel': { admin: 'all', operator: 'own', viewer: 'none' },
  'pipeline_run.rerun': { admin: 'all', operator: 'own', viewer: 'none' },
  'pipeline_run.approve': { admin: 'all', operator: 'own', viewer: 'none' },
  'pipeline_run.delete': { admin: 'all', operator: 'own', viewer: 'none' },
  'schedule.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'schedule.change': { admin: 'all', operator: 'own', viewer: 'none' },
  // One that is shared is read and run by all who may run anything; its runs are its owner's.
  'event.read': { admin: 'all', operator: 'own', viewer: 'all' },
  'event.change': { admin: 'all', operator: 'own', viewer: 'none' },
  'event.run': { admin: 'all', operator: 'own', viewer: 'none' },
  'event_run.read': { admin: 'all', operator: 'own', viewer: 'all' },
  'event_run.cancel': { admin: 'all', operator: 'own', viewer: 'none' },
  // Names and values of a user's variables are that user's alone; global ones everybody's to read, an administrator's to change.
  'variable.read': { admin: 'own', operator: 'own', viewer: 'none' },
  'variable.change': { admin: 'own', operator: 'own', viewer: 'none' },
  'variable.change_global': { admin: 'all', operator: 'none', viewer: 'none' },
  'secret.rotate': { admin: 'all', operator: 'none', viewer: 'none' },
  'message_template.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'message_template.change': { admin: 'all', operator: 'own', viewer: 'none' },
  'dead_letter.read': { admin: 'all', operator: 'own', viewer: 'all' },
  'dead_letter.act': { admin: 'all', operator: 'own', viewer: 'none' },
  'incident.read': { admin: 'all', operator: 'own', viewer: 'all' },
  'incident.act': { admin: 'all', operator: 'own', viewer: 'none' },
  'incident.change_rules': { admin: 'all', operator: 'none', viewer: 'none' },
  'analytics.read': { admin: 'all', operator: 'own', viewer: 'all' },
  'metrics.read': { admin: 'all', operator: 'all', viewer: 'all' },
  'audit.read': { admin: 'all', operator: 'none', viewer: 'none' },
} as const satisfies Record<string, Record<Role, Scope>>

export type Action = keyof typeof table
export const actions = Object.keys(table) as Action[]

/** What an API token may be made for. */
export const tokenScopes = [
  'jobs:read',
  'jobs:write',
  'batches:read',
  'batches:write',
  'queues:read',
  'queues:write',
  'runners:read',
  'runners:write',
  'users:read',
  'users:write',
  'tokens:read',
  'tokens:write',
  'certificates:read',
  'certificates:write',
  'channels:read',
  'channels:write',
  'images:read',
  'images:write',
  'hosts:read',
  'hosts:write',
  'pipelines:read',
  'pipelines:write',
  'events:read',
  'events:write',
  'variables:read',
  'variables:write',
  'audit:read',
  'metrics:read',
] as const
export type TokenScope = (typeof tokenScopes)[number]

/** The scope that each action asks of a token, beside what its owner's role says. */
const scopeFor: Record<Action, TokenScope> = {
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

/** Whole words only: `jobs:write` includes `jobs:read`, and no name is the beginning of another. */
export function isWithin(needed: TokenScope, granted: readonly string[]): boolean {
  if (granted.includes(needed)) return true
  const [kind, verb] = needed.split(':')
  return verb === 'read' && granted.includes(`${kind}:write`)
}

/** What a token that asks would need for it and was made without. */
export function missingScope(principal: Principal, action: Action): TokenScope | undefined {
  if (principal.role === null || principal.scopes === undefined) return undefined
  return isWithin(scopeFor[action], principal.scopes) ? undefined : scopeFor[action]
}

/** For lists: all rows, only one's own, or none. */
export function scopeOf(principal: Principal, action: Action): Scope {
  // A runner talks through its own port, which checks the fence of every message; it has no other rights.
  if (principal.role === null) return principal.kind === 'system' ? 'all' : 'none'
  if (missingScope(principal, action) !== undefined) return 'none'
  return table[action][principal.role] ?? 'none'
}

/** Without an object: may they do it at all, to something of their own? */
export function may(principal: Principal, action: Action, object?: { ownerId: string | null }): boolean {
  const scope = scopeOf(principal, action)
  if (scope === 'all') return true
  if (scope === 'none') return false
  return object === undefined || (object.ownerId !== null && object.ownerId === principal.userId)
}
