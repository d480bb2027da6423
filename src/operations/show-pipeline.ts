/** A pipeline as its reader sees it. Pure. */
import type { Parameter, PipelineDefinition, TaskDefinition } from '../job/pipeline.ts'
import type { Json } from '../lib/json.ts'
import { admit } from '../pipelines/admission.ts'
import type { LastRun } from '../pipelines/find-runs.ts'
import type { ListedDefinition, PipelineRow, PipelineWithSource } from '../pipelines/find-pipelines.ts'

export function showPipeline(row: PipelineRow) {
  const { definition, lastRun } = row
  const reason = notStartable(definition, { gone: row.goneAt !== null, running: row.running, waiting: row.waiting })
  return {
    name: row.name,
    description: definition.description,
    source: row.source,
    path: row.path,
    owner: row.owner,
    version: row.version,
    tasks: row.tasks,
    concurrency: definition.concurrency,
    queue_limit: definition.queue_limit,
    queue_strategy: definition.queue_strategy,
    startable: reason === null,
    not_startable: reason,
    running: row.running,
    waiting: row.waiting,
    // Defaults came as JSON.
    parameters: row.parameters as Record<string, Parameter & { default?: Json }>,
    last_run: lastRun && showLastRun(lastRun),
    last_runs: row.lastRuns.map(showLastRun),
    schedules: row.schedules,
    next_run_at: row.nextRunAt?.toISOString() ?? null,
    problems: row.problems,
    gone: row.goneAt !== null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  }
}

const showLastRun = ({ id, status, createdAt, endedAt }: LastRun) => ({
  id,
  status,
  created_at: new Date(createdAt).toISOString(),
  ended_at: endedAt === null ? null : new Date(endedAt).toISOString(),
})

export type ShownPipeline = ReturnType<typeof showPipeline>

export function showPipelineDetail({ row, full, sourceText }: PipelineWithSource) {
  return {
    ...showPipeline(row),
    graph: full.tasks.map(showShape),
    on_error: full.on_error !== null,
    source_text: sourceText,
    definition: full as unknown as Json,
  }
}

export const kindOf = ({ pipeline, approval }: TaskDefinition): 'script' | 'pipeline' | 'approval' =>
  pipeline !== null ? 'pipeline' : approval !== null ? 'approval' : 'script'

const showShape = (task: PipelineDefinition['tasks'][number]) => ({
  name: task.name,
  kind: kindOf(task),
  description: task.description,
  depends_on: task.depends_on,
  allow_failure: task.allow_failure,
  script: task.script,
  fans_out: task.for_each !== null,
})

/** Why a start would be refused now, whatever its variables; null when it would be taken. */
export function notStartable(
  definition: ListedDefinition,
  { gone, running, waiting }: { gone: boolean; running: number; waiting: number },
): string | null {
  if (gone) return 'it was deleted or its file is gone'
  const open = {
    running: Array.from({ length: running }, () => ({ key: '', admittedAt: 0, cancelling: false })),
    waiting: Array.from({ length: waiting }, () => ({ key: '', partition: null, dueAt: 0 })),
    allWaiting: waiting,
  }
  const answer = admit(definition, open, null, 0)
  return answer.act === 'refuse' ? answer.reason : null
}
