/** How a job looks on the wire: its spec as it was written, then what became of it. */
import * as z from 'zod'
import { eventKinds } from '../../job/event.ts'
import { hostSuccess } from '../../job/host.ts'
import { errorClasses, outcomeStates } from '../../job/outcome.ts'
import { strategies } from '../../job/placement.ts'
import { jobStates } from '../../job/state.ts'
import { batchWords, type BatchWord } from '../../job/status-word.ts'
import { waitingCodes } from '../../job/waiting-code.ts'
import { instant, publicId } from './base.ts'

/** Batch words (seed 001). */
export const statusWords = batchWords
export type StatusWord = BatchWord

export const usageSchema = z.object({
  cpu_ms: z.number().optional(),
  memory_peak_bytes: z.number().optional(),
  io_read_bytes: z.number().optional(),
  io_write_bytes: z.number().optional(),
})

/** How it ended on one of several hosts. */
const hostResult = z.object({
  host: z.string(),
  state: z.enum(outcomeStates),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  message: z.string().optional(),
  started_at: z.string().optional(),
  ended_at: z.string().optional(),
  remaining_processes: z.int().optional(),
})

export const resultSchema = z.object({
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  error_class: z.enum(errorClasses).nullable(),
  message: z.string().nullable(),
  usage: usageSchema.nullable(),
  /** Built-in default limits that the runner could not hold. */
  unenforced: z.array(z.string()),
  /** 0 proves that the whole tree is dead; null when the attempt never ran. */
  remaining_processes: z.int().nullable(),
  /** Output beyond its limit that was not kept; 0 when nothing was cut. */
  truncated_bytes: z.number(),
  /** Of a job on several hosts: each of them. */
  hosts: z.array(hostResult).optional(),
})

const labels = z.record(z.string(), z.string())

const limits = z.object({
  cpu: z.number().optional(),
  memory_bytes: z.number().optional(),
  pids: z.number().optional(),
  open_files: z.number().optional(),
  output_bytes: z.number().optional(),
  disk_bytes: z.number().optional(),
  io_bytes_per_second: z.number().optional(),
})

