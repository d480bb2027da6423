/**
 * What a job is: the one schema that REST, CLI, gRPC, pipelines and events validate with. Field names are the wire's
 * (snake_case, seed 001); the same document is stored, less `env` and `secret_env`, which are kept sealed beside it.
 * Every object is strict: an unknown field is an error, never ignored.
 */
import * as z from 'zod'
import { publicIdPattern } from '../lib/ids.ts'
import { depthOf } from '../lib/json.ts'
import { artifactPaths, artifactsFrom } from './artifacts.ts'
import { inputsSchema } from './inputs.ts'
import { junitPaths } from './junit-paths.ts'
import { keyProblem, labelsSchema } from './labels.ts'
import { kubernetesSchema, slurmSchema } from './cluster.ts'
import { containerSchema } from './container.ts'
import { egressSchema } from './egress.ts'
import type { EventKind, ScriptKind } from './event.ts'
import { executorProblems } from './executor-fields.ts'
import { hostsSchema, hostSuccess } from './host.ts'
import type { HttpRequest } from './http-request.ts'
import type { Message } from './message.ts'
import { errorClasses } from './outcome.ts'
import { placementProblems, placementSchema } from './placement.ts'
import { defaultRetry } from './retry.ts'
import type { JobTrace } from './trace.ts'

/** Limits of a single job document; one place, quoted in error messages. */
export const specLimits = {
  nameLength: 200,
  arguments: 4096,
  /** Linux refuses one argument of 128 KiB or more (MAX_ARG_STRLEN), counted with its closing NUL. */
  argumentBytes: 128 * 1024 - 1,
  /** All arguments together; the kernel's own limit for arguments plus environment is 2 MiB at the usual stack size. */
  commandBytes: 1024 * 1024,
  envEntries: 1000,
  envBytes: 256 * 1024,
  payloadBytes: 64 * 1024,
  payloadDepth: 100,
  dependencies: 1000,
  submitBatch: 10_000,
  maxAttempts: 100,
  delaySeconds: 366 * 24 * 3600,
  timeoutSeconds: 30 * 24 * 3600,
} as const

const bytes = (text: string): number => Buffer.byteLength(text)
const noNul = (text: string): boolean => !text.includes('\0')
/** A lone surrogate is not a character: it has no UTF-8 form, and PostgreSQL refuses it. */
const wellFormed = (text: string): boolean => text.isWellFormed()
/** The same for all keys and strings of a payload; as JSON they show as escapes, a backslash itself as two. */
const plainJson = (json: string): boolean => !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i.test(json)

const argument = z
  .string()
  .refine(noNul, 'must not contain a NUL character')
  .refine(wellFormed, 'must be valid Unicode')
  .refine((a) => bytes(a) <= specLimits.argumentBytes, `one argument is at most ${specLimits.argumentBytes} bytes`)

const command = z
  .array(argument)
  .min(1, 'must name a program, e.g. ["make", "all"]')
  .max(specLimits.arguments, `at most ${specLimits.arguments} arguments`)
  .refine((c) => (c[0] ?? '').trim() !== '', 'the program name must not be empty')
  .refine(
    (c) => c.reduce((sum, a) => sum + bytes(a) + 1, 0) <= specLimits.commandBytes,
    `all arguments together are at most ${specLimits.commandBytes} bytes; put large data into a file`,
  )

const envName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]{0,254}$/,
    'is no name of a variable: it has letters, digits and _ only, at most 255, and does not begin with a digit',
  )
  .refine((n) => !n.toUpperCase().startsWith('RUNYARD_'), 'is reserved: names beginning with RUNYARD_ are ours')
const envValue = z
  .string()
  .refine(noNul, 'must not contain a NUL character')
  .refine(wellFormed, 'must be valid Unicode')
const env = z
  .record(envName, envValue, keyProblem)
  .refine((e) => Object.keys(e).length <= specLimits.envEntries, `at most ${specLimits.envEntries} variables`)
  .refine(
    (e) => Object.entries(e).reduce((s, [k, v]) => s + bytes(k) + bytes(v) + 2, 0) <= specLimits.envBytes,
    `all variables together are at most ${specLimits.envBytes} bytes`,
  )

const absolutePath = z
  .string()
  .max(4096)
  .refine(noNul, 'must not contain a NUL character')
  .refine(wellFormed, 'must be valid Unicode')
  .refine((p) => p.startsWith('/'), 'must be an absolute path')
  .refine((p) => !p.split('/').includes('..'), 'must not contain ..')

