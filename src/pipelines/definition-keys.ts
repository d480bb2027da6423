/** Every key of a pipelines.yml. Those of prunner mean what they mean there; docs/pipelines.md describes them all. */

export const prunnerKeys = {
  pipeline: [
    'concurrency',
    'queue_limit',
    'queue_strategy',
    'queue_partition_limit',
    'start_delay',
    'continue_running_tasks_after_failure',
    'retention_period',
    'retention_count',
    'env',
    'tasks',
    'on_error',
  ],
  task: ['script', 'depends_on', 'allow_failure', 'env'],
  on_error: ['script', 'env'],
} as const

/** What a job gets: of a pipeline for all its tasks, of a task over that. */
export const jobKeys = [
  'queue',
  'priority',
  'required_labels',
  'labels',
  'limits',
  'network',
  'working_dir',
  'binds',
  'inputs',
  'junit',
  'isolation',
  'stop_grace',
  'executor',
  'container',
  'hosts',
  'hosts_success',
  'hosts_at_once',
  'egress',
  'slurm',
  'kubernetes',
] as const

export const ownKeys = {
  pipeline: [
    'description',
    'interrupt_running',
    'variables',
    'parameters',
    'timeout',
    'notify',
    'schedule',
    ...jobKeys,
  ],
  task: [
    'description',
    'env_from',
    'args',
    'retry',
    'timeout',
    'interruptible',
    'for_each',
    'max_parallel',
    'pipeline',
    'approval',
    'artifacts',
    'artifacts_from',
    ...jobKeys,
  ],
  parameter: ['type', 'description', 'default', 'required', 'choices'],
  schedule: [
    'name',
    'cron',
    'every',
    'timezone',
    'misfire',
    'catch_up',
    'catch_up_limit',
    'overlap',
    'variables',
    'enabled',
    'late_after',
  ],
  notify: ['channel', 'on'],
  retry: ['attempts', 'backoff', 'factor', 'max_backoff', 'memory_factor', 'memory_max_bytes'],
  sub_pipeline: ['name', 'variables'],
  approval: ['message', 'timeout', 'on_timeout'],
} as const

export const pipelineKeys = [...prunnerKeys.pipeline, ...ownKeys.pipeline] as const
export const taskKeys = [...prunnerKeys.task, ...ownKeys.task] as const
