/**
 * A pipeline as it is stored and run: checked, defaults filled in, durations in milliseconds. The YAML that it is read
 * from has prunner's keys and ours beside them (docs/pipelines.md); this is JSON and goes into the database as it is.
 */
import type { Notify } from './batch-document.ts'
import type { JobSpec } from './spec.ts'

/** One place, quoted in error messages. */
export const pipelineLimits = {
  fileBytes: 4 * 1024 * 1024,
  /** Of all aliases of a file together, after they are replaced by what they mean. */
  aliases: 1000,
  pipelines: 10_000,
  tasks: 10_000,
  dependencies: 10_000,
  scriptItems: 1000,
  scriptBytes: 1024 * 1024,
  fanOut: 10_000,
  depth: 10,
  variablesBytes: 256 * 1024,
  variablesDepth: 100,
  parameters: 200,
  schedules: 20,
  concurrency: 10_000,
  queueLimit: 100_000,
} as const

/** Of pipelines and of tasks: prunner takes any key; ours has no path, no control character. */
export const namePattern = /^[\p{L}\p{N}_][\p{L}\p{N}_ .:@+-]{0,127}$/u

export const queueStrategies = ['append', 'replace', 'partitioned_replace'] as const
export type QueueStrategy = (typeof queueStrategies)[number]
/** What becomes of the variables of a waiting run that a new one replaces. */
export const variablePolicies = ['replace', 'merge', 'append'] as const
export type VariablePolicy = (typeof variablePolicies)[number]

export const parameterTypes = ['string', 'number', 'boolean', 'choice', 'json'] as const
/** A declared variable: the form to start a run is made of these, and values are checked against them. */
export interface Parameter {
  type: (typeof parameterTypes)[number]
  description: string | null
  /** Missing: none; a required one has none. */
  default?: unknown
  required: boolean
  /** Of a `choice`. */
  choices: string[]
}

/** What a task's job gets beside its script; a task's own over the pipeline's. */
export type JobSettings = Partial<
  Pick<
    JobSpec,
    | 'queue'
    | 'priority'
    | 'required_labels'
    | 'labels'
    | 'limits'
    | 'network'
    | 'working_dir'
    | 'binds'
    | 'inputs'
    | 'junit'
    | 'isolation'
    | 'stop_grace_seconds'
    | 'executor'
    | 'container'
    | 'hosts'
    | 'hosts_success'
    | 'hosts_at_once'
    | 'egress'
    | 'slurm'
    | 'kubernetes'
  >
>

export interface TaskRetry {
  /** All tries, the first included. */
  attempts: number
  backoff_ms: number
  factor: number
  max_backoff_ms: number
  /** After a try that was killed for memory; missing: the same again. */
  memory_factor?: number
  memory_max_bytes?: number
}

export interface Approval {
  message: string | null
  timeout_ms: number | null
  on_timeout: 'reject' | 'approve'
}

export interface TaskDefinition {
  name: string
  /** Items, each a template. Empty: the task is done when its turn comes. */
  script: string[]
  depends_on: string[]
  allow_failure: boolean
  env: Record<string, string>

  // Ours, beside prunner's:
  description: string | null
  /** Names of environment variables → templates: values that no shell reads as code. */
  env_from: Record<string, string>
  /** Templates: `"$1"`, `"$2"`, … in every item. */
  args: string[]
  retry: TaskRetry | null
  timeout_ms: number | null
  /** False: neither a cancel nor another's failure stops it once it has begun. */
  interruptible: boolean
  /** A list, or a template whose text is a JSON list: one instance for each, with `.item` and `.item_index`. */
  for_each: unknown[] | string | null
  /** Instances at once. */
  max_parallel: number | null
  /** Run of another pipeline instead of a script; `variables` are templates where they are text. */
  pipeline: { name: string; variables: Record<string, unknown> } | null
  /** Somebody decides instead of a script. */
  approval: Approval | null
  /** Paths and globs that are kept as artefacts. */
  artifacts: string[]
  /** Tasks before this one whose artefacts it finds at `/artifacts/<task>/…`. */
  artifacts_from: string[]
  job: JobSettings
}

export interface OnError {
  script: string[]
  env: Record<string, string>
}

export const misfirePolicies = ['skip', 'run_once', 'run_all'] as const
/** When a tick comes while an earlier run of the same schedule is open; `queue` leaves it to the pipeline's admission. */
export const overlapPolicies = ['queue', 'skip', 'cancel_running'] as const
export interface ScheduleDefinition {
  /** Unique within its pipeline. */
  name: string
  /** Five fields; exactly one of `cron` and `every_seconds`. */
  cron: string | null
  every_seconds: number | null
  /** IANA. */
  zone: string
  misfire: (typeof misfirePolicies)[number]
  /** How far back a missed tick may be. */
  catch_up_seconds: number
  /** Of `run_all`. */
  catch_up_limit: number
  overlap: (typeof overlapPolicies)[number]
  variables: Record<string, unknown>
  enabled: boolean
  /** Told when a tick has not started its run after this. */
  late_after_seconds: number | null
}

export interface PipelineDefinition {
  description: string | null
  concurrency: number
  /** Null: unbounded. */
  queue_limit: number | null
  queue_strategy: QueueStrategy
  queue_partition_limit: number | null
  start_delay_ms: number
  continue_running_tasks_after_failure: boolean
  /** 0: kept. */
  retention_period_ms: number
  retention_count: number
  env: Record<string, string>
  /** In topological order, ties by name. */
  tasks: TaskDefinition[]
  on_error: OnError | null

  // Ours:
  /** With `replace`: what runs is cancelled too. */
  interrupt_running: boolean
  variables: VariablePolicy
  parameters: Record<string, Parameter>
  /** Of a whole run, from its admission. */
  timeout_ms: number | null
  notify: Notify[]
  schedules: ScheduleDefinition[]
  job: JobSettings
}

/** What is wrong and where; `fix` says what to write. */
export interface DefinitionProblem {
  file: string
  line: number
  column: number
  /** e.g. `pipelines.build.tasks.test.depends_on[0]` */
  path: string
  message: string
  /** A warning does not keep the definition out of force. */
  severity: 'error' | 'warning'
}

export const taskStates = ['waiting', 'running', 'approval', 'done', 'failed', 'cancelled', 'skipped'] as const
export type TaskState = (typeof taskStates)[number]
export const runResults = ['succeeded', 'failed', 'cancelled'] as const
export type RunResult = (typeof runResults)[number]
/** A run as one word: `waiting` is not admitted yet. */
export type PipelineRunStatus = 'waiting' | 'running' | RunResult
