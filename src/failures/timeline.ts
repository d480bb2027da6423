/** What happened to an incident, one row for each thing. */
import type { Queryable } from '../db/pool.ts'

export type EntryKind =
  | 'opened'
  | 'failure'
  | 'notified'
  | 'acknowledged'
  | 'note'
  | 'recovered'
  | 'closed'
  | 'reopened'

export interface Entry {
  kind: EntryKind
  text: string
  /** Public id of a job to look at. */
  job?: string | null
}

export async function addEntry(tx: Queryable, incidentKey: string, { kind, text, job }: Entry): Promise<string> {
  const { rows } = await tx.query<{ id: string }>({
    name: 'incident_add_entry',
    text: `insert into incident_entries (incident_id, kind, text, detail) values ($1, $2, $3, $4) returning id`,
    values: [incidentKey, kind, text, job == null ? '{}' : JSON.stringify({ job })],
  })
  return rows[0]!.id
}

/** One line for all failures of ten minutes: a storm of them would fill the timeline otherwise. */
export async function noteMoreFailures(tx: Queryable, incidentKey: string, n: number, job: string): Promise<void> {
  const { rowCount } = await tx.query({
    name: 'incident_more_failures',
    text: `update incident_entries e set
        text = 'failed ' || ((e.detail->>'n')::bigint + $2) || ' times more',
        detail = jsonb_build_object('n', (e.detail->>'n')::bigint + $2, 'job', $3::text)
      from (select id, kind, at, detail from incident_entries where incident_id = $1 order by id desc limit 1) last
      where e.id = last.id and last.kind = 'failure' and last.detail ? 'n' and last.at > now() - interval '10 minutes'`,
    values: [incidentKey, n, job],
  })
  if (rowCount > 0) return
  await tx.query({
    name: 'incident_first_failures',
    text: `insert into incident_entries (incident_id, kind, text, detail)
      values ($1, 'failure', 'failed ' || case when $2::bigint = 1 then 'once' else $2::text || ' times' end || ' more',
        jsonb_build_object('n', $2::bigint, 'job', $3::text))`,
    values: [incidentKey, n, job],
  })
}
