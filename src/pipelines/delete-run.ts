/** Deleting an ended run with its jobs, logs and artefacts, in steps. */
import type { Db, Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import type { DoomedAttempt } from '../queue/prune.ts'
import { inTransaction } from '../queue/statements.ts'
import { removeRunStep } from '../queue/runs.ts'

/** Called with attempts whose rows are about to go. */
export type RemoveLogs = (tx: Queryable, attempts: DoomedAttempt[]) => Promise<void>

/** A run that has not ended has a job of this one as its own: it took over what this one did. */
export const neededByOpenRun = (runId: string): string => `exists (
  select from jobs j join run_tasks t on t.job_id = j.public_id join runs o on o.id = t.run_id
  where j.run_id = ${runId} and t.run_id <> ${runId} and o.ended_at is null)`

/**
 * The first or next step; call again until `more` is false. After a crash in between it is a run with fewer jobs, to be
 * deleted again.
 */
export function deleteRunStep(
  db: Db | Queryable,
  runKey: string,
  removeLogs: RemoveLogs,
  atOnce?: number,
): Promise<{ more: boolean }> {
  return inTransaction(db, async (tx) => {
    // Waits for a rerun that is just taking over what this one did, which locks the row too; not for the fold of its
    // counts, which refers to the row while it holds deltas that go here.
    const { rows } = await tx.query<{ publicId: string; ownerId: string; ended: boolean; needed: boolean }>(
      `select public_id as "publicId", owner_id as "ownerId", ended_at is not null as ended,
       ${neededByOpenRun('runs.id')} as needed
     from runs where id = $1 and kind = 'pipeline' for no key update`,
      [runKey],
    )
    const [run] = rows
    if (!run) return { more: false }
    const { publicId, ownerId } = run
    if (!run.ended) {
      throw new AppError('conflict', `run ${publicId} has not ended; cancel it first and delete it when it has ended`)
    }
    if (run.needed) {
      throw new AppError(
        'conflict',
        `a run that repeats run ${publicId} still uses what it did; delete it after that has ended`,
      )
    }
    return removeRunStep(tx, { key: runKey, publicId, ownerId, kind: 'pipeline' }, removeLogs, atOnce)
  })
}
