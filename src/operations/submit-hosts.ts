/** Hosts that jobs name: are they there, and may this role use them? Labels become names. */
import type { Role } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { hostsInBrief, type HostInBrief } from '../hosts/find-hosts.ts'
import { hostLimits } from '../job/host.ts'
import type { StoredSpec } from '../job/spec.ts'
import type { FieldProblem } from '../lib/app-error.ts'

const labelPrefix = 'label:'
const labelOf = (entry: string): string | null =>
  entry.startsWith(labelPrefix) ? entry.slice(labelPrefix.length) : null

export interface CheckedHosts {
  problems: FieldProblem[]
  /** By name, each once. */
  hosts: string[]
}

/** Of each spec, in order; null for those that name none. One statement for all. */
export async function submitHosts(
  db: Queryable,
  role: Role,
  specs: readonly Pick<StoredSpec, 'hosts' | 'hosts_at_once'>[],
): Promise<(CheckedHosts | null)[]> {
  const entries = new Set(specs.flatMap(({ hosts }) => hosts ?? []))
  if (entries.size === 0) return specs.map(() => null)
  const labels = [...entries].flatMap((entry) => labelOf(entry) ?? [])
  const names = [...entries].filter((entry) => labelOf(entry) === null)
  const found = await hostsInBrief(db, names, labels)
  const byName = new Map(found.map((host) => [host.name, host]))
  return specs.map(({ hosts }) => (hosts === undefined ? null : check(hosts, byName, found, role)))
}

function check(
  entries: readonly string[],
  byName: ReadonlyMap<string, HostInBrief>,
  found: readonly HostInBrief[],
  role: Role,
): CheckedHosts {
  const problems: FieldProblem[] = []
  const names = new Set<string>()
  entries.forEach((entry, i) => {
    const refuse = (message: string): void => void problems.push({ field: `hosts[${i}]`, message })
    const label = labelOf(entry)
    if (label !== null) {
      // Labels are for whoever may use the hosts: those of others are passed over, as if they were not there.
      const having = found.filter((host) => host.labels.includes(label) && isMeant(host, role))
      if (having.length === 0) refuse(`no host that you may use now has the label ${label}; see runyard host ls`)
      for (const host of having) {
        const why = whyNotUsed(host, role)
        // Left out in silence, a success of "all" would say more than it did.
        if (why === null) names.add(host.name)
        else refuse(`${host.name} with that label ${why}, or disables it`)
      }
      return
    }
    const host = byName.get(entry)
    if (host === undefined || (host.openTo === 'admins' && role !== 'admin')) {
      refuse(`there is no host ${entry} that you may use; see runyard host ls`)
      return
    }
    const why = whyNotUsed(host, role)
    if (why === null) names.add(entry)
    else refuse(`${entry} ${why}`)
  })
  if (names.size > hostLimits.hostsOfJob)
    problems.push({ field: 'hosts', message: `are ${names.size}: at most ${hostLimits.hostsOfJob}` })
  return { problems, hosts: [...names] }
}

/** A disabled host was left out by somebody who decided it. */
const isMeant = ({ openTo, state }: HostInBrief, role: Role): boolean =>
  state !== 'disabled' && (openTo === 'operators' || role === 'admin')

/** Read behind the host's name; null: it may be used. */
export function whyNotUsed({ name, state, openTo }: Omit<HostInBrief, 'labels'>, role: Role): string | null {
  if (openTo === 'admins' && role !== 'admin') return 'is for administrators only'
  switch (state) {
    case 'ready':
      return null
    case 'disabled':
      return 'is disabled; an administrator can enable it'
    case 'unconfirmed':
      return `has no confirmed key; an administrator confirms it: runyard host confirm ${name}`
    case 'key_changed':
      return `shows another key than the confirmed one; an administrator looks into it: runyard host confirm ${name}`
  }
}
