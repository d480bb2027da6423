/** Whoever hears of incidents hears of a host whose key has changed; and it stands in the audit log. */
import { audit } from '../access/audit.ts'
import type { Principal } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { incidentRules } from '../failures/rules.ts'
import type { ChangedKey } from '../hosts/alarm.ts'
import { emitFact } from '../lib/facts.ts'
import { noteHostAlarm } from '../reactions/outbox.ts'

/** `ownerId`: of whoever met it; the messages are made in that name. */
export async function tellAlarm(
  tx: Queryable,
  { host, key, runner, job }: ChangedKey,
  { at, ownerId, actor }: { at: Date; ownerId: string | null; actor: Principal },
): Promise<void> {
  const detail = { type: key.type, seen: key.fingerprint, runner, job }
  await audit(tx, { actor, action: 'host.key_changed', target: `host:${host}`, result: 'refused', detail })
  const { channels } = await incidentRules(tx)
  if (ownerId !== null) {
    await noteHostAlarm(tx, { ownerId, channels, alarm: { host, ...key, runner, job, at: at.toISOString() } })
  }
  emitFact({ name: 'host.key_changed', level: 'warn', host, seen: key.fingerprint, ...(job !== null && { job }) })
}
