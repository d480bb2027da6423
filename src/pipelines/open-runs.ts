import type { Queryable } from '../db/pool.ts'

export interface OpenRun {
  publicId: string
  state: 'waiting' | 'running'
  /** Of a task that waits for it. */
  child: boolean
}

/** Runs that have not ended, oldest first. */
export async function openRuns(db: Queryable): Promise<OpenRun[]> {
  const { rows } = await db.query<OpenRun>(
    `select r.public_id as "publicId", pr.state, pr.parent_run_id is not null as child from pipeline_runs pr join runs r on r.id = pr.run_id
     where pr.state <> 'ended' order by r.id`,
  )
  return rows
}
