/** Looking at the queue: jobs, attempts, counts. Every question narrows to one owner when it is given one. */
import type { Queryable } from '../db/pool.ts'
import type { Outcome } from '../job/outcome.ts'
import { jobColumns, jobTables, type JobRow } from './job-row.ts'
import type { LogSummary } from './types.ts'

export { listJobs, type JobFilter, type JobPage } from './list-jobs.ts'
export type { JobRow } from './job-row.ts'
export { deleteEnded } from './prune.ts'
export { jobStats, usageByOwner, type Usage } from './totals.ts'
export { listQueues, upsertQueue, type QueueRow, type QueueSettings } from './queues.ts'
export { listRunners, type RunnerRow } from './runners.ts'
export { waitingReasons, type WaitingReason } from './waiting-reasons.ts'

export async function findJob(db: Queryable, publicId: string, ownerId?: string): Promise<JobRow | null> {
  const { rows } = await db.query<JobRow>({
    name: 'queue_find_job',
    text: `select ${jobColumns}, j.spec, j.env_sealed as "envSealed" from ${jobTables}
      where j.public_id = $1 and ($2::bigint is null or j.owner_id = $2)`,
    values: [publicId, ownerId ?? null],
  })
  return rows[0] ?? null
}

export interface AttemptRow {
  number: number
  state: string
  /** Its runner's name. */
  runner: string
  leasedAt: Date
  startedAt: Date | null
  endedAt: Date | null
  outcome: Outcome | null
  log: LogSummary | null
  /** Its memory limit where that had grown. */
  memoryBytes: string | null
}

export async function listAttempts(db: Queryable, jobKey: string): Promise<AttemptRow[]> {
  const { rows } = await db.query<AttemptRow>(
    `select a.number, a.state, r.name as runner, a.leased_at as "leasedAt", a.started_at as "startedAt",
       a.ended_at as "endedAt", a.outcome, a.log,
       a.memory_bytes as "memoryBytes"
     from attempts a join runners r on r.id = a.runner_id where a.job_id = $1 order by a.number`,
    [jobKey],
  )
  return rows
}
