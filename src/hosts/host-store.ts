/** Hosts made and changed. */
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import type { PinnedKey, SshAuth } from '../job/host.ts'
import type { ConfirmedKey, HostRow } from './host-rows.ts'

export const hostAad = (id: string): string => `host:${id}`
const purpose = 'host'

export interface HostSettings {
  description: string | null
  address: string
  port: number
  user: string
  jumpId: string | null
  /** `k=v`, sorted. */
  labels: string[]
  connections: number
  keepAliveSeconds: number
  connectTimeoutSeconds: number
  enabled: boolean
  openTo: HostRow['openTo']
}

const columns = `description, address, port, username, jump_id, labels, connections, keep_alive_seconds,
  connect_timeout_seconds, enabled, open_to`
const valuesOf = (set: HostSettings): unknown[] => [
  ...[set.description, set.address, set.port, set.user, set.jumpId, set.labels, set.connections],
  ...[set.keepAliveSeconds, set.connectTimeoutSeconds, set.enabled, set.openTo],
]

/** False: there is one of that name. */
export async function insertHost(
  tx: Queryable,
  sealer: Sealer,
  { name, auth, ...settings }: HostSettings & { name: string; auth: SshAuth },
): Promise<boolean> {
  const { rows } = await tx.query<{ id: string }>(`select nextval(pg_get_serial_sequence('hosts', 'id')) as id`)
  const { id } = rows[0]!
  const { rowCount } = await tx.query(
    `insert into hosts (id, name, auth_method, auth_sealed, ${columns}) overriding system value
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict (name) do nothing`,
    [id, name, auth.method, sealed(auth, id, sealer), ...valuesOf(settings)],
  )
  return rowCount === 1
}

/** Without `auth` the credentials stay. */
export async function updateHost(
  tx: Queryable,
  sealer: Sealer,
  id: string,
  { auth, ...settings }: HostSettings & { auth?: SshAuth | undefined },
): Promise<void> {
  await tx.query(
    `update hosts set (${columns}) = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12), updated_at = now() where id = $1`,
    [id, ...valuesOf(settings)],
  )
  if (auth === undefined) return
  await tx.query('update hosts set auth_method = $2, auth_sealed = $3 where id = $1', [
    ...[id, auth.method, sealed(auth, id, sealer)],
  ])
}

function sealed({ method, ...secrets }: SshAuth, id: string, sealer: Sealer): Buffer | null {
  return method === 'agent' ? null : sealer.forPurpose(purpose).seal(JSON.stringify(secrets), hostAad(id))
}

/** Throws as `Sealer.open` does. */
export function openAuth({ id, authMethod: method, authSealed }: HostRow, sealer: Sealer): SshAuth {
  if (authSealed === null) return { method: 'agent' }
  const secrets = JSON.parse(sealer.forPurpose(purpose).open(authSealed, hostAad(id)).toString()) as object
  return { method, ...secrets } as SshAuth
}

/** These and no others; an alarm is over with that. */
export async function pinKeys(tx: Queryable, id: string, keys: readonly ConfirmedKey[]): Promise<void> {
  await tx.query(
    `update hosts set keys = $2::jsonb, alarm_at = null, alarm_key = null, alarm_runner = null, alarm_job = null,
       updated_at = now() where id = $1`,
    [id, JSON.stringify(keys)],
  )
}

export async function noteSeen(tx: Queryable, id: string, keys: readonly PinnedKey[]): Promise<void> {
  await tx.query('update hosts set seen_keys = $2::jsonb, seen_at = now() where id = $1', [id, JSON.stringify(keys)])
}

/** `behind`: a host that it leads to; then it stays. */
export async function deleteHost(tx: Queryable, id: string): Promise<{ behind: string | null }> {
  const { rows } = await tx.query<{ name: string }>('select name from hosts where jump_id = $1 order by name limit 1', [
    id,
  ])
  if (rows[0] !== undefined) return { behind: rows[0].name }
  await tx.query('delete from hosts where id = $1', [id])
  return { behind: null }
}
