/** A host as its reader sees it: to operators it is a name with labels, to others all but its credentials. */
import { may, type Principal } from '../access/permissions.ts'
import type { Config } from '../config/config.ts'
import type { Queryable } from '../db/pool.ts'
import type { HostRow } from '../hosts/host-rows.ts'
import { listRunners } from '../queue/runners.ts'

export interface RunnerOnHost {
  runner: string
  breaker: 'closed' | 'open' | 'half_open'
  failures: number
  retry_at: string | null
  connections: number
  sessions: number
  last_error: string | null
}

/** By name of the host; what runners say of themselves is checked like any other input. */
export interface OnRunners {
  byHost: Map<string, RunnerOnHost[]>
  /** Some runner that is online takes jobs for hosts. */
  ssh: boolean
}

export async function hostsOnRunners(db: Queryable): Promise<OnRunners> {
  const online = (await listRunners(db)).filter(({ state }) => state !== 'offline')
  const byHost = new Map<string, RunnerOnHost[]>()
  for (const { name: runner, facilities } of online) {
    const told = (facilities as { elsewhere?: { ssh?: { hosts?: unknown } } } | null)?.elsewhere?.ssh?.hosts
    for (const one of Array.isArray(told) ? told.slice(0, 5000) : []) {
      const host = one as Record<string, unknown> | null
      if (typeof host?.name !== 'string') continue
      const all = byHost.get(host.name) ?? []
      byHost.set(host.name, all)
      all.push(readOne(runner, host))
    }
  }
  return { byHost, ssh: online.some(({ executors, state }) => state === 'online' && executors.includes('ssh')) }
}

const count = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : 0)
const text = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 500) : null)

function readOne(runner: string, host: Record<string, unknown>): RunnerOnHost {
  const { breaker } = host
  const retryAt = new Date(typeof host.retry_at === 'string' || typeof host.retry_at === 'number' ? host.retry_at : NaN)
  return {
    runner,
    breaker: breaker === 'open' || breaker === 'half_open' ? breaker : 'closed',
    failures: count(host.failures),
    retry_at: Number.isNaN(retryAt.getTime()) ? null : retryAt.toISOString(),
    connections: count(host.connections),
    sessions: count(host.sessions),
    last_error: text(host.last_error),
  }
}

export interface Showing {
  reader: Principal
  config: Pick<Config, 'webTerminal'>
  runners: OnRunners
}

/** What operators are not told of a host that they use. */
export const seesConnection = (reader: Principal): boolean => reader.role !== 'operator'

export function showHost(row: HostRow, { reader, config, runners }: Showing) {
  const full = seesConnection(reader)
  const alarm = row.alarmAt && {
    ...{ at: row.alarmAt.toISOString(), key: full ? row.alarmKey : null, runner: row.alarmRunner },
    job_id: full ? row.alarmJob : null,
  }
  return {
    ...{ name: row.name, description: row.description, enabled: row.enabled, open_to: row.openTo, state: row.state },
    labels: Object.fromEntries(row.labels.map((label) => splitLabel(label))),
    connection: full ? connectionOf(row) : null,
    key_alarm: alarm,
    facts: row.facts && row.factsAt && { ...row.facts, at: row.factsAt.toISOString() },
    last_ok_at: row.lastOkAt?.toISOString() ?? null,
    last_failed_at: row.lastFailedAt?.toISOString() ?? null,
    last_error: full ? row.lastError : null,
    last_job_id: full ? row.lastJob : null,
    runners: (runners.byHost.get(row.name) ?? []).map((one) => (full ? one : { ...one, last_error: null })),
    terminal: config.webTerminal && row.state === 'ready' && may(reader, 'host.terminal'),
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  }
}
export type ShownHost = ReturnType<typeof showHost>

const connectionOf = (row: HostRow) => ({
  ...{ address: row.address, port: row.port, user: row.user, auth: row.authMethod, jump: row.jump },
  ...{ connections: row.connections, keep_alive_seconds: row.keepAliveSeconds },
  connect_timeout_seconds: row.connectTimeoutSeconds,
  keys: row.keys,
  seen: row.seenKeys,
  seen_at: row.seenAt?.toISOString() ?? null,
})

function splitLabel(label: string): [string, string] {
  const at = label.indexOf('=')
  return [label.slice(0, at), label.slice(at + 1)]
}
