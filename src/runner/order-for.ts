/** What the server assigned, as the executor wants it, and what a later runner process must know of it. */
import type { AttemptOrder } from '../executors/executor.ts'
import { artifactsPlace } from '../job/artifacts.ts'
import { inputsPlace } from '../job/inputs.ts'
import type { AttemptNote } from './attempt-note.ts'
import type { Assignment } from './control-plane.ts'

/** `newDir`: for the artefacts of other jobs, when it reads some. */
export function noteFor(assignment: Assignment, slot: number, newDir: () => string): AttemptNote {
  const { jobKey, number, token, jobId, spec, limits } = assignment
  const { cpu, memory_bytes } = spec.limits ?? {}
  const leaves: AttemptNote['leaves'] & string[] = [
    ...(spec.outputs ? (['output'] as const) : []),
    ...(spec.junit ? (['junit'] as const) : []),
    ...(spec.artifacts ? (['artifacts'] as const) : []),
  ]
  return {
    version: 1,
    ref: { jobKey, number, token },
    job_id: jobId,
    slot,
    reserved: { cpu, memory_bytes },
    memory_bytes: limits.memory_bytes ?? 0,
    timeout_ms: assignment.timeoutSeconds * 1000,
    stop_grace_ms: spec.stop_grace_seconds * 1000,
    max_attempts: spec.max_attempts,
    ...(leaves.length > 0 ? { leaves } : {}),
    ...(Object.keys(spec.artifacts_from ?? {}).length > 0 ? { fetched_dir: newDir() } : {}),
  }
}

export function orderFor(key: string, assignment: Assignment, note: AttemptNote, keepForMs: number): AttemptOrder {
  const { jobId, number, spec, env, secretEnv, limits, named } = assignment
  return {
    key,
    spec,
    env: {
      ...env,
      ...(spec.inputs && spec.inputs.length > 0 ? { RUNYARD_INPUTS: inputsPlace } : {}),
      ...(note.fetched_dir === undefined
        ? {}
        : { RUNYARD_ARTIFACTS: spec.isolation === 'none' ? note.fetched_dir : artifactsPlace }),
      RUNYARD_JOB_ID: jobId,
      RUNYARD_ATTEMPT: String(number),
    },
    secretEnv,
    limits: limits as AttemptOrder['limits'],
    named,
    timeoutMs: note.timeout_ms,
    stopGraceMs: note.stop_grace_ms,
    slot: note.slot,
    artifactCaps: assignment.artifactCaps,
    ...(note.fetched_dir === undefined ? {} : { artifactsDir: note.fetched_dir }),
    keepForMs,
    note,
  }
}
