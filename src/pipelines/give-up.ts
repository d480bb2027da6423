/**
 * The end of a run that nobody can go on with, since each of its steps throws: written without looking at its definition or
 * rendering anything, which may be what throws.
 */
import type { Db } from '../db/pool.ts'
import { isAppError } from '../lib/app-error.ts'
import { cancelMany } from '../queue/cancel.ts'
import { tellRun } from '../queue/run-notices.ts'
import { inTransaction, terminal } from '../queue/statements.ts'
import type { EndedPipelineRun, PipelineHooks } from './run.ts'

/**
 * Failed, with these words; its jobs are cancelled, `on_error` is not run. Returns the keys of open runs of its sub-pipelines.
 * When the end cannot be told either, it ends all the same.
 */
export async function giveUpRun(db: Db, hooks: PipelineHooks, runKey: string, words: string): Promise<string[]> {
  try {
    return await end(db, runKey, words, hooks)
  } catch (error) {
    if (isPassing(error)) throw error
    return end(db, runKey, words, null)
  }
}

/** The database is away or busy: no fault of a run's. */
export const isPassing = (error: unknown): boolean =>
  isAppError(error) && (error.code === 'unavailable' || error.code === 'deadline_exceeded')

const end = (db: Db, runKey: string, words: string, hooks: PipelineHooks | null): Promise<string[]> =>
  inTransaction(db, async (tx) => {
    await tx.query('select from runs where id = $1 for no key update', [runKey])
    const { rows } = await tx.query<EndedPipelineRun & { parent: string | null }>(endRun, [runKey, words])
    const [row] = rows
    if (row === undefined) return []
    const { parent, ...ended } = row
    const { rows: jobs } = await tx.query<{ id: string }>(
      `select public_id as id from jobs where run_id = $1 and state not in ${terminal}`,
      [runKey],
    )
    const ids = jobs.map(({ id }) => id)
    if (ids.length > 0) await cancelMany(tx, { ids, reason: words })
    const { rows: children } = await tx.query<{ key: string }>(
      `select run_id as key from pipeline_runs where parent_run_id = $1 and state <> 'ended'`,
      [runKey],
    )
    await hooks?.runsEnded(tx, [ended])
    for (const key of [runKey, parent]) if (key !== null) await tellRun(tx, key)
    return children.map(({ key }) => key)
  })

const endRun = `
  with ended as (
    update pipeline_runs set state = 'ended', result = 'failed', last_error = coalesce(last_error || '; ', '') || $2
    where run_id = $1 and state = 'running' returning *
  ), tasks as (
    update run_tasks t set ended_at = clock_timestamp(), error = coalesce(t.error, $2),
      state = case when t.state = 'waiting' then 'skipped' else 'cancelled' end
    from ended where t.run_id = ended.run_id and t.state in ('waiting', 'running', 'approval')
  )
  update runs r set ended_at = clock_timestamp()
  from ended join pipelines p on p.id = ended.pipeline_id where r.id = ended.run_id
  returning r.id as key, r.public_id as "publicId", r.owner_id as "ownerId", p.name as pipeline, ended.result,
    ended.last_error as "lastError", r.notify, r.created_at as "createdAt", r.started_at as "startedAt",
    r.ended_at as "endedAt", ended.parent_run_id as parent`
