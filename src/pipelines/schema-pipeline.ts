/** One pipeline as the file has it: prunner's keys with prunner's rules, ours beside them. */
import {
  namePattern,
  pipelineLimits,
  queueStrategies,
  variablePolicies,
  type OnError,
  type PipelineDefinition,
  type TaskDefinition,
} from '../job/pipeline.ts'
import { ordered } from './check-graph.ts'
import { checkTemplateAt } from './check-templates.ts'
import { pipelineKeys, prunnerKeys } from './definition-keys.ts'
import { shown, type Field } from './field.ts'
import { readNotify, readParameters, readSchedules } from './schema-parts.ts'
import { optional, readDescription, readTask, textsIn, timeoutBounds } from './schema-task.ts'
import { readEnv, readJobSettings, readScript, type Fields } from './schema-values.ts'

type Keys = Fields<(typeof pipelineKeys)[number]>

const example = 'tasks: {build: {script: [make]}}'
const centuryMs = 100 * 366 * 86_400_000

/** What could be read; whether it may be used is for `field.file.problems` to say. */
export function readPipeline(name: string, field: Field): PipelineDefinition {
  checkName(field, name, 'pipeline')
  const keys: Keys = field.keys(pipelineKeys, false, example)
  const definition: PipelineDefinition = {
    description: readDescription(keys.description),
    // prunner takes 0 for "not given".
    concurrency: optional(keys.concurrency, (each) => each.int(0, pipelineLimits.concurrency)) || 1,
    queue_limit: optional(keys.queue_limit, (each) => each.int(0, pipelineLimits.queueLimit)) ?? null,
    queue_strategy: optional(keys.queue_strategy, (each) => each.oneOf(queueStrategies)) ?? 'append',
    queue_partition_limit:
      optional(keys.queue_partition_limit, (each) => each.int(1, pipelineLimits.queueLimit)) ?? null,
    start_delay_ms: optional(keys.start_delay, goDuration) ?? 0,
    continue_running_tasks_after_failure:
      optional(keys.continue_running_tasks_after_failure, (each) => each.bool()) ?? false,
    retention_period_ms: optional(keys.retention_period, goDuration) ?? 0,
    retention_count: optional(keys.retention_count, (each) => each.int(0, 1_000_000_000)) ?? 0,
    env: readEnv(keys.env),
    tasks: readTasks(name, field, keys.tasks),
    on_error: optional(keys.on_error, readOnError) ?? null,
    interrupt_running: optional(keys.interrupt_running, (each) => each.bool()) ?? false,
    variables: optional(keys.variables, (each) => each.oneOf(variablePolicies)) ?? 'replace',
    parameters: readParameters(keys.parameters),
    timeout_ms: optional(keys.timeout, (each) => each.duration(...timeoutBounds)) ?? null,
    notify: readNotify(keys.notify),
    schedules: readSchedules(keys.schedule),
    job: readJobSettings(keys),
  }
  checkQueue(definition, keys, field)
  return definition
}

function checkName(field: Field, name: string, what: string): void {
  if (namePattern.test(name)) return
  field.wrong(
    `${shown(name)} is no name of a ${what}: letters, digits, space and _ . : @ + - only, at most 128, not beginning with a sign`,
  )
}

/** As prunner reads it: a number without a unit is nanoseconds, which nobody means. */
function goDuration(field: Field): number | undefined {
  const text = field.text() ?? ''
  if (!/^\d+$/.test(text) || Number(text) === 0) return field.duration(0, centuryMs)
  const ms = Math.round(Number(text) / 1e6)
  field.file.problems.warn(
    field.at,
    field.path,
    `is in nanoseconds without a unit, so ${ms / 1000}s: write \`${text}s\``,
  )
  return ms
}

function readTasks(pipeline: string, field: Field, tasks: Field | undefined): TaskDefinition[] {
  const entries = tasks?.entries(example) ?? []
  if (entries.length === 0 && (tasks === undefined || tasks.empty || tasks.isMap)) {
    field.file.problems.warn(field.at, field.path, `has no tasks: a run of it does nothing; write \`${example}\``)
  }
  if (entries.length > pipelineLimits.tasks) {
    tasks!.wrong(`has ${entries.length} tasks: at most ${pipelineLimits.tasks}, so divide it or use \`for_each\``)
    return []
  }
  const read = entries.map(({ name, field: each }) => {
    checkName(each, name, 'task')
    if (name === 'on_error') each.wrong('is the name of the task that runs after a failure: choose another')
    return readTask(name, each, pipeline)
  })
  return ordered(read)
}

function readOnError(field: Field): OnError {
  const keys = field.keys(prunnerKeys.on_error, false, 'on_error: {script: [./notify.sh]}')
  for (const text of textsIn(keys.script)) checkTemplateAt(text)
  return { script: readScript(keys.script), env: readEnv(keys.env) }
}

function checkQueue(definition: PipelineDefinition, keys: Keys, field: Field): void {
  const { queue_strategy: strategy, queue_limit: limit } = definition
  const partitioned = strategy === 'partitioned_replace'
  if (partitioned && keys.queue_partition_limit === undefined) {
    field.wrong('partitioned_replace needs `queue_partition_limit`, e.g. 1')
  }
  if (partitioned && limit !== null) {
    keys.queue_limit!.wrong('is not for partitioned_replace: use `queue_partition_limit`')
  }
  if (!partitioned && definition.queue_partition_limit !== null) {
    keys.queue_partition_limit!.wrong('is for `queue_strategy: partitioned_replace` only')
  }
  if (definition.start_delay_ms > 0 && limit === 0) {
    keys.start_delay!.wrong('needs a place to wait, and `queue_limit: 0` leaves none: remove one of the two')
  }
  if (definition.interrupt_running && strategy !== 'replace') {
    keys.interrupt_running!.wrong('needs `queue_strategy: replace`')
  }
  // What prunner's last stable version does.
  if (strategy === 'replace' && limit === null) definition.queue_limit = 1
}
