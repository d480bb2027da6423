import type { Queryable } from '../db/pool.ts'
import { held } from './statements.ts'
import type { AttemptRef } from './types.ts'

export interface RunnerCancel {
  runnerId: string
  ref: AttemptRef
  /** Without grace. */
  now: boolean
}

/** Of these jobs, the attempts that their runners should stop. */
export async function cancelsAmong(db: Queryable, publicIds: readonly string[]): Promise<RunnerCancel[]> {
  const { rows } = await db.query<{
    runner_id: string
    job_id: string
    number: number
    token: string
    cancel_now: boolean
  }>({
    name: 'queue_cancels_among',
    text: `select a.runner_id, a.job_id, a.number, a.token, j.cancel_now from jobs j
      join attempts a on a.job_id = j.id and a.number = j.last_attempt and a.ended_at is null
      where j.public_id = any($1::text[]) and j.cancel_requested_at is not null
        and j.state in ${held}`,
    values: [publicIds],
  })
  return rows.map((row) => ({
    runnerId: row.runner_id,
    ref: { jobKey: row.job_id, number: row.number, token: row.token },
    now: row.cancel_now,
  }))
}
