/** The administrator's defaults and maximum over what a job asks for. Pure. */
import type { FieldProblem } from '../lib/app-error.ts'
import type { JobSpec, Limits, StoredSpec } from '../job/spec.ts'

type LimitName = keyof Limits

/** The part of the configuration that decides limits. */
export interface LimitPolicy {
  commandTimeoutSeconds: number
  maxTimeoutSeconds: number
  defaultCpu: number
  maxCpu: number
  defaultMemoryBytes: number
  maxMemoryBytes: number
  defaultPids: number
  maxPids: number
  defaultOpenFiles: number
  maxOpenFiles: number
  defaultDiskBytes: number
  maxDiskBytes: number
  defaultOutputBytes: number
  maxOutputBytes: number
  defaultIoBytesPerSecond?: number | undefined
  maxIoBytesPerSecond?: number | undefined
  /** Limits that must hold on the runner although no job names them. */
  enforceLimits: readonly string[]
}

interface Range {
  fallback?: number | undefined
  maximum?: number | undefined
}

const rangesOf = (policy: LimitPolicy): Record<LimitName, Range> => ({
  cpu: { fallback: policy.defaultCpu, maximum: policy.maxCpu },
  memory_bytes: { fallback: policy.defaultMemoryBytes, maximum: policy.maxMemoryBytes },
  pids: { fallback: policy.defaultPids, maximum: policy.maxPids },
  open_files: { fallback: policy.defaultOpenFiles, maximum: policy.maxOpenFiles },
  disk_bytes: { fallback: policy.defaultDiskBytes, maximum: policy.maxDiskBytes },
  output_bytes: { fallback: policy.defaultOutputBytes, maximum: policy.maxOutputBytes },
  io_bytes_per_second: { fallback: policy.defaultIoBytesPerSecond, maximum: policy.maxIoBytesPerSecond },
})

export interface EffectiveLimits {
  limits: Limits
  /** Those whose failure refuses the job: asked for by it, or the administrator's minimum. */
  named: LimitName[]
  timeoutSeconds: number
}

/** A maximum that was lowered after the submit holds for the next attempt too. */
export function effectiveLimits(
  spec: Pick<StoredSpec, 'limits' | 'timeout_seconds'>,
  policy: LimitPolicy,
): EffectiveLimits {
  const limits: Limits = {}
  const named: LimitName[] = []
  for (const [name, range] of Object.entries(rangesOf(policy)) as [LimitName, Range][]) {
    const asked = spec.limits?.[name]
    const value = asked ?? range.fallback
    if (value === undefined) continue
    limits[name] = Math.min(value, range.maximum ?? value)
    if (asked !== undefined || policy.enforceLimits.includes(name)) named.push(name)
  }
  const timeoutSeconds = Math.min(spec.timeout_seconds ?? policy.commandTimeoutSeconds, policy.maxTimeoutSeconds)
  return { limits, named, timeoutSeconds }
}

/** What the job asks for beyond the administrator's maximum. */
export function limitProblems(
  spec: Pick<JobSpec, 'limits' | 'timeout_seconds' | 'retry'>,
  policy: LimitPolicy,
): FieldProblem[] {
  const problems: FieldProblem[] = []
  for (const [name, range] of Object.entries(rangesOf(policy)) as [LimitName, Range][]) {
    const asked = spec.limits?.[name]
    if (asked !== undefined && range.maximum !== undefined && asked > range.maximum) {
      problems.push({ field: `limits.${name}`, message: `at most ${range.maximum} on this server` })
    }
  }
  if ((spec.retry?.memory_max_bytes ?? 0) > policy.maxMemoryBytes) {
    problems.push({ field: 'retry.memory_max_bytes', message: `at most ${policy.maxMemoryBytes} on this server` })
  }
  if (spec.timeout_seconds !== undefined && spec.timeout_seconds > policy.maxTimeoutSeconds) {
    problems.push({ field: 'timeout_seconds', message: `at most ${policy.maxTimeoutSeconds} on this server` })
  }
  return problems
}

/** What a job reserves on its runner: only what it asks for by name, else a slot is all it takes. */
export function reservation(spec: Pick<JobSpec, 'limits'>): { laneCpuMillis: number; laneMemoryMib: number } {
  return {
    laneCpuMillis: Math.ceil((spec.limits?.cpu ?? 0) * 1000),
    laneMemoryMib: Math.ceil((spec.limits?.memory_bytes ?? 0) / 2 ** 20),
  }
}