export const limitsSchema = z.strictObject({
  /** Share of one core; 0.5 is half a core. */
  cpu: z.number().min(0.01, 'at least 0.01 of a core').max(1024).optional(),
  memory_bytes: z
    .int()
    .min(4 * 1024 * 1024, 'at least 4 MiB')
    .max(2 ** 44)
    .optional(),
  pids: z.int().min(1).max(1_000_000).optional(),
  open_files: z.int().min(16, 'at least 16').max(1_048_576).optional(),
  /** Bytes of stdout and stderr together that are kept; the rest is discarded and the log says so. */
  output_bytes: z
    .int()
    .min(0)
    .max(2 ** 44)
    .optional(),
  /** Size of the private work directory and of /tmp, each; a sized tmpfs, hence counted as memory too. */
  disk_bytes: z
    .int()
    .min(64 * 1024, 'at least 64 KiB')
    .max(2 ** 44)
    .optional(),
  io_bytes_per_second: z
    .int()
    .min(64 * 1024, 'at least 64 KiB per second')
    .max(2 ** 40)
    .optional(),
})
export type Limits = z.infer<typeof limitsSchema>

export const retrySchema = z
  .strictObject({
    backoff_seconds: z.number().min(0).max(86_400).default(defaultRetry.backoff_seconds),
    factor: z.number().min(1).max(100).default(defaultRetry.factor),
    max_backoff_seconds: z
      .number()
      .min(0)
      .max(7 * 86_400)
      .default(defaultRetry.max_backoff_seconds),
    jitter: z.number().min(0).max(1).default(defaultRetry.jitter),
    on: z.array(z.enum(errorClasses)).default(defaultRetry.on),
    /** After an attempt that was killed for memory the next one has so many times as much. */
    memory_factor: z.number().min(1, 'must be 1 to 8').max(8, 'must be 1 to 8').optional(),
    /** Where that ends; the administrator's maximum when missing. */
    memory_max_bytes: limitsSchema.shape.memory_bytes,
  })
  .refine((r) => r.memory_factor === undefined || r.on.includes('oom'), {
    path: ['memory_factor'],
    message: 'needs oom in retry.on: nothing else makes memory grow',
  })
  .refine((r) => r.memory_max_bytes === undefined || r.memory_factor !== undefined, {
    path: ['memory_max_bytes'],
    message: 'needs retry.memory_factor: without it memory does not grow',
  })

export const queueNamePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** What a job may name; `http` and `message` are chosen by what an event is. */
export const executorKinds = ['sandbox', 'container', 'ssh', 'slurm', 'kubernetes'] as const
export type ExecutorKind = (typeof executorKinds)[number]

export { hostLimits, hostSuccess, type HostSuccess } from './host.ts'
export { labelList } from './labels.ts'
export { strategies, type Strategy } from './placement.ts'

