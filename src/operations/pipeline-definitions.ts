/** Pipelines that people store: put, looked at version by version, restored, deleted. Files are nobody's to change here. */
import { may } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import type { DefinitionProblem, PipelineDefinition } from '../job/pipeline.ts'
import { jobSpecSchema } from '../job/spec.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import {
  findVersion,
  lockPipeline,
  putDefinition,
  versionsOf,
  type PipelineHead,
} from '../pipelines/definition-store.ts'
import { cancelWaitingRuns } from '../pipelines/cancel-run.ts'
import { diffLines } from '../pipelines/diff.ts'
import { readApart } from '../pipelines/read-apart.ts'
import type { ReadDefinition } from '../pipelines/read-yaml.ts'
import { audited, type Detail } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { pipelineHooks } from './pipeline-hooks.ts'
import { getPipeline } from './pipelines.ts'
import { policyProblems } from './submit-policy.ts'

export interface PutPipelineInput {
  name: string
  /** YAML with exactly this pipeline in it. */
  source: string
  strict: boolean
  expected_version?: number
}

/** As the file of what came through the API is called in its problems. */
const sourceName = 'source'

const read = async (text: string, strict: boolean) => {
  const found = await readApart([{ path: sourceName, text }], { strict })
  return { ...found, problems: found.problems.map(({ pipeline: _pipeline, ...problem }) => problem) }
}

export async function checkPipelines(
  _deps: Deps,
  anyAsk: Ask,
  { source, strict }: { source: string; strict: boolean },
) {
  mayRead(anyAsk)
  const { pipelines, problems } = await read(source, strict)
  return { pipelines: pipelines.map(({ name, definition }) => ({ name, tasks: definition.tasks.length })), problems }
}

export async function putPipeline(deps: Deps, anyAsk: Ask, input: PutPipelineInput) {
  const ask = known(anyAsk)
  const { name, source } = input
  const found = await read(source, input.strict)
  await changing(deps, ask, { action: 'pipeline.put', name }, async (tx, head) => {
    const { definition, problems } = onlyOne(name, found)
    checkJobs(deps, name, definition)
    expectVersion(head, input.expected_version)
    return store(deps, ask, tx, { name, definition, source, problems, head })
  })
  return getPipeline(deps, ask, { name })
}

export async function restorePipeline(deps: Deps, anyAsk: Ask, { name, number }: { name: string; number: number }) {
  const ask = known(anyAsk)
  await changing(deps, ask, { action: 'pipeline.restore', name }, async (tx, head) => {
    const version = head === null ? null : await findVersion(tx, name, number)
    if (version === null) throw notFound('version of this pipeline')
    const { definition, source } = version
    // The rules may be others than they were then.
    checkJobs(deps, name, definition)
    const stored = await store(deps, ask, tx, { name, definition, source, problems: [], head })
    return { ...stored, restored: number }
  })
  return getPipeline(deps, ask, { name })
}

/** No new runs; those that wait are cancelled, those that run go on. */
export async function deletePipeline(deps: Deps, anyAsk: Ask, name: string): Promise<void> {
  const ask = known(anyAsk)
  await changing(deps, ask, { action: 'pipeline.delete', name }, async (tx, head) => {
    if (head === null || head.gone) throw notFound('pipeline')
    const { rows } = await tx.query<{ definition: PipelineDefinition }>(
      `update pipelines p set gone_at = now(), updated_at = now() from pipeline_versions v
       where p.id = $1 and v.pipeline_id = p.id and v.number = p.version returning v.definition`,
      [head.id],
    )
    await deps.schedulesChanged(tx, head.id, { ...rows[0]!.definition, schedules: [] })
    return { cancelled: await cancelWaitingRuns(tx, pipelineHooks(deps), head.id, 'its pipeline was deleted') }
  })
}

export async function pipelineVersions(
  deps: Deps,
  anyAsk: Ask,
  { name, cursor, limit }: { name: string; cursor?: string; limit: number },
) {
  mayRead(anyAsk)
  if (cursor !== undefined && !/^\d{1,9}$/.test(cursor)) {
    throw new AppError('invalid_argument', 'cursor: is not one of this list', {
      fields: [{ field: 'cursor', message: 'is not one of this list' }],
    })
  }
  const rows = await versionsOf(deps.db, name, cursor === undefined ? null : Number(cursor), limit + 1)
  if (rows.length === 0 && cursor === undefined) throw notFound('pipeline')
  const shown = rows.slice(0, limit)
  return {
    versions: shown.map(({ createdAt, createdBy, ...version }) => ({
      ...version,
      created_at: createdAt.toISOString(),
      created_by: createdBy,
    })),
    next_cursor: rows.length > limit ? String(shown.at(-1)!.number) : null,
  }
}

