/** Pipelines for tests, without the YAML: what is not given has its default. */
import { createHash } from 'node:crypto'
import type { Queryable } from '../../db/pool.ts'
import type { PipelineDefinition, TaskDefinition } from '../../job/pipeline.ts'
import type { PipelineRef } from '../run.ts'

export type TaskParts = Partial<Omit<TaskDefinition, 'name'>>

export interface DefinitionParts extends Partial<Omit<PipelineDefinition, 'tasks'>> {
  /** In topological order. Missing: one task `work` that runs `true`. */
  tasks?: Record<string, TaskParts>
}

export const taskOf = (name: string, parts: TaskParts = {}): TaskDefinition => ({
  name,
  script: ['true'],
  depends_on: [],
  allow_failure: false,
  env: {},
  description: null,
  env_from: {},
  args: [],
  retry: null,
  timeout_ms: null,
  interruptible: true,
  for_each: null,
  max_parallel: null,
  pipeline: null,
  approval: null,
  artifacts: [],
  artifacts_from: [],
  job: {},
  ...parts,
})

export function definitionOf({ tasks = { work: {} }, ...parts }: DefinitionParts = {}): PipelineDefinition {
  return {
    description: null,
    concurrency: 1,
    queue_limit: null,
    queue_strategy: 'append',
    queue_partition_limit: null,
    start_delay_ms: 0,
    continue_running_tasks_after_failure: false,
    retention_period_ms: 0,
    retention_count: 0,
    env: {},
    on_error: null,
    interrupt_running: false,
    variables: 'replace',
    parameters: {},
    timeout_ms: null,
    notify: [],
    schedules: [],
    job: {},
    tasks: Object.entries(tasks).map(([name, task]) => taskOf(name, task)),
    ...parts,
  }
}

/** As a file's, without a project root; a second one of the same name is its next version, in force. */
export async function storePipeline(
  db: Queryable,
  name: string,
  definition: PipelineDefinition,
  { root = null }: { root?: string | null } = {},
): Promise<PipelineRef> {
  const { rows } = await db.query<{ id: string; version: number }>(
    `insert into pipelines (name, source, path, root, version) values ($1, 'file', $2, $3, 1)
     on conflict (name) do update set version = pipelines.version + 1, gone_at = null returning id, version`,
    [name, `/srv/${name}/pipelines.yml`, root],
  )
  const { id: pipelineId, version } = rows[0]!
  const json = JSON.stringify(definition)
  const stored = await db.query<{ id: string }>(
    `insert into pipeline_versions (pipeline_id, number, hash, definition, source) values ($1, $2, $3, $4, '')
     returning id`,
    [pipelineId, version, createHash('sha256').update(`${version} ${json}`).digest('hex'), json],
  )
  return { pipelineId, name, versionId: stored.rows[0]!.id, version, definition, root }
}
