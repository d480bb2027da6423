/** Starts what waits when a slot is free or a start delay is over. Called after an end, a cancel, and by the clock. */
import type { Db, Queryable } from '../db/pool.ts'
import { interruptedByDue, nextToStart } from './admission.ts'
import { admitNext, lockRuns } from './admission-lock.ts'
import { inTransaction } from '../queue/statements.ts'
import { advanceRun } from './advance.ts'
import type { PipelineHooks } from './run.ts'
import { askToStop } from './stop-runs.ts'

/**
 * First come, first served, past those whose delay is not over. Each admitted one is advanced after that in a transaction of
 * its own, without the admission lock; one that is not reached is found by the look at all open runs. Returns how many.
 */
export async function admitWaiting(db: Db, hooks: PipelineHooks, pipelineId: string): Promise<number> {
  const admitted = await inTransaction(db, (tx) => admitDue(tx, pipelineId))
  for (const runKey of admitted) await inTransaction(db, (tx) => advanceRun(tx, hooks, runKey))
  return admitted.length
}

/** Returns the keys of those that left the waiting list. */
async function admitDue(tx: Queryable, pipelineId: string): Promise<string[]> {
  const locked = await lockRuns(tx, pipelineId)
  if (!locked) return []
  const { rules, now } = locked
  const keys = nextToStart(rules, locked, now)
  const open = await admitNext(tx, locked, keys)
  const due = open.waiting.findLast((run) => run.dueAt <= now)
  if (due) await askToStop(tx, interruptedByDue(rules, open, now), `interrupted by run ${due.publicId}`)
  return keys
}

/** Pipelines of which a run waits whose turn may have come, and how long until the next start delay is over. */
export async function waitingToAdmit(db: Queryable): Promise<{ pipelineIds: string[]; nextMs: number | null }> {
  const { rows } = await db.query<{ pipelineId: string; due: boolean; nextMs: number | null }>({
    name: 'pipelines_waiting',
    text: `
      select pipeline_id as "pipelineId", bool_or(not_before is null or not_before <= clock_timestamp()) as due,
        (extract(epoch from min(not_before) filter (where not_before > clock_timestamp())
          - clock_timestamp()) * 1000)::float8 as "nextMs"
      from pipeline_runs where state = 'waiting' group by pipeline_id`,
  })
  const later = rows.flatMap(({ nextMs }) => nextMs ?? [])
  return {
    pipelineIds: rows.filter(({ due }) => due).map(({ pipelineId }) => pipelineId),
    nextMs: later.length === 0 ? null : Math.min(...later),
  }
}
