/** `startJob`'s arguments → one validated job spec. Names are camelCase here and the schema's on the wire. */
import { jobSpecSchema, nameOf, specLimits, type Limits, type SealedEnv, type StoredSpec } from '../job/spec.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'

export interface JobLimits {
  /** Share of one core; 0.5 is half a core. */
  cpu?: number
  /** Of the whole process tree; what exceeds it is killed and the job ends as `oom_killed`. */
  memoryBytes?: number
  pids?: number
  openFiles?: number
  /** Bytes of output that are kept; the rest is discarded, and the readers say how much. */
  outputBytes?: number
  /** Size of the private working directory and of /tmp, each; counted as memory too. */
  diskBytes?: number
  ioBytesPerSecond?: number
}

export interface JobOptions {
  /** Arguments, for `startJob(command, { args })`. */
  args?: readonly string[]
  name?: string
  /** Beside PATH, HOME and a few more; nothing of this process's own environment gets in. */
  env?: Record<string, string>
  /** Like `env`; the values are masked in the output. */
  secretEnv?: Record<string, string>
  /** Bound read-write at its own path; a private, empty directory when missing. */
  workingDir?: string
  limits?: JobLimits
  /** Wall time; without it a job may run for 30 days. */
  timeoutSeconds?: number
  /** From SIGTERM to SIGKILL; default 5. */
  stopGraceSeconds?: number
  network?: 'none' | 'host'
  /** `none`: without namespaces, with the files of this host as they are. */
  isolation?: 'full' | 'none'
  /** More paths of this host inside the sandbox; `ro` when no mode is given. */
  binds?: readonly { path: string; mode?: 'ro' | 'rw' }[]
}

export interface JobRequest {
  spec: StoredSpec
  env: Record<string, string>
  secretEnv: Record<string, string>
  limits: typeof defaultLimits & Limits
  named: (keyof Limits)[]
  timeoutMs: number
}

const MiB = 1024 * 1024
/** The server's defaults as well (`docs/configuration.md`). */
const defaultLimits = {
  cpu: 1,
  memory_bytes: 512 * MiB,
  pids: 256,
  open_files: 1024,
  disk_bytes: 256 * MiB,
  output_bytes: 100 * MiB,
}

const optionNames: Record<keyof JobOptions, string> = {
  args: 'command',
  name: 'name',
  env: 'env',
  secretEnv: 'secret_env',
  workingDir: 'working_dir',
  limits: 'limits',
  timeoutSeconds: 'timeout_seconds',
  stopGraceSeconds: 'stop_grace_seconds',
  network: 'network',
  isolation: 'isolation',
  binds: 'binds',
}
const limitNames: Record<keyof JobLimits, keyof Limits> = {
  cpu: 'cpu',
  memoryBytes: 'memory_bytes',
  pids: 'pids',
  openFiles: 'open_files',
  outputBytes: 'output_bytes',
  diskBytes: 'disk_bytes',
  ioBytesPerSecond: 'io_bytes_per_second',
}

/** What stands behind the command, as the caller wrote it: arguments, then perhaps one object. */
export function jobRequest(command: unknown, rest: readonly unknown[]): JobRequest {
  const last = rest.at(-1)
  const options = isRecord(last) ? last : {}
  const words = isRecord(last) ? rest.slice(0, -1) : rest
  if (words.length > 0 && options.args !== undefined) {
    throw wrong([{ field: 'args', message: 'give the arguments one by one or in args, not both' }])
  }
  const { args = [], limits, ...others } = options
  if (!Array.isArray(args)) throw wrong([{ field: 'args', message: 'must be an array of strings' }])
  if (limits !== undefined && !isRecord(limits)) throw wrong([{ field: 'limits', message: 'must be an object' }])
  const parsed = jobSpecSchema.safeParse({
    ...renamed(others, optionNames, ''),
    command: [command, ...words, ...(args as unknown[])],
    ...(limits === undefined ? {} : { limits: renamed(limits, limitNames, 'limits.') }),
  })
  if (!parsed.success) {
    throw wrong(problemsOf(parsed.error.issues as ZodIssue[], asWritten))
  }
  const { env = {}, secret_env: secretEnv = {}, ...spec }: typeof parsed.data & Partial<SealedEnv> = parsed.data
  return {
    spec: { ...spec, name: nameOf(spec) },
    env,
    secretEnv,
    limits: { ...defaultLimits, ...spec.limits },
    named: Object.keys(spec.limits ?? {}) as (keyof Limits)[],
    timeoutMs: (spec.timeout_seconds ?? specLimits.timeoutSeconds) * 1000,
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function renamed(given: Record<string, unknown>, names: Record<string, string>, prefix: string): object {
  const known = Object.keys(names)
  const unknown = Object.keys(given).filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    const message = `is no option of a job; there are ${known.join(', ')}`
    throw wrong(unknown.map((name) => ({ field: prefix + name, message })))
  }
  const there = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(there.map(([name, value]) => [names[name], value]))
}

const written = new Map<unknown, string>(
  [...Object.entries(limitNames), ...Object.entries(optionNames)].map(([ours, wire]) => [wire, ours]),
)
/** The executor's sentences with our names in them: `the limit memory_bytes cannot…`. */
export const inOptions = (message: string): string =>
  message.replaceAll(/(?<![\w./-])[a-z]+(?:_[a-z]+)+(?![\w/-])/g, (name) => written.get(name) ?? name)

/** The schema's path, as the caller wrote it: `command[0]` is the command, the others are arguments. */
function asWritten(path: readonly PropertyKey[]): string {
  const [first, second, ...rest] = path
  if (first === 'command') return typeof second === 'number' && second > 0 ? `args[${second - 1}]` : 'command'
  return [first, second, ...rest]
    .filter((part) => part !== undefined)
    .map((part, depth) => (depth < 2 ? (written.get(part) ?? part) : part))
    .reduce<string>((text, part) => text + (typeof part === 'number' ? `[${part}]` : `.${String(part)}`), '')
    .slice(1)
}

function wrong(fields: FieldProblem[]): AppError {
  return new AppError('invalid_argument', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    fields,
  })
}
