/** Everywhere that the database has sealed values, and how each is bound to its row. */
import { authorityAad } from '../access/certificates/authorities.ts'
import { jobEnvAad } from '../access/job-env.ts'
import type { Keyring } from '../access/keyring.ts'
import { sealedOtherwise } from '../access/secrets.ts'
import type { Db, Queryable } from '../db/pool.ts'
import { variableAad } from '../events/variable-store.ts'
import { webhookKeyAad, webhookSecretAad } from '../events/webhook-store.ts'
import { hostAad } from '../hosts/host-store.ts'
import { imageAad } from '../images/image-store.ts'
import { channelAad } from '../reactions/channels.ts'

interface Place {
  /** For people. */
  what: string
  table: string
  column: string
  purpose: string
  /** What `aad` needs of the row, beside its id. */
  columns: string
  aad(row: Record<string, string>): string
}

const webhook = { table: 'event_webhooks', purpose: 'webhook', columns: 'public_id' }
const secretOf = (row: Record<string, string>): string => webhookSecretAad(row.public_id!)

/**
 * Answers of helpers are sealed too, and left out: nobody asks for one after a few minutes, when the old key is still
 * there.
 */
export const sealedPlaces: readonly Place[] = [
  {
    ...{ what: 'certificate authorities', table: 'certificate_authorities', column: 'key_sealed' },
    ...{ purpose: 'certificate-authority', columns: 'certificate_pem' },
    aad: (row) => authorityAad(row.certificate_pem!),
  },
  {
    ...{ what: 'channels', table: 'channels', column: 'settings_sealed', purpose: 'channel', columns: 'name' },
    aad: (row) => channelAad(row.id!),
  },
  {
    ...{ what: 'credentials of hosts', table: 'hosts', column: 'auth_sealed', purpose: 'host', columns: 'name' },
    aad: (row) => hostAad(row.id!),
  },
  {
    ...{ what: 'registry passwords', table: 'images', column: 'password_sealed', purpose: 'image', columns: 'name' },
    aad: (row) => imageAad(row.id!),
  },
  { ...webhook, what: 'webhook addresses', column: 'key_sealed', aad: (row) => webhookKeyAad(row.public_id!) },
  { ...webhook, what: 'webhook secrets', column: 'secret_sealed', aad: secretOf },
  { ...webhook, what: 'former webhook secrets', column: 'old_secret_sealed', aad: secretOf },
  {
    ...{ what: 'variables', table: 'variables', column: 'value_sealed', purpose: 'variable' },
    columns: 'scope, owner_id, name, version',
    aad: ({ scope, owner_id: ownerId, name, version }) =>
      variableAad({ scope: scope as 'user' | 'global', ownerId: ownerId ?? null, name: name!, version: version! }),
  },
  {
    ...{ what: 'jobs', table: 'jobs', column: 'env_sealed', purpose: 'job-env', columns: 'public_id' },
    aad: (row) => jobEnvAad(row.public_id!),
  },
]

const others = ({ column }: Place, key: string): string => `${column} is not null and ${sealedOtherwise(column, key)}`

export interface Resealed {
  /** Id of the last one looked at; null: there is none behind `after`. */
  last: string | null
  done: number
  /** Ids of those that open with no key: damaged, or put there by somebody. */
  unreadable: string[]
}

/** The next few after an id, in one transaction. What somebody else has locked waits for the next round. */
export async function resealSome(db: Db, ring: Keyring, place: Place, after: string, limit = 200): Promise<Resealed> {
  const { table, column, columns } = place
  const sealer = ring.forPurpose(place.purpose)
  return db.tx(async (tx) => {
    const { rows } = await tx.query<Record<string, string> & { id: string; sealed: Buffer }>(
      `select id, ${column} as sealed, ${columns} from ${table}
       where id > $1::bigint and ${others(place, '$2')} order by id limit $3 for update skip locked`,
      [after, ring.keyId, limit],
    )
    const made: { id: string; sealed: Buffer }[] = []
    const unreadable: string[] = []
    for (const { sealed, ...row } of rows) {
      try {
        const aad = place.aad(row as Record<string, string>)
        made.push({ id: row.id, sealed: sealer.seal(sealer.open(sealed, aad), aad) })
      } catch {
        unreadable.push(row.id)
      }
    }
    await tx.query(
      `update ${table} t set ${column} = n.sealed from unnest($1::bigint[], $2::bytea[]) as n(id, sealed)
       where t.id = n.id`,
      [made.map(({ id }) => id), made.map(({ sealed }) => sealed)],
    )
    return { last: rows.at(-1)?.id ?? null, done: made.length, unreadable }
  })
}

/** Whether any but these has another key than the current one. */
export async function someLeft(
  db: Queryable,
  keyId: string,
  place: Place,
  except: readonly string[],
): Promise<boolean> {
  const { rows } = await db.query<{ left: boolean }>(
    `select exists (select from ${place.table} where ${others(place, '$1')} and id <> all($2::bigint[])) as left`,
    [keyId, except],
  )
  return rows[0]!.left
}

/** How many values each key has sealed; reads all of them. */
export async function countSealed(db: Queryable): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { table, column } of sealedPlaces) {
    const { rows } = await db.query<{ key: string; n: number }>(
      `select encode(substring(${column} from 2 for 8), 'hex') as key, count(*)::int as n from ${table}
       where ${column} is not null group by 1`,
    )
    for (const { key, n } of rows) counts.set(key, (counts.get(key) ?? 0) + n)
  }
  return counts
}
