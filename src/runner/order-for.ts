/** What the server assigned, as the executor wants it, and what a later runner process must know of it. */
import type { AttemptOrder } from '../executors/executor.ts'
import { artifactsPlace } from '../job/artifacts.ts'
import { inputsPlace } from '../job/inputs.ts'
import type { AttemptNote } from './attempt-note.ts'
import type { Assignment } from './control-plane.ts'
import { commandOf, helperEnv, helperSecrets, type HelperPlan } from './helpers/plan.ts'

/** `newDir`: for the artefacts of other jobs, when it reads some. */
export function noteFor(assignment: Assignment, slot: number, newDir: () => string, helpers?: HelperPlan): AttemptNote {
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
    ...(helpers && { helpers: { dir: helpers.dir, token_hash: helpers.access.tokenHash } }),
    ...(spec.setup_seconds === undefined ? {} : { setup_ms: spec.setup_seconds * 1000 }),
    ...(spec.cleanup_seconds === undefined ? {} : { cleanup_ms: spec.cleanup_seconds * 1000 }),
  }
}

export function orderFor(
  key: string,
  assignment: Assignment,
  note: AttemptNote,
  keepForMs: number,
  helpers?: HelperPlan,
): AttemptOrder {
  const { jobId, number, spec, env, secretEnv, limits, named } = assignment
  return {
    key,
    spec: helpers?.script === undefined ? spec : { ...spec, command: commandOf(helpers) },
    env: {
      ...env,
      ...(spec.inputs && spec.inputs.length > 0 ? { RUNYARD_INPUTS: inputsPlace } : {}),
      ...(note.fetched_dir === undefined
        ? {}
        : { RUNYARD_ARTIFACTS: spec.isolation === 'none' ? note.fetched_dir : artifactsPlace }),
      RUNYARD_JOB_ID: jobId,
      RUNYARD_ATTEMPT: String(number),
      ...(helpers && helperEnv(helpers, assignment)),
    },
    secretEnv: helpers ? { ...secretEnv, ...helperSecrets(helpers) } : secretEnv,
    limits: limits as AttemptOrder['limits'],
    named,
    timeoutMs: note.timeout_ms,
    stopGraceMs: note.stop_grace_ms,
    slot: note.slot,
    artifactCaps: assignment.artifactCaps,
    ...(note.fetched_dir === undefined ? {} : { artifactsDir: note.fetched_dir }),
    ...(helpers && { helpersDir: helpers.dir, node: helpers.node }),
    ...(assignment.http && { http: assignment.http }),
    ...(assignment.place && { place: assignment.place }),
    keepForMs,
    note,
  }
}
