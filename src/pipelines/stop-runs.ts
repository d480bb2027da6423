/** Ends runs that wait, and asks running ones to stop; whoever calls has the admission lock. */
import type { Queryable } from '../db/pool.ts'
import { tellRun } from '../queue/run-notices.ts'
import type { EndedPipelineRun, PipelineHooks } from './run.ts'

/** Waiting ones leave the list at once, as cancelled; `why` becomes what they say of their end. */
export async function endWaiting(
  tx: Queryable,
  hooks: PipelineHooks,
  keys: readonly string[],
  why: string,
): Promise<EndedPipelineRun[]> {
  if (keys.length === 0) return []
  const { rows } = await tx.query<EndedPipelineRun & { parent: string | null }>({
    name: 'pipelines_end_waiting',
    text: `
      with ended as (
        update pipeline_runs set state = 'ended', result = 'cancelled', last_error = $2
        where run_id = any($1::bigint[]) and state = 'waiting'
        returning run_id, pipeline_id, result, last_error, parent_run_id
      ), tasks as (
        update run_tasks t set state = 'cancelled', ended_at = clock_timestamp()
        from ended where t.run_id = ended.run_id and t.state = 'waiting'
      )
      update runs r set ended_at = clock_timestamp(), cancel_requested_at = coalesce(r.cancel_requested_at, clock_timestamp())
      from ended join pipelines p on p.id = ended.pipeline_id where r.id = ended.run_id
      returning r.id as key, r.public_id as "publicId", r.owner_id as "ownerId", p.name as pipeline, ended.result,
        ended.last_error as "lastError", r.notify, r.created_at as "createdAt", r.started_at as "startedAt",
        r.ended_at as "endedAt", ended.parent_run_id as parent`,
    values: [keys, why],
  })
  const ended = rows.map(({ parent: _parent, ...run }) => run)
  if (ended.length > 0) await hooks.runsEnded(tx, ended)
  // The task of another run that waits for one of these goes on.
  for (const run of rows) for (const key of [run.key, run.parent]) if (key !== null) await tellRun(tx, key)
  return ended
}

/** Running ones: `advanceRun` does the rest. The first reason that was given stays. */
export async function askToStop(tx: Queryable, keys: readonly string[], why: string): Promise<void> {
  if (keys.length === 0) return
  await tx.query({
    name: 'pipelines_ask_to_stop',
    text: `
      with asked as (
        update runs set cancel_requested_at = clock_timestamp()
        where id = any($1::bigint[]) and ended_at is null and cancel_requested_at is null returning id
      )
      update pipeline_runs set last_error = $2 from asked where run_id = asked.id`,
    values: [keys, why],
  })
  for (const key of keys) await tellRun(tx, key)
}
