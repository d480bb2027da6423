/**
 * What a batch document means: template, matrix and defaults become jobs, each checked like a job of its own, schema
 * and policy together. Nothing is written here. In slices: 10,000 jobs are seconds of work that nobody else waits for.
 */
import { may } from '../access/permissions.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import { inSlices } from '../lib/slices.ts'
import type { BatchDocument, Notify } from '../job/batch-document.ts'
import { isFilled, membersOf, type Member } from '../job/batch-members.ts'
import { overTemplate } from '../job/batch-template.ts'
import { fill } from '../job/fill.ts'
import type { Combination } from '../job/matrix.ts'
import { jobSpecSchema, nameOf, specLimits, type JobSpec } from '../job/spec.ts'
import { noQueue } from '../queue/submit.ts'
import { missingChannels } from '../reactions/channels.ts'
import { artifactProblems } from './artifact-inputs.ts'
import { unknownParams } from './batch-params.ts'
import { findTemplate } from './batch-templates.ts'
import { known, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { policyProblems, type SubmitPolicy } from './submit-policy.ts'

export interface BatchRequest extends BatchDocument {
  /** `name` or `owner/name`; what is given here goes over what it has. */
  template?: string | undefined
}

export interface BatchPlan {
  name: string
  description: string | null
  specs: JobSpec[]
  /** By place: the values on the axes, of the jobs that a matrix made. */
  matrixOf: (Combination | undefined)[]
  notify: Notify[]
  /** `name`, or `owner/name` of somebody else's. */
  template: string | null
}

/** Of ten thousand wrong jobs nobody reads more. */
const mostFields = 1000

/** Throws `invalid_argument` with everything that is wrong, by index. */
export async function planBatch(deps: Deps, anyAsk: Ask, input: BatchRequest): Promise<BatchPlan> {
  const { document, template } = await documentOf(deps, knownSubmitter(anyAsk), input)
  const planned = await inSlices(plan(document, await surroundingsOf(deps, document)))
  if (planned.problems.count > 0) throw allRefused(planned.problems)
  return {
    name: planned.name,
    description: planned.description,
    specs: planned.jobs.map(({ spec }) => spec!),
    matrixOf: planned.jobs.map(({ matrix }) => matrix),
    notify: document.notify ?? [],
    template,
  }
}

export interface BatchPreview {
  total: number
  jobs: { index: number; name: string; command: string[]; matrix?: Combination }[]
  errors: FieldProblem[]
}

export async function previewBatch(
  deps: Deps,
  anyAsk: Ask,
  { limit = 100, ...input }: BatchRequest & { limit?: number },
): Promise<BatchPreview> {
  const ask = knownSubmitter(anyAsk)
  const { document } = await documentOf(deps, ask, input)
  const { jobs, problems } = await inSlices(plan(document, await surroundingsOf(deps, document)))
  const specs = jobs.map(({ spec = {} }) => spec)
  for (const problem of await artifactProblems(deps.db, ask, specs, (i) => `jobs[${i}].`)) problems.add(problem)
  return {
    total: jobs.length,
    jobs: jobs.slice(0, limit).map(({ raw, spec, matrix }, index) => ({
      index,
      name: spec === undefined ? textOf(raw.name) : nameOf(spec),
      command: spec?.command ?? textsOf(raw.command),
      ...(matrix && { matrix }),
    })),
    errors: problems.fields,
  }
}

/** Of a job that is refused, as far as it can be shown. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, specLimits.nameLength) : '')
const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []

function knownSubmitter(anyAsk: Ask): KnownAsk {
  const ask = known(anyAsk)
  if (may(ask.principal, 'batch.submit')) return ask
  throw refusal(ask, 'batch.submit', 'your role may look at batches, not submit them')
}

async function documentOf(
  deps: Deps,
  ask: KnownAsk,
  { template: reference, ...given }: BatchRequest,
): Promise<{ document: BatchDocument; template: string | null }> {
  if (reference === undefined) return { document: given, template: null }
  const { body, title } = await findTemplate(deps, ask, reference)
  const document = overTemplate(body, given)
  const wrong = [...(given.wrong ?? []), ...unknownParams(body, given, document)]
  return { document: { ...document, wrong }, template: title }
}

/** What a document can be wrong about that is not in it. */
interface Surroundings {
  policy: SubmitPolicy
  queues: ReadonlySet<string>
  channels: readonly FieldProblem[]
}

async function surroundingsOf({ db, config: policy }: Deps, { notify = [] }: BatchDocument): Promise<Surroundings> {
  const [{ rows }, channels] = await Promise.all([
    db.query<{ name: string }>('select name from queues'),
    missingChannels(
      db,
      notify.map(({ channel }) => channel),
    ),
  ])
  return { policy, queues: new Set(rows.map(({ name }) => name)), channels }
}

interface PlannedJob {
  raw: Record<string, unknown>
  matrix: Combination | undefined
  /** Missing when something is wrong with it. */
  spec?: JobSpec
}

function* plan(document: BatchDocument, around: Surroundings) {
  const problems = new Problems()
  for (const problem of document.wrong ?? []) problems.add(problem, true)
  const { name, description } = headOf(document, problems)
  const jobs: PlannedJob[] = []
  const found = yield* membersOf(document)
  for (const problem of found.problems) problems.add(problem)
  for (const member of found.members) {
    jobs.push(check(member, around, problems))
    yield
  }
  for (const problem of around.channels) problems.add(problem)
  return { name, description, jobs, problems }
}

function headOf(document: BatchDocument, problems: Problems): { name: string; description: string | null } {
  const { description = null, params = {} } = document
  if (document.name === undefined) {
    // One that was refused is told already.
    problems.add({ field: 'name', message: 'is required: what the batch is called' }, true)
    return { name: '', description }
  }
  if (!isFilled(document)) return { name: document.name, description }
  const filled = fill({ name: document.name, description }, { matrix: {}, params, index: 0 })
  for (const problem of filled.problems) problems.add(problem)
  const head = filled.value as { name: string; description: string | null }
  const length = head.name.trim().length
  if (filled.problems.length === 0 && (length === 0 || length > specLimits.nameLength)) {
    problems.add({ field: 'name', message: `has ${length} characters once filled in: 1 to ${specLimits.nameLength}` })
  }
  return { name: head.name.trim(), description: head.description }
}

function check(
  { raw, matrix, problems: unfilled, placeOf }: Member,
  { policy, queues }: Surroundings,
  problems: Problems,
): PlannedJob {
  const refuse = ({ field, message }: FieldProblem): void => {
    const place = placeOf(field)
    problems.add({ field: place.field, message: message + place.suffix }, place.shared)
  }
  for (const problem of unfilled) refuse(problem)
  if (unfilled.length > 0) return { raw, matrix }
  const parsed = jobSpecSchema.safeParse(raw)
  const wrong = parsed.success ? [] : problemsOf(parsed.error.issues)
  // The policy can be asked only of what is a job at all: of one that is wrong, what is left without the wrong fields.
  const rest = parsed.success ? parsed : jobSpecSchema.safeParse(withoutWrong(raw, wrong))
  const more = rest.success ? policyProblems(rest.data, policy) : problemsOf(rest.error.issues)
  if (rest.success && !queues.has(rest.data.queue)) more.push({ field: 'queue', message: noQueue(rest.data.queue) })
  const told = new Set(wrong.map(({ field }) => topOf(field)))
  wrong.push(...more.filter(({ field }) => !told.has(topOf(field))))
  for (const problem of wrong) refuse(problem)
  return parsed.success && wrong.length === 0 ? { raw, matrix, spec: parsed.data } : { raw, matrix }
}

const topOf = (field: string): string => field.split(/[.[]/)[0]!

function withoutWrong(raw: Record<string, unknown>, wrong: readonly FieldProblem[]): Record<string, unknown> {
  const rest = { ...raw }
  for (const { field } of wrong) delete rest[topOf(field)]
  return { command: ['-'], ...rest }
}

class Problems {
  readonly fields: FieldProblem[] = []
  count = 0
  readonly #shared = new Set<string>()

  /** `shared`: the same mistake is found in every job, and told once. */
  add(problem: FieldProblem, shared = false): void {
    if (shared) {
      if (this.#shared.has(problem.field)) return
      this.#shared.add(problem.field)
    }
    this.count += 1
    if (this.fields.length < mostFields) this.fields.push(problem)
  }
}

function allRefused({ fields, count }: Problems): AppError {
  const [first] = fields
  const untold = count - fields.length
  const more = count === 1 ? '' : ` (and ${count - 1} more${untold > 0 ? `, ${untold} of them not listed` : ''})`
  return new AppError('invalid_argument', `${first?.field}: ${first?.message}${more}`, { fields })
}
