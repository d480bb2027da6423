/** From a validated spec to the rows that are stored: policy checked, names given, environment sealed. */
import { createHmac } from 'node:crypto'
import { openJobEnv, sealJobEnv } from '../access/job-env.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import { nameOf, type JobSpec, type SealedEnv, type StoredSpec } from '../job/spec.ts'
import { parseTraceparent, type JobTrace } from '../job/trace.ts'
import { specForRerun } from '../queue/rerun.ts'
import type { NewJob } from '../queue/types.ts'
import type { Ask, Deps } from './deps.ts'
import { reservation } from './limits.ts'
import { policyProblems, type PolicySpec } from './submit-policy.ts'

export function checkPolicy(specs: readonly PolicySpec[], deps: Deps, prefix: (i: number) => string): void {
  const problems: FieldProblem[] = specs.flatMap((spec, i) =>
    policyProblems(spec, deps.config).map((p) => ({ ...p, field: `${prefix(i)}${p.field}` })),
  )
  if (problems.length === 0) return
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  throw new AppError('invalid_argument', `${first?.field}: ${first?.message}${more}`, {
    fields: problems.slice(0, 100),
  })
}

/** `sealed`: what else is for its runner alone. */
export function newJob(
  spec: JobSpec,
  deps: Deps,
  ask: Ask,
  sealed: Pick<SealedEnv, 'script' | 'request'> = {},
): NewJob {
  const { env = {}, secret_env = {} } = spec
  const publicId = newPublicId()
  const envSealed = sealEnv({ env, secret_env, ...sealed }, publicId, deps)
  const stored = storedSpec(spec, deps)
  if (deps.config.otlpEndpoint !== undefined) stored.trace = traceOf(ask)
  return { publicId, spec: stored, envSealed, ...reservation(spec) }
}

const traceOf = ({ traceparent, receivedAt }: Ask): JobTrace => ({
  ...(parseTraceparent(traceparent) && { parent: traceparent }),
  received: receivedAt ?? Date.now(),
})

export function storedSpec(spec: JobSpec, { config }: Deps): StoredSpec {
  const { env: _, secret_env: __, ...rest } = spec
  const stored: StoredSpec = { ...rest, name: nameOf(spec) }
  const here = spec.executor === 'sandbox' || spec.executor === 'container'
  if (here && stored.working_dir === undefined && config.defaultWorkingDir !== undefined) {
    stored.working_dir = config.defaultWorkingDir
  }
  return stored
}

/** The same work as an earlier job, sealed for the new one. */
export function jobAgain(
  earlier: { publicId: string; spec: StoredSpec; envSealed: Buffer | null },
  deps: Deps,
): NewJob {
  if (earlier.spec.executor === 'message') {
    throw new AppError('failed_precondition', 'a message is sent again by its delivery: runyard channel redeliver')
  }
  if (earlier.spec.event !== undefined) {
    const { name, run_id } = earlier.spec.event
    throw new AppError('failed_precondition', `it is a run of event ${name}: runyard event rerun ${run_id}`)
  }
  const publicId = newPublicId()
  const spec = specForRerun(earlier.spec)
  const env = openEnv(earlier.envSealed, earlier.publicId, deps)
  return { publicId, spec, envSealed: sealEnv(env, publicId, deps), ...reservation(spec), rerunOf: earlier.publicId }
}

const sealEnv = (env: SealedEnv, publicId: string, { sealer }: Deps): Buffer | null => sealJobEnv(env, publicId, sealer)

export const openEnv = (sealed: Buffer | null, publicId: string, { sealer }: Pick<Deps, 'sealer'>): SealedEnv =>
  openJobEnv(sealed, publicId, sealer)

/** Fingerprint of a request body for idempotency keys: independent of key order, keyed because bodies hold secrets. */
export function fingerprint(body: unknown, deps: Deps): Buffer {
  return createHmac('sha256', deps.fingerprintKey).update(canonical(body)).digest()
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`
}
