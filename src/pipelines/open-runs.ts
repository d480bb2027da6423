import type { Queryable } from '../db/pool.ts'

/** Runs that have not ended, oldest first. */
export async function openRuns(db: Queryable): Promise<{ publicId: string; state: 'waiting' | 'running' }[]> {
  const { rows } = await db.query<{ publicId: string; state: 'waiting' | 'running' }>(
    `select r.public_id as "publicId", pr.state from pipeline_runs pr join runs r on r.id = pr.run_id
     where pr.state <> 'ended' order by r.id`,
  )
  return rows
}
