import type { Role } from '../users/user.ts'
import type { TokenScope } from '../../lib/api.ts'

/** Nothing, reading, or all that the owner may. */
export type Access = 'none' | 'read' | 'write'

interface Kind {
  kind: string
  label: string
  /** There is nothing to change. */
  readOnly?: true
  /** Others may do nothing with it anyhow. */
  admin?: true
}

export const kinds: Kind[] = [
  { kind: 'jobs', label: 'Jobs and logs' },
  { kind: 'batches', label: 'Batches and templates' },
  { kind: 'pipelines', label: 'Pipelines, runs and schedules' },
  { kind: 'events', label: 'Events, webhooks, failures' },
  { kind: 'variables', label: 'Variables and secrets' },
  { kind: 'queues', label: 'Queues' },
  { kind: 'runners', label: 'Runners' },
  { kind: 'hosts', label: 'Hosts' },
  { kind: 'images', label: 'Images' },
  { kind: 'channels', label: 'Channels' },
  { kind: 'metrics', label: 'Metrics', readOnly: true },
  { kind: 'tokens', label: 'API tokens' },
  { kind: 'users', label: 'Accounts and passwords' },
  { kind: 'certificates', label: 'Certificates', admin: true },
  { kind: 'audit', label: 'Audit log', readOnly: true, admin: true },
]

export const kindsFor = (role: Role | undefined): Kind[] => kinds.filter(({ admin }) => !admin || role === 'admin')

export const scopesOf = (access: Record<string, Access>): TokenScope[] =>
  kinds.flatMap(({ kind }) => {
    const given = access[kind] ?? 'none'
    return given === 'none' ? [] : [`${kind}:${given}` as TokenScope]
  })

/** An administrator's token with one of these can get all the rest: by another account, or a certificate. */
export const isWholeAccount = (role: Role | undefined, access: Record<string, Access>): boolean =>
  role === 'admin' && (access['users'] === 'write' || access['certificates'] === 'write')
