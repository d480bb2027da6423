/** What people do to one task of a run; `advanceRun` acts on it. */
import type { Queryable } from '../db/pool.ts'
import type { TaskDefinition, TaskState } from '../job/pipeline.ts'
import { AppError } from '../lib/app-error.ts'
import { tellRun } from '../queue/run-notices.ts'

export interface TaskKey {
  runKey: string
  name: string
  /** -1: the task itself. */
  item: number
}

interface LockedTask {
  state: TaskState
  decision: 'approved' | 'rejected' | 'timed_out' | null
  endedAt: Date | null
  definition: Pick<TaskDefinition, 'interruptible'> | null
}

/** Asking twice is fine. One that nothing may stop is refused once it has begun. */
export async function requestTaskCancel(tx: Queryable, key: TaskKey): Promise<void> {
  const { state, definition } = await lockTask(tx, key)
  if (state !== 'waiting' && state !== 'running' && state !== 'approval') {
    throw new AppError('conflict', `task ${key.name} has already ended: ${state}`)
  }
  if (state === 'running' && definition?.interruptible === false) {
    throw new AppError('conflict', `task ${key.name} has begun and its pipeline says interruptible: false`)
  }
  await tx.query(
    `update run_tasks set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
     where run_id = $1 and name = $2 and item = $3`,
    [key.runKey, key.name, key.item],
  )
  await tellRun(tx, key.runKey)
}

/** Once: the first decision holds. */
export async function decideTask(
  tx: Queryable,
  key: TaskKey,
  { approve, by, note }: { approve: boolean; by: string; note: string | null },
): Promise<void> {
  const { state, decision, endedAt } = await lockTask(tx, key)
  if (decision === 'timed_out') {
    const when = endedAt === null ? '' : ` at ${endedAt.toISOString()}`
    throw new AppError('conflict', `task ${key.name} timed out${when}: nobody can decide any more`)
  }
  if (decision !== null) throw new AppError('conflict', `somebody has decided about task ${key.name} already`)
  if (state !== 'approval') {
    const why = state === 'waiting' ? 'its turn has not come' : `it is ${state}`
    throw new AppError('conflict', `task ${key.name} waits for nobody: ${why}`)
  }
  await tx.query(
    `update run_tasks set decision = $4, decided_by = $5, decided_at = clock_timestamp(), note = $6
     where run_id = $1 and name = $2 and item = $3`,
    [key.runKey, key.name, key.item, approve ? 'approved' : 'rejected', by, note],
  )
  await tellRun(tx, key.runKey)
}

/** The row of the run is locked first, as everywhere. */
async function lockTask(tx: Queryable, { runKey, name, item }: TaskKey): Promise<LockedTask> {
  await tx.query('select from runs where id = $1 for no key update', [runKey])
  const { rows } = await tx.query<LockedTask>(
    `select t.state, t.decision, t.ended_at as "endedAt",
       jsonb_path_query_first(v.definition::jsonb, '$.tasks[*] ? (@.name == $name)', jsonb_build_object('name', $2::text)) as definition
     from run_tasks t join pipeline_runs pr on pr.run_id = t.run_id join pipeline_versions v on v.id = pr.version_id
     where t.run_id = $1 and t.name = $2 and t.item = $3`,
    [runKey, name, item],
  )
  const [task] = rows
  if (task === undefined) {
    throw new AppError('not_found', item < 0 ? `this run has no task ${name}` : `task ${name} has no instance ${item}`)
  }
  return task
}
