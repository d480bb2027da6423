/** The job of a run of an event: the definition under this server's policy, with its secrets, sealed. */
import type { Principal } from '../access/authenticate.ts'
import type { Queryable } from '../db/pool.ts'
import type { Payload } from '../events/payload.ts'
import { isScriptKind, type EventDefinition } from '../job/event.ts'
import { jobSpecSchema, type JobSpec } from '../job/spec.ts'
import { scriptCommand } from '../job/script-command.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import type { NewJob } from '../queue/types.ts'
import type { Ask, Deps } from './deps.ts'
import { executorNamed, routed } from './event-place.ts'
import { fillSecrets } from './fill-secrets.ts'
import { newJob } from './new-job.ts'
import { readSecrets } from './read-secrets.ts'
import { checkPlaces, type PlacedBy } from './submit-places.ts'
import { policyProblems } from './submit-policy.ts'
import { toolMessageJob } from './tool-messages.ts'

export interface EventJobInput {
  /** Public id. */
  run: string
  event: { name: string; ownerId: string; publicId: string }
  definition: EventDefinition
  input: Payload | null
  /** Whose rights it has: the owner's. */
  principal: Principal
  /** The one who asked, for traces. */
  ask?: Ask
}

const nobody: Ask = { principal: null }

/** Of every kind but `pipeline`. Throws an AppError that says what is wrong with the definition, or what is missing. */
export async function eventJob(tx: Queryable, deps: Deps, given: EventJobInput): Promise<NewJob> {
  const { event, run, ask = nobody, principal } = given
  const by = { role: principal.role ?? 'viewer', config: deps.config }
  const definition = await routed(tx, by, given.definition)
  if (definition.kind === 'message') {
    const job = await toolMessageJob(tx, deps, { ...given, message: definition.message! })
    job.spec.event = { run_id: run, name: event.name, kind: 'message' }
    return job
  }
  const secrets = await secretEnv(tx, deps, given)
  const spec = specOf(event.name, definition, secrets)
  if (!spec.ok) throw wrong(spec.problems)
  const [place] = (await checkPlaces(tx, by, [spec.value])) ?? []
  const problems = [...policyProblems(spec.value, deps.config), ...(place?.problems ?? [])]
  if (problems.length > 0) throw wrong(problems.map(inDefinition))
  if (place?.hosts) spec.value.hosts = place.hosts
  const { kind } = definition
  const job = isScriptKind(kind)
    ? newJob(spec.value, deps, ask, { script: { kind, text: definition.script! } })
    : newJob(spec.value, deps, ask, { request: fillSecrets(definition.request!, secrets, definition.secrets) })
  Object.assign(job.spec, {
    event: { run_id: run, name: event.name, kind },
    setup_seconds: definition.timeouts.setup_seconds,
    cleanup_seconds: definition.timeouts.cleanup_seconds,
    // The request is made by the runner itself.
    ...(kind === 'http' && { executor: 'http', network: 'host' }),
  })
  return job
}

/** What this server would refuse of it, at the fields of the definition. */
export function jobProblems(definition: EventDefinition, deps: Pick<Deps, 'config'>): FieldProblem[] {
  if (definition.kind === 'message' || definition.kind === 'pipeline') return []
  const hidden = Object.fromEntries(Object.keys(definition.secrets).map((name) => [name, '***']))
  const spec = specOf('event', asFarAsKnown(definition), hidden)
  return spec.ok ? policyProblems(spec.value, deps.config).map(inDefinition) : spec.problems
}

/** Of one that has its executor: what a run would be refused for as things are now, and need not be tomorrow. */
export async function placeWarnings(db: Queryable, by: PlacedBy, definition: EventDefinition): Promise<FieldProblem[]> {
  if (!isScriptKind(definition.kind)) return []
  const spec = specOf('event', definition, {})
  if (!spec.ok) return spec.problems
  const [place] = (await checkPlaces(db, by, [spec.value])) ?? []
  return (place?.problems ?? []).map(inDefinition)
}

/** Before anybody has looked which image a language has. */
function asFarAsKnown(definition: EventDefinition): EventDefinition {
  const { job } = definition
  const executor = executorNamed(job)
  const image = executor === 'container' && job.container?.image === undefined
  return {
    ...definition,
    job: { ...job, executor, ...(image && { container: { ...job.container, image: 'of-its-language' } }) },
  }
}

type Made<T> = { ok: true; value: T } | { ok: false; problems: FieldProblem[] }

/** As if somebody had submitted it. */
export function specOf(name: string, definition: EventDefinition, secret_env: Record<string, string>): Made<JobSpec> {
  const { job, kind, env = {}, max_attempts, retry, timeouts } = definition
  const parsed = jobSpecSchema.safeParse({
    ...job,
    ...{ name, env, secret_env, max_attempts, retry },
    command: isScriptKind(kind) ? scriptCommand[kind] : ['http', definition.request?.method ?? 'GET'],
    timeout_seconds: timeouts.run_seconds,
    outputs: true,
    helpers: true,
  })
  if (parsed.success) return { ok: true, value: parsed.data }
  return { ok: false, problems: problemsOf(parsed.error.issues as ZodIssue[]).map(inDefinition) }
}

const own: Record<string, string> = {
  env: 'env',
  secret_env: 'secrets',
  timeout_seconds: 'timeouts.run_seconds',
  max_attempts: 'max_attempts',
  retry: 'retry',
}

/** The field of a job as the definition calls it. */
function inDefinition({ field, message }: FieldProblem): FieldProblem {
  const [first] = /^[^.[]+/.exec(field) ?? ['']
  return { field: own[first] === undefined ? `job.${field}` : own[first] + field.slice(first.length), message }
}

async function secretEnv(
  tx: Queryable,
  deps: Deps,
  { run, event, definition }: EventJobInput,
): Promise<Record<string, string>> {
  const listed = Object.entries(definition.secrets)
  if (listed.length === 0) return {}
  const names = listed.map(([, name]) => name)
  const values = await readSecrets(tx, deps, event.ownerId, names, `event_run:${run}`)
  return Object.fromEntries(listed.map(([variable, name]) => [variable, values[name]!]))
}

export function wrong(fields: readonly FieldProblem[]): AppError {
  const [first] = fields
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : ''
  return new AppError('invalid_argument', `${first!.field}: ${first!.message}${more}`, { fields: fields.slice(0, 100) })
}
