/** What a trace tells of jobs that ended. */
import type { Queryable } from '../db/pool.ts'
import type { JobState, TerminalState } from '../job/state.ts'
import type { JobTrace } from '../job/trace.ts'
import { terminal } from './statements.ts'

export interface EndedJob {
  publicId: string
  queue: string
  state: TerminalState
  trace: JobTrace
  createdAt: Date
  /** When the end was written down. */
  endedAt: Date
  /** In their order; also those that were handed back. */
  attempts: EndedAttempt[]
}

export interface EndedAttempt {
  number: number
  runner: string
  state: JobState | 'handed_back'
  exitCode: number | null
  leasedAt: Date
  startedAt: Date | null
  endedAt: Date | null
}

/** Of these jobs, those that have ended and are to be traced. */
export async function endedJobs(db: Queryable, publicIds: readonly string[]): Promise<EndedJob[]> {
  if (publicIds.length === 0) return []
  const { rows } = await db.query<Omit<EndedJob, 'attempts'> & EndedAttempt & { jobState: TerminalState }>({
    name: 'queue_ended_jobs',
    text: `select j.public_id as "publicId", j.spec->>'queue' as queue, j.state as "jobState", j.spec->'trace' as trace,
        j.created_at as "createdAt", j.state_since as "jobEndedAt", a.number, r.name as runner, a.state,
        (a.outcome->>'exit_code')::int as "exitCode", a.leased_at as "leasedAt", a.started_at as "startedAt",
        a.ended_at as "endedAt"
      from jobs j left join attempts a on a.job_id = j.id left join runners r on r.id = a.runner_id
      where j.public_id = any($1::text[]) and j.state in ${terminal} and j.spec ? 'trace' order by j.id, a.number`,
    values: [publicIds],
  })
  const jobs = new Map<string, EndedJob>()
  for (const row of rows as ((typeof rows)[0] & { jobEndedAt: Date })[]) {
    const { publicId, queue, jobState: state, trace, createdAt, jobEndedAt: endedAt, ...attempt } = row
    const job = jobs.get(publicId) ?? { publicId, queue, state, trace, createdAt, endedAt, attempts: [] }
    jobs.set(publicId, job)
    if (attempt.number !== null) job.attempts.push(attempt)
  }
  return [...jobs.values()]
}