export const jobSpecSchema = z
  .strictObject({
    /** Shown in lists; the command line when missing. */
    name: z
      .string()
      .trim()
      .min(1)
      .max(specLimits.nameLength)
      .refine(noNul, 'must not contain a NUL character')
      .refine(wellFormed, 'must be valid Unicode')
      .optional(),
    command,
    /** Allow-listed directory, bound read-write at its own path; the private /job when missing. */
    working_dir: absolutePath.optional(),
    env: env.optional(),
    /** Like `env`; values are masked in the log and never shown again. */
    secret_env: env.optional(),
    /** Free JSON, kept with the job and given back. */
    payload: z
      .unknown()
      .refine(
        (p) => depthOf(p, specLimits.payloadDepth) <= specLimits.payloadDepth,
        `at most ${specLimits.payloadDepth} levels deep`,
      )
      .pipe(z.json())
      .refine(
        (p) => bytes(JSON.stringify(p)) <= specLimits.payloadBytes,
        `at most ${specLimits.payloadBytes} bytes as JSON`,
      )
      .refine((p) => plainJson(JSON.stringify(p)), 'must not contain a NUL character or half a surrogate pair')
      .optional(),
    queue: z
      .string()
      .regex(queueNamePattern, 'a queue name has lower-case letters, digits, . _ and - only')
      .default('default'),
    /** 0 to 10, higher first. */
    priority: z.int().min(0, 'must be 0 to 10').max(10, 'must be 0 to 10').default(5),
    /** Labels that the runner must carry. */
    required_labels: labelsSchema.optional(),
    /** The job's own labels: lists find it by them, and the placement of other jobs speaks of them. */
    labels: labelsSchema.optional(),
    /** Where it may run, and where it had better. */
    placement: placementSchema.optional(),
    /** ISO 8601 instant; at most one of not_before and delay_seconds. */
    not_before: z.iso.datetime({ offset: true }).optional(),
    delay_seconds: z.number().min(0).max(specLimits.delaySeconds).optional(),
    depends_on: z
      .array(z.string().regex(publicIdPattern, 'must be a job id: 12 characters, 0-9 and a-z'))
      .max(specLimits.dependencies)
      .optional(),
    /** When a dependency ends without success: `skip` this job, or `run` it all the same. */
    on_dependency_failure: z.enum(['skip', 'run']).optional(),
    max_attempts: z.int().min(1).max(specLimits.maxAttempts).default(1),
    retry: retrySchema.optional(),
    /** Wall time of one attempt; the server's COMMAND_TIMEOUT_SECONDS when missing. */
    timeout_seconds: z.number().min(0.1, 'at least 0.1').max(specLimits.timeoutSeconds).optional(),
    /** Between SIGTERM and SIGKILL. */
    stop_grace_seconds: z.number().min(0).max(3600).default(5),
    /** How it runs; for `http` and `message` there are events. */
    executor: z.enum(executorKinds).default('sandbox'),
    /** Of the executors `container` and `kubernetes`. */
    container: containerSchema.optional(),
    /** Of the executor `ssh`: one job on each of these, side by side; its log names the host when they are several. */
    hosts: hostsSchema.optional(),
    /** Of several hosts. */
    hosts_success: z.enum(hostSuccess).optional(),
    /** Hosts at the same time; all when left out. */
    hosts_at_once: z.int().min(1).max(200).optional(),
    slurm: slurmSchema.optional(),
    kubernetes: kubernetesSchema.optional(),
    /** `none` runs without namespaces and only where the administrator allowed it. */
    isolation: z.enum(['full', 'none']).default('full'),
    /** `egress`: only to what `egress` lists. */
    network: z.enum(['none', 'host', 'egress']).default('none'),
    egress: egressSchema.optional(),
    limits: limitsSchema.optional(),
    /** JUnit XML that it writes: paths and globs, from its working directory or absolute inside the sandbox. */
    junit: junitPaths.optional(),
    /** Gives it a file for small results, at `RUNYARD_OUTPUT` (`outputs.ts`). */
    outputs: z.boolean().optional(),
    /** Gives it the helper API (`runtime-helpers/PROTOCOL.md`): variables, input, output, progress. */
    helpers: z.boolean().optional(),
    /** Files that are kept when it has ended, whatever its end: paths and globs like those of `junit`. */
    artifacts: artifactPaths.optional(),
    /** What other jobs of the same owner left, at `/artifacts/<directory>/<name>`; they must have ended. */
    artifacts_from: artifactsFrom.optional(),
    /** Declared shared directories that it reads, at `/inputs/<share>`. */
    inputs: inputsSchema.optional(),
    /** Extra paths inside the sandbox, under the administrator's allow-list. */
    binds: z
      .array(z.strictObject({ path: absolutePath, mode: z.enum(['ro', 'rw']).default('ro') }))
      .max(64)
      .optional(),
  })
  .refine((s) => !(s.not_before !== undefined && s.delay_seconds !== undefined), {
    path: ['delay_seconds'],
    message: 'give not_before or delay_seconds, not both',
  })
  .refine(
    (s) =>
      !(s.limits?.disk_bytes !== undefined && (s.working_dir !== undefined || s.binds?.some((b) => b.mode === 'rw'))),
    { path: ['limits', 'disk_bytes'], message: 'cannot be held together with a read-write working_dir or bind' },
  )
  .refine(({ limits, retry }) => (retry?.memory_max_bytes ?? Infinity) >= (limits?.memory_bytes ?? 0), {
    path: ['retry', 'memory_max_bytes'],
    message: 'is less than limits.memory_bytes, where it begins',
  })
  .superRefine((spec, context) => {
    const problems = [...placementProblems(spec), ...executorProblems(spec)]
    for (const { path, message } of problems) context.addIssue({ code: 'custom', path, message })
  })

/** As a user writes it. */
export type JobSpecInput = z.input<typeof jobSpecSchema>
/** After defaults. */
export type JobSpec = z.output<typeof jobSpecSchema>
/** As stored in `jobs.spec`: without the values that are sealed. */
export type StoredSpec = Omit<JobSpec, 'env' | 'secret_env' | 'executor'> & {
  name: string
  /** Nobody submits a `message`: it is made of what happened (`reactions/`). */
  executor: JobSpec['executor'] | 'message' | 'http'
  /** Only while traces are exported. */
  trace?: JobTrace
  /** Of a message alone. */
  message?: Message
  /** Of a run of an event: the script is sealed beside it, or it is an HTTP request that is. */
  event?: { run_id: string; name: string; kind: EventKind }
  /** Beside the time that the command itself has (`timeout_seconds`): before it starts and after it has ended. */
  setup_seconds?: number
  cleanup_seconds?: number
  /** Of a task whose pipeline is a file: it runs in the project's directory (docs/pipelines.md). */
  profile?: 'project'
}
/** What is sealed beside it. */
export interface SealedEnv {
  env: Record<string, string>
  secret_env: Record<string, string>
  /** Of an event of a script kind: its text, which is a file in the sandbox and never an argument. */
  script?: { kind: ScriptKind; text: string }
  /** Of an HTTP job: the request with its secrets filled in. */
  request?: HttpRequest
}

/** The job's name when it has none: its command line, cut to the limit. */
export function nameOf(spec: Pick<JobSpec, 'name' | 'command'>): string {
  const line = spec.name ?? spec.command.join(' ').replaceAll(/\s+/g, ' ').trim()
  return line.length <= specLimits.nameLength ? line : `${line.slice(0, specLimits.nameLength - 1)}…`
}
