/** A host that shows another key than the confirmed ones: nothing gets there until somebody has looked. */
import type { Queryable } from '../db/pool.ts'
import type { PinnedKey } from '../job/host.ts'

export interface ChangedKey {
  host: string
  key: PinnedKey
  runner: string | null
  /** Public id. */
  job: string | null
}

/** When it began; null: it is known already, or the key was confirmed meanwhile. */
export async function raiseAlarm(tx: Queryable, { host, key, runner, job }: ChangedKey): Promise<Date | null> {
  const { rows } = await tx.query<{ at: Date }>({
    name: 'hosts_alarm',
    text: `update hosts set alarm_at = now(), alarm_key = $2::jsonb, alarm_runner = $3, alarm_job = $4
      where name = $1 and (alarm_at is null or alarm_key is distinct from $2::jsonb)
        and not exists (select from jsonb_to_recordset(keys) as k(type text, fingerprint text)
          where k.type = $2::jsonb->>'type' and k.fingerprint = $2::jsonb->>'fingerprint')
      returning alarm_at as at`,
    values: [host, JSON.stringify({ type: key.type, fingerprint: key.fingerprint }), runner, job],
  })
  return rows[0]?.at ?? null
}
