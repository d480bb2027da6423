import type { Queryable } from '../db/pool.ts'

export const workChannel = 'runyard_work'
export const jobsChannel = 'runyard_jobs'
/** Ids of jobs that their runners should stop; apart, because whoever waits for these would else look at every change. */
export const cancelsChannel = 'runyard_cancels'

/** A payload holds 8,000 bytes; 500 ids of 12 characters take 6,500. */
const idsPerNotice = 500

/**
 * The same inside a statement that changes jobs: two CTEs after the one named `rows` that returns `public_id`. The
 * statement has to read `told`, else it is left out.
 */
export const tellOf = (rows: string): string => `
  parts as (
    select public_id, (row_number() over () - 1) / ${idsPerNotice} as part from ${rows}
  ), told as materialized (
    select pg_notify('${jobsChannel}', string_agg(public_id, ',')) from parts group by part
  )`

function payloadsOf(ids: readonly string[]): string[] {
  const payloads: string[] = []
  for (let i = 0; i < ids.length; i += idsPerNotice) payloads.push(ids.slice(i, i + idsPerNotice).join(','))
  return payloads
}

/** Tells the servers which running jobs are to stop, beside their being changed. */
export async function notifyCancels(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.query({
    name: 'queue_notify_cancels',
    text: `select pg_notify('${cancelsChannel}', p) from unnest($1::text[]) p`,
    values: [payloadsOf(ids)],
  })
}

/** Tells the servers which jobs changed, and whether there is something to claim. Sent when the transaction commits. */
export async function notify(tx: Queryable, changed: readonly string[], work: boolean): Promise<void> {
  const payloads = payloadsOf(changed)
  if (payloads.length === 0 && !work) return
  await tx.query({
    name: 'queue_notify',
    text: `select pg_notify('${jobsChannel}', p) from unnest($1::text[]) p
      union all select pg_notify('${workChannel}', '') where $2`,
    values: [payloads, work],
  })
}
