/** Running an ended run again: the same definition and variables, all anew, or only what did not end well. */
import type { Queryable } from '../db/pool.ts'
import type { PipelineDefinition, RunResult } from '../job/pipeline.ts'
import { AppError } from '../lib/app-error.ts'
import type { Idempotency } from '../queue/idempotency.ts'
import { versionOf } from './definition-store.ts'
import type { StartRun, Variables } from './run.ts'

export interface RerunInput {
  runKey: string
  from: 'failed' | 'start'
  /** Who runs it again: theirs it is. */
  ownerId: string
  label: string | null
  idempotency?: Idempotency
}

interface Earlier {
  publicId: string
  versionId: string
  result: RunResult | null
  variables: Variables
  queuePartition: string | null
}

/** For `startRun`, in the same transaction. */
export async function rerunOf(tx: Queryable, input: RerunInput): Promise<StartRun> {
  const { rows } = await tx.query<Earlier>(
    `select r.public_id as "publicId", pr.version_id as "versionId", pr.result, pr.variables,
       pr.queue_partition as "queuePartition"
     from pipeline_runs pr join runs r on r.id = pr.run_id where pr.run_id = $1`,
    [input.runKey],
  )
  const [earlier] = rows
  if (!earlier) throw new AppError('not_found', 'there is no such run of a pipeline')
  const { publicId, result } = earlier
  if (result === null) {
    throw new AppError('conflict', `run ${publicId} has not ended; cancel it first or wait for its end`)
  }
  if (input.from === 'failed' && result === 'succeeded') {
    throw new AppError('conflict', `no task of run ${publicId} failed; run it again from the start (from: start)`)
  }
  return {
    pipeline: await versionOf(tx, earlier.versionId),
    ownerId: input.ownerId,
    variables: earlier.variables,
    queuePartition: earlier.queuePartition,
    label: input.label,
    trigger: 'rerun',
    rerun: { runKey: input.runKey, publicId, from: input.from },
    ...(input.idempotency && { idempotency: input.idempotency }),
  }
}

/**
 * Tasks that were done, with their instances, outputs and jobs, as far as all that they depend on was done too. A task that
 * fanned out and failed of one instance is anew as a whole: its list may be another.
 */
export async function takeOver(
  tx: Queryable,
  { from, to, definition }: { from: string; to: string; definition: PipelineDefinition },
): Promise<void> {
  // Against a delete of it; only here, since the lock of the pipeline comes before that of any run.
  const { rowCount } = await tx.query('select from runs where id = $1 for share', [from])
  if (rowCount === 0) throw new AppError('not_found', 'the run that was to be run again has just been deleted')
  const { rows } = await tx.query<{ name: string }>(
    `select name from run_tasks where run_id = $1 and item = -1 and state = 'done'`,
    [from],
  )
  const done = new Set(rows.map((row) => row.name))
  const kept = new Set<string>()
  for (const { name, depends_on } of definition.tasks) {
    if (done.has(name) && depends_on.every((before) => kept.has(before))) kept.add(name)
  }
  await tx.query({
    name: 'pipelines_take_over',
    text: `
      insert into run_tasks (run_id, name, item, position, state, job_id, child_run, value, started_at, ended_at,
        exit_code, error, outputs, decision, decided_by, decided_at, note)
      select $2, name, item, position, state, job_id, child_run, value, started_at, ended_at, exit_code, error, outputs,
        decision, decided_by, decided_at, note
      from run_tasks where run_id = $1 and name = any($3::text[])
      on conflict (run_id, name, item) do update set state = excluded.state, job_id = excluded.job_id,
        child_run = excluded.child_run, started_at = excluded.started_at, ended_at = excluded.ended_at,
        exit_code = excluded.exit_code, error = excluded.error, outputs = excluded.outputs,
        decision = excluded.decision, decided_by = excluded.decided_by, decided_at = excluded.decided_at,
        note = excluded.note`,
    values: [from, to, [...kept]],
  })
}
