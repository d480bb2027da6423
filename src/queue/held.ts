/** Questions about held attempts that decide no move: the fence of log bytes, and cancels on their way. */
import type { Queryable } from '../db/pool.ts'
import type { AttemptRef, FromRunner } from './types.ts'

export interface FenceQuestion extends FromRunner {
  ref: AttemptRef
}

/** For each: whether this process of this runner holds the attempt with this token now. */
export async function stillHeld(db: Queryable, questions: readonly FenceQuestion[]): Promise<boolean[]> {
  if (questions.length === 0) return []
  const { rows } = await db.query<{ nr: number }>({
    name: 'queue_still_held',
    text: `select q.nr from unnest($1::int[], $2::bigint[], $3::text[], $4::bigint[], $5::int[], $6::bigint[])
        as q(nr, runner_id, session, job_id, number, token)
      join attempts a on a.job_id = q.job_id and a.number = q.number and a.token = q.token
        and a.runner_id = q.runner_id and a.ended_at is null
      join runners r on r.id = q.runner_id and r.session = q.session`,
    values: [
      questions.map((_, i) => i),
      questions.map((q) => q.runnerId),
      questions.map((q) => q.session),
      questions.map((q) => q.ref.jobKey),
      questions.map((q) => q.ref.number),
      questions.map((q) => q.ref.token),
    ],
  })
  const held = new Set(rows.map((row) => row.nr))
  return questions.map((_, i) => held.has(i))
}

/** Of these changed jobs, the attempts that their runners should stop. */
export async function cancelsAmong(
  db: Queryable,
  publicIds: readonly string[],
): Promise<{ runnerId: string; ref: AttemptRef }[]> {
  const { rows } = await db.query<{ runner_id: string; job_id: string; number: number; token: string }>({
    name: 'queue_cancels_among',
    text: `select a.runner_id, a.job_id, a.number, a.token from jobs j
      join attempts a on a.job_id = j.id and a.number = j.last_attempt and a.ended_at is null
      where j.public_id = any($1::text[]) and j.cancel_requested_at is not null
        and j.state in ('leased', 'running', 'unknown')`,
    values: [publicIds],
  })
  return rows.map((row) => ({
    runnerId: row.runner_id,
    ref: { jobKey: row.job_id, number: row.number, token: row.token },
  }))
}