export const jobSchema = z.object({
  id: publicId,
  name: z.string(),
  command: z.array(z.string()),
  working_dir: z.string().optional(),
  /** Only in the answer for one job, and only to its owner and to administrators. */
  env: z.record(z.string(), z.string()).optional(),
  /** Names only; the values are never shown. Only in the answer for one job. */
  secret_env_names: z.array(z.string()).optional(),
  /** Only in the answer for one job. */
  payload: z.json().optional(),
  queue: z.string(),
  priority: z.int(),
  required_labels: labels.optional(),
  /** The job's own. */
  labels: labels.optional(),
  placement: z
    .object({
      strategy: z.enum(strategies).optional(),
      avoid_labels: labels.optional(),
      affinity: z.object({ labels, required: z.boolean() }).optional(),
      anti_affinity: z.object({ labels, required: z.boolean() }).optional(),
    })
    .optional(),
  not_before: z.string().optional(),
  delay_seconds: z.number().optional(),
  depends_on: z.array(z.string()).optional(),
  on_dependency_failure: z.enum(['skip', 'run']).optional(),
  max_attempts: z.int(),
  retry: z
    .object({
      backoff_seconds: z.number(),
      factor: z.number(),
      max_backoff_seconds: z.number(),
      jitter: z.number(),
      on: z.array(z.enum(errorClasses)),
      memory_factor: z.number().optional(),
      memory_max_bytes: z.number().optional(),
    })
    .optional(),
  timeout_seconds: z.number().optional(),
  stop_grace_seconds: z.number(),
  executor: z.string(),
  /** Of the executors container and kubernetes. */
  container: z
    .object({
      image: z.string().optional(),
      user: z.string().optional(),
      read_only_root: z.boolean().optional(),
      network: z.string().optional(),
      volumes: z.array(z.object({ name: z.string(), path: z.string(), mode: z.enum(['ro', 'rw']) })).optional(),
    })
    .optional(),
  /** Of the executor ssh, by name. */
  hosts: z.array(z.string()).optional(),
  hosts_success: z.enum(hostSuccess).optional(),
  hosts_at_once: z.int().optional(),
  slurm: z
    .object({
      partition: z.string().optional(),
      account: z.string().optional(),
      qos: z.string().optional(),
      constraint: z.string().optional(),
      nodes: z.int().optional(),
      tasks: z.int().optional(),
    })
    .optional(),
  kubernetes: z
    .object({
      namespace: z.string().optional(),
      service_account: z.string().optional(),
      node_selector: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  isolation: z.enum(['full', 'none']),
  /** It works in the directory of its project, which it may change, with the network of the host. */
  profile: z.enum(['project']).optional(),
  network: z.string(),
  /** Where it may connect to, when network is egress. */
  egress: z.array(z.string()).optional(),
  /** What the job asked for. */
  limits: limits.optional(),
  binds: z.array(z.object({ path: z.string(), mode: z.enum(['ro', 'rw']) })).optional(),
  /** What holds: the job's limits over the administrator's defaults. */
  effective_limits: limits,
  state: z.enum(jobStates),
  status: z.enum(statusWords),
  waiting_reason: z.object({ code: z.enum(waitingCodes), text: z.string() }).nullable(),
  /** Username. */
  owner: z.string(),
  created_at: instant,
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  /** From start to end, or to now while it runs. */
  duration_ms: z.number().nullable(),
  attempts_spent: z.int(),
  last_attempt: z.int(),
  /** Name of the runner that has it, or had it last; null before the first attempt. */
  runner: z.string().nullable(),
  cancel_requested: z.boolean(),
  cancel_reason: z.string().nullable(),
  rerun_of: z.string().nullable(),
  /** The batch that it belongs to, and its place in it. */
  /** Of the run of a pipeline that it is a task of: GET /pipeline-runs/{id} */
  pipeline_run_id: publicId.nullable(),
  /** The run of an event that it is. */
  event: z.object({ run_id: publicId, name: z.string(), kind: z.enum(eventKinds) }).optional(),
  batch_id: publicId.nullable(),
  batch_index: z.int().nullable(),
  /** What a notice tells, of one of the message executor. */
  message: z.object({ channel: z.string(), subject: z.string(), text: z.string() }).optional(),
  /** Where it writes JUnit XML. */
  junit: z.array(z.string()).optional(),
  /** Files that are kept when it has ended. */
  artifacts: z.array(z.string()).optional(),
  /** Directory under /artifacts → jobs whose artefacts it reads there. */
  artifacts_from: z.record(z.string(), z.array(z.string())).optional(),
  /** Declared shared directories that it reads. */
  inputs: z.array(z.object({ share: z.string(), path: z.string() })).optional(),
  /** How its tests went, as its newest attempt reported them. */
  tests: z
    .object({ total: z.int(), passed: z.int(), failed: z.int(), skipped: z.int(), duration_ms: z.number() })
    .nullable(),
  /** Small results that it wrote to RUNYARD_OUTPUT; null until it has ended, and when it left none. */
  outputs: z.record(z.string(), z.string()).nullable(),
  /** How the job ended; null until then. */
  result: resultSchema.nullable(),
})
export type Job = z.infer<typeof jobSchema>
export type JobResult = z.infer<typeof resultSchema>

export const attemptSchema = z.object({
  number: z.int(),
  state: z.string(),
  runner: z.string(),
  leased_at: instant,
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  duration_ms: z.number().nullable(),
  /** That held for this one; its memory may be more than the job asked for (`retry.memory_factor`). */
  limits,
  result: resultSchema.nullable(),
  /** Set when the log is sealed. */
  log: z.object({ stdout_bytes: z.number(), stderr_bytes: z.number(), truncated_bytes: z.number() }).nullable(),
})
export type Attempt = z.infer<typeof attemptSchema>
