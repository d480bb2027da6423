/** Why messages about attempts were refused as stale: for the audit log, asked only when one was. */
import type { Queryable } from '../db/pool.ts'
import type { AttemptRef, FromRunner } from './types.ts'

export interface StaleLook {
  ref: AttemptRef
  /** Null: there is no such job. */
  publicId: string | null
  why: string
  /** Nobody did wrong: the attempt's own runner says again what is done already, because an answer came late. */
  repeated: boolean
}

interface Row {
  nr: number
  public_id: string | null
  known: boolean
  own: boolean
  token: boolean
  session: boolean
  state: string | null
  ended: boolean
}

export async function lookAtStale(db: Queryable, from: FromRunner, refs: readonly AttemptRef[]): Promise<StaleLook[]> {
  const { rows } = await db.query<Row>({
    name: 'queue_look_at_stale',
    text: `
      select i.nr, j.public_id, a.number is not null as known, coalesce(a.runner_id = $2::bigint, false) as own,
        coalesce(a.token = i.token, false) as token, coalesce(r.session = $3, false) as session, a.state,
        a.ended_at is not null as ended
      from jsonb_to_recordset($1::jsonb) as i(nr int, job_id bigint, number int, token bigint)
      left join jobs j on j.id = i.job_id
      left join attempts a on a.job_id = i.job_id and a.number = i.number
      left join runners r on r.id = $2::bigint
      order by i.nr`,
    values: [
      JSON.stringify(refs.map((ref, nr) => ({ nr, job_id: ref.jobKey, number: ref.number, token: ref.token }))),
      from.runnerId,
      from.session,
    ],
  })
  return rows.map((row) => ({
    ref: refs[row.nr]!,
    publicId: row.public_id,
    why: reason(row),
    repeated: isRepeated(row),
  }))
}

function reason(row: Row): string {
  if (row.public_id === null) return 'there is no such job'
  if (!row.known) return 'the job has no such attempt'
  if (!row.own) return 'the attempt is leased to another runner'
  if (!row.token) return 'the token is not the attempt’s'
  if (!row.session) return 'a newer process of the runner has taken over'
  if (row.state === 'lost') return 'the lease had run out and was given away'
  return 'the attempt has ended'
}

const isRepeated = (row: Row): boolean => row.own && row.token && row.session && row.state !== 'lost'
