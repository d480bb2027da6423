/** Records that attempts run. A repeated report changes nothing; one of a silent runner means it is heard again. */
import type { Db, Queryable } from '../db/pool.ts'
import { lockHeld } from './end-attempts.ts'
import { notify } from './notify.ts'
import { inTransaction } from './statements.ts'
import type { Reported, StartedItem } from './types.ts'

export async function started(db: Db | Queryable, items: StartedItem[]): Promise<Reported> {
  if (items.length === 0) return { results: [], changed: [] }
  return inTransaction(db, async (tx) => {
    const mine = await lockHeld(tx, items)
    const { rows } = await tx.query<{ public_id: string }>({
      name: 'queue_started',
      text: `
        with report as (
          select s.*, least(clock_timestamp(), greatest(to_timestamp(s.at), a.leased_at)) as started_at
          from jsonb_to_recordset($1::jsonb) as s(job_id bigint, number int, at float8, unenforced jsonb)
          join attempts a on a.job_id = s.job_id and a.number = s.number
          where a.state in ('leased', 'unknown') and a.ended_at is null
        ), attempt as (
          update attempts a set state = 'running', started_at = coalesce(a.started_at, report.started_at),
            unenforced = coalesce(a.unenforced, array(select jsonb_array_elements_text(report.unenforced)))
          from report where a.job_id = report.job_id and a.number = report.number
        )
        update jobs j set state = 'running', state_since = now(), started_at = coalesce(j.started_at, report.started_at)
        from report where j.id = report.job_id and j.state in ('leased', 'unknown')
        returning j.public_id`,
      values: [
        JSON.stringify(
          [...mine].map(([nr, attempt]) => ({
            job_id: attempt.job_id,
            number: attempt.number,
            at: items[nr]!.startedAt.getTime() / 1000,
            unenforced: items[nr]!.unenforced ?? [],
          })),
        ),
      ],
    })
    const changed = rows.map((row) => row.public_id)
    await notify(tx, changed, false)
    return { results: items.map((_, nr) => (mine.has(nr) ? 'accepted' : 'stale')), changed }
  })
}
