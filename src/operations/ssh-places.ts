/** What a runner needs to reach the hosts of a job, at the moment when it gets the job. */
import type { Sealer } from '../access/secrets.ts'
import { hostsWithJumps } from '../hosts/find-hosts.ts'
import type { HostRow } from '../hosts/host-rows.ts'
import { openAuth } from '../hosts/host-store.ts'
import { hostLimits, type SshTarget } from '../job/host.ts'
import type { PlaceOrder } from '../job/place.ts'
import type { ClaimedJob } from '../queue/types.ts'
import type { Queryable } from '../db/pool.ts'
import type { Deps } from './deps.ts'
import { whyNotUsed } from './submit-hosts.ts'

export async function sshPlaces(
  { db, sealer }: Pick<Deps, 'db' | 'sealer'>,
  jobs: readonly ClaimedJob[],
): Promise<Map<string, PlaceOrder>> {
  const named = new Set(jobs.flatMap(({ spec }) => spec.hosts ?? []))
  const rows = await hostsWithJumps(db, [...named])
  const byName = new Map(rows.map((row) => [row.name, row]))
  const isAdmin = await adminsAmong(db, jobs, byName)
  const targets = createTargets(rows, sealer)
  return new Map(jobs.map((job) => [job.jobKey, orderOf(job, byName, targets, isAdmin)]))
}

function orderOf(
  { spec, ownerId }: ClaimedJob,
  byName: ReadonlyMap<string, HostRow>,
  targets: (row: HostRow) => SshTarget,
  isAdmin: ReadonlySet<string>,
): PlaceOrder {
  const names = spec.hosts ?? []
  const hosts: SshTarget[] = []
  for (const name of names) {
    const row = byName.get(name)
    if (row === undefined) return { refused: `there is no host ${name} any more` }
    const why = whyNotUsed(row, isAdmin.has(ownerId) ? 'admin' : 'operator')
    if (why !== null) return { refused: `host ${name} ${why}` }
    try {
      hosts.push(targets(row))
    } catch (error) {
      return { refused: error instanceof NoWay ? error.message : `the credentials of host ${name} cannot be opened` }
    }
  }
  return { ssh: { hosts, success: spec.hosts_success ?? 'all', at_once: spec.hosts_at_once ?? names.length } }
}

export class NoWay extends Error {}

/** Opens each host's credentials once. Throws NoWay for one behind a host that is not to be used. */
export function createTargets(rows: readonly HostRow[], sealer: Sealer): (row: HostRow) => SshTarget {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const made = new Map<string, SshTarget>()
  const target = (row: HostRow, jumps: number): SshTarget => {
    const known = made.get(row.id)
    if (known !== undefined) return known
    const jump = row.jumpId === null ? undefined : byId.get(row.jumpId)
    if (jump !== undefined) {
      const why = jump.state === 'ready' ? null : whyNotUsed(jump, 'admin')
      if (why !== null) throw new NoWay(`host ${jump.name}, which leads to ${row.name}, ${why}`)
      if (jumps >= hostLimits.jumps) throw new NoWay(`host ${row.name} is behind too many others`)
    }
    const one: SshTarget = {
      ...{ name: row.name, address: row.address, port: row.port, user: row.user },
      keys: row.keys.map(({ type, fingerprint }) => ({ type, fingerprint })),
      auth: openAuth(row, sealer),
      ...(jump && { jump: target(jump, jumps + 1) }),
      connections: row.connections,
      keep_alive_seconds: row.keepAliveSeconds,
      connect_timeout_seconds: row.connectTimeoutSeconds,
    }
    made.set(row.id, one)
    return one
  }
  return (row) => target(row, 0)
}

async function adminsAmong(
  db: Queryable,
  jobs: readonly ClaimedJob[],
  byName: ReadonlyMap<string, HostRow>,
): Promise<Set<string>> {
  const asks = jobs.filter(({ spec }) => spec.hosts?.some((name) => byName.get(name)?.openTo === 'admins'))
  if (asks.length === 0) return new Set()
  const { rows } = await db.query<{ id: string }>({
    name: 'hosts_admins_among',
    text: `select id from users where id = any($1::bigint[]) and role = 'admin'`,
    values: [asks.map(({ ownerId }) => ownerId)],
  })
  return new Set(rows.map(({ id }) => id))
}