export async function pipelineDiff(
  deps: Deps,
  anyAsk: Ask,
  { name, from, to }: { name: string; from: number; to: number },
) {
  mayRead(anyAsk)
  const [before, after] = await Promise.all([findVersion(deps.db, name, from), findVersion(deps.db, name, to)])
  if (before === null || after === null) throw notFound('version of this pipeline')
  return { from, to, lines: diffLines(before.source, after.source) }
}

function mayRead(anyAsk: Ask): void {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'pipeline.read')) throw refusal(ask, 'pipeline.read', 'you may not see pipelines')
}

/** Locked, and the asker's to change; null when there is none of that name yet. */
async function changing(
  deps: Deps,
  ask: KnownAsk,
  { action, name }: { action: string; name: string },
  work: (tx: Queryable, head: PipelineHead | null) => Promise<Detail>,
): Promise<void> {
  await audited(deps, ask, { action, target: `pipeline:${name}` }, async (tx, note) => {
    if (!may(ask.principal, 'pipeline.change')) {
      throw refusal(ask, 'pipeline.change', 'your role may use pipelines, not change them')
    }
    const head = await lockPipeline(tx, name)
    if (head !== null && !head.gone) {
      if (head.path !== null) {
        throw new AppError('conflict', `pipeline ${name} is defined in ${head.path}: change it there`)
      }
      if (!may(ask.principal, 'pipeline.change', { ownerId: head.ownerId ?? '' })) {
        throw new AppError('permission_denied', 'only its owner and administrators change this pipeline')
      }
    }
    note(await work(tx, head))
  })
}

async function store(
  deps: Deps,
  { principal }: KnownAsk,
  tx: Queryable,
  { head, ...put }: Omit<ReadDefinition, 'path'> & { problems: DefinitionProblem[]; head: PipelineHead | null },
): Promise<Detail> {
  // Whoever stored it first stays its owner.
  const ownerId = head?.gone === false ? head.ownerId : principal.userId
  if (ownerId === null) throw new AppError('permission_denied', 'only people store pipelines')
  const stored = await putDefinition(tx, { ...put, from: { ownerId, username: principal.username } })
  if (stored.changed || stored.returned) await deps.schedulesChanged(tx, stored.pipelineId, put.definition)
  return { version: stored.version, changed: stored.changed, tasks: put.definition.tasks.length }
}

function expectVersion(head: PipelineHead | null, expected: number | undefined): void {
  const is = head === null || head.gone ? 0 : head.version
  if (expected === undefined || expected === is) return
  throw new AppError('conflict', `version ${is} is in force, not ${expected}: read it again, then store yours`)
}

function onlyOne(
  name: string,
  { pipelines, broken, problems }: Awaited<ReturnType<typeof read>>,
): ReadDefinition & { problems: DefinitionProblem[] } {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const there = [...pipelines, ...broken].map((each) => each.name)
  if (errors.length === 0 && (there.length !== 1 || there[0] !== name)) {
    const found = there.length === 0 ? 'none' : there.slice(0, 5).join(', ')
    throw wrong([{ field: 'source', message: `must have exactly the pipeline ${name} in it; there is ${found}` }])
  }
  if (errors.length > 0) {
    throw wrong(
      errors.map(({ line, column, path, message }) => ({
        field: path || 'source',
        message: `line ${line}, column ${column}: ${message}`,
      })),
    )
  }
  return { ...pipelines[0]!, problems }
}

/** What a job may ask for here: nobody else is asked when the task's turn comes. */
function checkJobs({ config }: Deps, name: string, { job, tasks }: PipelineDefinition): void {
  const problems = tasks.flatMap((task): FieldProblem[] => {
    const spec = jobSpecSchema.safeParse({ ...job, ...task.job, command: ['true'] })
    const found = spec.success ? policyProblems(spec.data, config) : problemsOf(spec.error.issues as ZodIssue[])
    return found.map(({ field, message }) => ({ field: `pipelines.${name}.tasks.${task.name}.${field}`, message }))
  })
  if (problems.length > 0) throw wrong(problems)
}

function wrong(fields: FieldProblem[]): AppError {
  const [first] = fields
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : ''
  return new AppError('invalid_argument', `${first!.field}: ${first!.message}${more}`, { fields: fields.slice(0, 100) })
}
