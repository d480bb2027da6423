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

export const audit = (tx: Queryable, entry: AuditEntry): Promise<void> => auditAll(tx, [entry])

/** Several at once, in their order. */
export async function auditAll(tx: Queryable, entries: readonly AuditEntry[]): Promise<void> {
  const column = (value: (entry: AuditEntry) => string | null): (string | null)[] => entries.map(value)
  await tx.query({
    name: 'audit',
    text: `insert into audit_log (actor_kind, actor, action, target, result, detail, address)
           select k, a, c, t, r, d::jsonb, w from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
             $6::text[], $7::text[]) with ordinality as e(k, a, c, t, r, d, w, nr) order by nr`,
    values: [
      column((entry) => entry.actor.kind),
      column((entry) => short(entry.actor.username)),
      column((entry) => entry.action),
      column((entry) => (entry.target === undefined ? null : short(entry.target))),
      column((entry) => entry.result),
      column((entry) =>
        JSON.stringify(entry.detail ?? {}, (_key, value: unknown) =>
          typeof value === 'string' ? storable(value) : value,
        ),
      ),
      column((entry) => entry.address ?? null),
    ],
  })
}
