import type { Queryable } from '../db/pool.ts'

export const workChannel = 'runyard_work'
export const jobsChannel = 'runyard_jobs'

/** A payload holds 8,000 bytes; 500 ids of 12 characters take 6,500. */
const idsPerNotice = 500

/** Tells the servers which jobs changed, and whether there is something to claim. Sent when the transaction commits. */
export async function notify(tx: Queryable, changed: readonly string[], work: boolean): Promise<void> {
  const payloads: string[] = []
  for (let i = 0; i < changed.length; i += idsPerNotice) payloads.push(changed.slice(i, i + idsPerNotice).join(','))
  if (payloads.length === 0 && !work) return
  await tx.query({
    name: 'queue_notify',
    text: `select pg_notify('${jobsChannel}', p) from unnest($1::text[]) p
      union all select pg_notify('${workChannel}', '') where $2`,
    values: [payloads, work],
  })
}
