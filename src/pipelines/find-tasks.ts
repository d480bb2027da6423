/** The tasks of one run, as the database has them beside their jobs. */
import type { Queryable } from '../db/pool.ts'
import type { PipelineDefinition, TaskState } from '../job/pipeline.ts'
import type { JobState } from '../job/state.ts'

export interface TaskRow {
  name: string
  /** -1: the task itself. */
  item: number
  value: unknown
  state: TaskState
  jobId: string | null
  jobState: JobState | null
  attempts: number
  childRun: string | null
  startedAt: Date | null
  endedAt: Date | null
  exitCode: number | null
  error: string | null
  /** What the outcome of its job says. */
  jobMessage: string | null
  outputs: Record<string, string> | null
  cancelRequestedAt: Date | null
  decision: 'approved' | 'rejected' | 'timed_out' | null
  decidedBy: string | null
  decidedAt: Date | null
  note: string | null
}

/** In the order of their definition, instances after their task. `on_error` is there once it has begun or cannot any more. */
export async function tasksOfRun(db: Queryable, runKey: string): Promise<TaskRow[]> {
  const { rows } = await db.query<TaskRow>({
    name: 'pipelines_tasks',
    text: `select t.name, t.item, t.value, t.state, t.job_id as "jobId", j.state as "jobState",
        coalesce(j.last_attempt, 0) as attempts, t.child_run as "childRun", coalesce(t.started_at, j.started_at) as "startedAt",
        t.ended_at as "endedAt", t.exit_code as "exitCode", t.error, j.outcome->>'message' as "jobMessage", t.outputs, t.cancel_requested_at as "cancelRequestedAt",
        t.decision, t.decided_by as "decidedBy", t.decided_at as "decidedAt", t.note
      from run_tasks t left join jobs j on j.public_id = t.job_id
      where t.run_id = $1 order by t.position, t.name, t.item`,
    values: [runKey],
  })
  return rows
}

/** Of that version, which never changes. */
export async function definitionOfVersion(db: Queryable, versionId: string): Promise<PipelineDefinition> {
  const { rows } = await db.query<{ definition: PipelineDefinition }>({
    name: 'pipelines_definition',
    text: 'select definition from pipeline_versions where id = $1',
    values: [versionId],
  })
  return rows[0]!.definition
}
