/** One row for every request that changes something, refused ones included, in the transaction of the change. */
import type { Queryable } from '../db/pool.ts'
import type { Principal } from './permissions.ts'

export interface AuditEntry {
  /** Who; a name alone for somebody who is not signed in (a failed sign-in). */
  actor: Principal | { kind: 'anonymous'; username: string }
  /** `noun.verb`, e.g. `job.cancel`. */
  action: string
  /** e.g. `job:k3v9…`, `user:anna`. */
  target?: string
  result: 'done' | 'refused'
  /** Facts, never a secret, an environment value or a command line. */
  detail?: Record<string, unknown>
  /** Of the client, as the server sees it. */
  address?: string
}

/** PostgreSQL stores neither NUL nor half a surrogate pair, and such a name must not get around its audit row. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed()
const short = (text: string): string => storable(text.slice(0, 500))

export async function audit(tx: Queryable, entry: AuditEntry): Promise<void> {
  await tx.query({
    name: 'audit',
    text: `insert into audit_log (actor_kind, actor, action, target, result, detail, address)
           values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      entry.actor.kind,
      short(entry.actor.username),
      entry.action,
      entry.target === undefined ? null : short(entry.target),
      entry.result,
      JSON.stringify(entry.detail ?? {}, (_key, value: unknown) => (typeof value === 'string' ? storable(value) : value)),
      entry.address ?? null,
    ],
  })
}
