/**
 * What the administrator allows a job to ask for. Checked here for a clear answer at submit, and once more on the
 * runner, where paths are real (`executors/`).
 */
import path from 'node:path'
import type { FieldProblem } from '../lib/app-error.ts'
import { isCovered } from '../lib/egress-rules.ts'
import type { JobSpec, StoredSpec } from '../job/spec.ts'
import { messageQueue } from '../job/message.ts'
import { containerProblems, type ContainerPolicy } from './container-policy.ts'
import { limitProblems, type LimitPolicy } from './limits.ts'

export interface SubmitPolicy extends LimitPolicy, ContainerPolicy {
  defaultWorkingDir?: string | undefined
  allowedWorkdirs: readonly string[]
  allowedReadOnlyBinds: readonly string[]
  allowedReadWriteBinds: readonly string[]
  allowIsolationNone: boolean
  allowNetworkHost: boolean
  /** Destinations (`lib/egress-rules.ts`). */
  egressAllow: readonly string[]
  /** Name → directory on this machine; only the names matter here. */
  sharedInputs: Readonly<Record<string, string>>
}

/** Equal to an allowed directory or below it; by path components, so `/logs-evil` is not below `/logs`. */
export function isUnder(candidate: string, allowed: readonly string[]): boolean {
  const wanted = path.posix.normalize(candidate)
  return allowed.some((entry) => {
    const root = path.posix.normalize(entry).replace(/(?<=.)\/+$/, '')
    return wanted === root || wanted.startsWith(root === '/' ? '/' : `${root}/`)
  })
}

/** After `field: ` these read as sentences. */
const outside = (what: string, allowed: readonly string[], setting: string): string =>
  allowed.length === 0
    ? `no ${what} is allowed here; an administrator can set ${setting}=/some/path`
    : `must be one of these or below: ${allowed.join(', ')}; an administrator can add to ${setting}`

export type PolicySpec = Omit<JobSpec, 'executor'> & Pick<StoredSpec, 'executor'>

export function policyProblems(spec: PolicySpec, policy: SubmitPolicy): FieldProblem[] {
  const problems = limitProblems(spec, policy)
  if (spec.queue === messageQueue) {
    problems.push({ field: 'queue', message: `${messageQueue} is kept free for notices; name another queue` })
  }
  const workdirs = policy.defaultWorkingDir
    ? [...policy.allowedWorkdirs, policy.defaultWorkingDir]
    : policy.allowedWorkdirs
  // Of a host or a pod it is a directory there.
  const elsewhere = spec.executor === 'ssh' || spec.executor === 'kubernetes'
  if (!elsewhere && spec.working_dir !== undefined && !isUnder(spec.working_dir, workdirs)) {
    problems.push({
      field: 'working_dir',
      message: outside('working directory', workdirs, 'ALLOWED_WORKDIRS'),
    })
  }
  spec.binds?.forEach((bind, i) => {
    const readWrite = bind.mode === 'rw'
    const allowed = readWrite
      ? policy.allowedReadWriteBinds
      : [...policy.allowedReadOnlyBinds, ...policy.allowedReadWriteBinds]
    if (isUnder(bind.path, allowed)) return
    const setting = readWrite ? 'RUNYARD_ALLOWED_READ_WRITE_BINDS' : 'RUNYARD_ALLOWED_READ_ONLY_BINDS'
    problems.push({
      field: `binds[${i}].path`,
      message: outside(readWrite ? 'read-write path' : 'path', allowed, setting),
    })
  })
  if (spec.executor === 'container' && spec.container) problems.push(...containerProblems(spec.container, policy))
  spec.inputs?.forEach(({ share }, i) => {
    if (Object.hasOwn(policy.sharedInputs, share)) return
    const names = Object.keys(policy.sharedInputs)
    const there = names.length === 0 ? 'there is none here' : `there are: ${names.join(', ')}`
    const message = `is no shared input: ${there}; an administrator can add to RUNYARD_SHARED_INPUTS`
    problems.push({ field: `inputs[${i}].share`, message })
  })
  if (spec.isolation === 'none' && spec.inputs && spec.inputs.length > 0) {
    problems.push({ field: 'inputs', message: 'need isolation "full": without it nothing can be shown at /inputs' })
  }
  if (spec.isolation === 'none' && !policy.allowIsolationNone) {
    problems.push({
      field: 'isolation',
      message:
        'jobs without isolation are not allowed here; an administrator can set RUNYARD_ALLOW_ISOLATION_NONE=true',
    })
  }
  spec.egress?.forEach((entry, i) => {
    const allowed = policy.egressAllow
    if (isCovered(entry, allowed)) return
    const there = allowed.length === 0 ? 'no destination is' : `only these are: ${allowed.join(', ')}`
    problems.push({
      field: `egress[${i}]`,
      message: `${entry} is not allowed here, ${there}; an administrator can add to RUNYARD_EGRESS_ALLOW`,
    })
  })
  if (spec.network === 'host' && !policy.allowNetworkHost) {
    problems.push({
      field: 'network',
      message: 'the host network is not allowed here; an administrator can set RUNYARD_ALLOW_NETWORK_HOST=true',
    })
  }
  return problems
}
