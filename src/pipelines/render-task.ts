/** A task's templates filled in: its script, arguments and environment, and from these the job. */
import type { JobSettings, PipelineDefinition, TaskDefinition } from '../job/pipeline.ts'
import { render, type TemplateFunction } from '../template/template.ts'
import type { RunRow } from './load-run.ts'
import { onErrorName, unitWords, type RunGraph } from './run-graph.ts'
import type { TaskJob, Variables } from './run.ts'
import { taskShell } from './task-shell.ts'

/** What a task's templates are about. */
export interface UnitContext {
  run: Pick<RunRow, 'publicId' | 'uuid' | 'ownerId' | 'pipeline' | 'root'>
  graph: RunGraph
  data: Variables
  /** `output "task" "name"`: throws with what is missing. */
  output: TemplateFunction
}

/**
 * Variables that are text are templates themselves, once, and see all others as they came: as in prunner. One that the
 * pipeline declares is a value and nothing else; prunner declares none.
 */
export function templateData(
  run: Pick<RunRow, 'uuid'>,
  given: Variables,
  { parameters }: Pick<PipelineDefinition, 'parameters'>,
): Variables {
  const all = { ...given, __jobID: run.uuid }
  const entries = Object.entries(all).map(([name, value]): [string, unknown] => [
    name,
    typeof value === 'string' && value.includes('{{') && !Object.hasOwn(parameters, name)
      ? render(`variable ${name}`, value, all)
      : value,
  ])
  return Object.fromEntries(entries)
}

export const withItem = (context: UnitContext, item: number, value: unknown): UnitContext =>
  item < 0 ? context : { ...context, data: { ...context.data, item: value, item_index: item } }

/** Throws what the task fails of. */
export function taskJob(
  context: UnitContext,
  task: TaskDefinition,
  item: number,
  artifactsFrom: Record<string, string[]>,
): TaskJob {
  const { definition } = context.graph
  const { retry, timeout_ms: timeout } = task
  const texts = (key: string, list: string[]): string[] =>
    list.map((text, i) => renderAt(context, `${key}[${i}]`, text))
  const own = Object.entries(task.env_from).map(([name, text]) => [name, renderAt(context, `env_from.${name}`, text)])
  const shell = { items: texts('script', task.script), args: texts('args', task.args) }
  return {
    ...jobOf(context, unitWords(task.name, item), shell, {
      allowFailure: task.allow_failure,
      settings: { ...definition.job, ...task.job },
      env: {
        ...{ ...definition.env, TASK_NAME: task.name, ARGS: '' },
        ...{ ...task.env, ...(Object.fromEntries(own) as Record<string, string>) },
      },
    }),
    maxAttempts: retry?.attempts ?? 1,
    retry: retry && {
      backoff_seconds: retry.backoff_ms / 1000,
      factor: retry.factor,
      max_backoff_seconds: retry.max_backoff_ms / 1000,
      ...(retry.memory_factor !== undefined && { memory_factor: retry.memory_factor }),
      ...(retry.memory_max_bytes !== undefined && { memory_max_bytes: retry.memory_max_bytes }),
    },
    timeoutSeconds: timeout === null ? null : timeout / 1000,
    artifacts: task.artifacts,
    artifactsFrom,
  }
}

export function onErrorJob(context: UnitContext): TaskJob {
  const { definition } = context.graph
  const { script, env } = definition.on_error!
  const items = script.map((text, i) => renderAt(context, `script[${i}]`, text))
  return jobOf(
    context,
    onErrorName,
    { items, args: [] },
    {
      allowFailure: false,
      settings: definition.job,
      env: { ...{ ...definition.env, TASK_NAME: onErrorName, ARGS: '' }, ...env },
    },
  )
}

function jobOf(
  { run }: UnitContext,
  name: string,
  { items, args }: { items: string[]; args: string[] },
  { allowFailure, settings, env }: { allowFailure: boolean; settings: JobSettings; env: Record<string, string> },
): TaskJob {
  const root = (settings.executor ?? 'sandbox') === 'sandbox' ? run.root : null
  const directory = settings.working_dir ?? root ?? ''
  const shell = taskShell(items, { directory, allowFailure, args })
  const ours = { RUNYARD_RUN_ID: run.publicId, RUNYARD_RUN_UUID: run.uuid, RUNYARD_PIPELINE: run.pipeline }
  return {
    ownerId: run.ownerId,
    name: `${run.pipeline}/${name}`,
    command: shell.command,
    env: { ...env, ...ours, ...shell.env },
    root: run.root,
    settings,
    ...{ maxAttempts: 1, retry: null, timeoutSeconds: null, artifacts: [], artifactsFrom: {} },
  }
}

/** The place in the message is the task's key and the line and column in it. */
export const renderAt = ({ data, output }: Pick<UnitContext, 'data' | 'output'>, key: string, text: string): string =>
  text.includes('{{') ? render(key, text, data, { functions: { output } }) : text

/** Every text in it is a template. */
export function renderValue(context: Pick<UnitContext, 'data' | 'output'>, key: string, value: unknown): unknown {
  if (typeof value === 'string') return renderAt(context, key, value)
  if (Array.isArray(value)) return value.map((each, i) => renderValue(context, `${key}[${i}]`, each))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, renderValue(context, `${key}.${name}`, each)]),
  )
}
