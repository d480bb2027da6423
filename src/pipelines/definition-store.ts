/** Definitions as the database has them: one row for each name, all its versions, one of them in force. */
import { createHash } from 'node:crypto'
import type { Queryable } from '../db/pool.ts'
import type { DefinitionProblem, PipelineDefinition } from '../job/pipeline.ts'
import { AppError } from '../lib/app-error.ts'
import type { PipelineRef } from './run.ts'

/**
 * Whose root it is depends on the version: one that a person stored must not run in a project's directory because a
 * file has its name now.
 */
const ref = `select p.id as "pipelineId", p.name, v.id as "versionId", v.number as version, v.definition,
  case when v.created_by is null then p.root end as root
  from pipelines p join pipeline_versions v on v.pipeline_id = p.id`

/** Null: nobody stored it, no file has it, or it is gone. */
export async function pipelineInForce(db: Queryable, name: string): Promise<PipelineRef | null> {
  const { rows } = await db.query<PipelineRef>({
    name: 'pipelines_in_force',
    text: `${ref} and v.number = p.version where p.name = $1 and p.gone_at is null`,
    values: [name],
  })
  return rows[0] ?? null
}

/** That very version, in force or not. */
export async function versionOf(db: Queryable, versionId: string): Promise<PipelineRef> {
  const { rows } = await db.query<PipelineRef>({
    name: 'pipelines_version',
    text: `${ref} where v.id = $1`,
    values: [versionId],
  })
  if (rows[0] === undefined) throw new AppError('internal', `there is no version ${versionId} of a pipeline`)
  return rows[0]
}

export interface PutDefinition {
  name: string
  definition: PipelineDefinition
  /** As it was written. */
  source: string
  /** Where it is from: a file below a root, or somebody who stored it. */
  from: { path: string; root: string } | { ownerId: string; username: string }
  /** Warnings; those of an earlier source are forgotten. */
  problems?: DefinitionProblem[]
}

export interface StoredDefinition {
  pipelineId: string
  versionId: string
  version: number
  /** False: the same content was in force. */
  changed: boolean
  /** It was in force before, and gone until now. */
  returned: boolean
}

/** What else is to be done in the transaction that puts another definition in force, or none any more. */
export type SchedulesChanged = (tx: Queryable, pipelineId: string, definition: PipelineDefinition) => Promise<void>

/**
 * In force from now on; a new version only when the content is another. Locks the pipeline's row. A name that is in
 * force from elsewhere is a `conflict`: a person does not take it from a file, nor a file from a person or a directory
 * that is loaded too.
 */
export async function putDefinition(tx: Queryable, put: PutDefinition): Promise<StoredDefinition> {
  const { name, definition, source, from, problems = [] } = put
  const file = 'path' in from
  // The update locks the row that is there already.
  await tx.query(
    `insert into pipelines (name, source, path, version) values ($1, $2, $3, 0)
     on conflict (name) do update set version = pipelines.version`,
    [name, file ? 'file' : 'stored', file ? from.path : null],
  )
  const row = await rowOf(tx, name)
  if (!row.gone && row.version > 0) refuseTaken(name, row, from)
  const hash = hashOf(definition)
  const same = row.versionId !== null && row.hash === hash && row.ofFile === file
  const version = same ? row.version : row.newest + 1
  const versionId = same
    ? row.versionId!
    : await newVersion(tx, [row.id, version, hash, JSON.stringify(definition), source, file ? null : from.username])
  await tx.query(
    `update pipelines set source = $2, path = $3, root = $4, owner_id = $5, version = $6, problems = $7, gone_at = null,
       updated_at = case when $8 or gone_at is not null then now() else updated_at end
     where id = $1`,
    [
      ...[row.id, file ? 'file' : 'stored', file ? from.path : null, file ? from.root : null],
      ...[file ? null : from.ownerId, version, JSON.stringify(problems), !same],
    ],
  )
  return { pipelineId: row.id, versionId, version, changed: !same, returned: row.gone }
}

interface LockedRow {
  id: string
  version: number
  newest: number
  versionId: string | null
  hash: string | null
  ofFile: boolean
  gone: boolean
  path: string | null
  root: string | null
  /** A server loads that root. */
  loaded: boolean
  owner: string | null
}

/** In a statement of its own: one that waits for a lock does not see versions that were added meanwhile. */
async function rowOf(tx: Queryable, name: string): Promise<LockedRow> {
  const { rows } = await tx.query<LockedRow>(
    `select p.id, p.version, v.id as "versionId", v.hash, v.created_by is null as "ofFile", p.gone_at is not null as gone,
       p.path, p.root, exists (select from pipeline_roots r where r.root = p.root) as loaded,
       (select username from users u where u.id = p.owner_id) as owner,
       (select coalesce(max(number), 0)::int from pipeline_versions where pipeline_id = p.id) as newest
     from pipelines p left join pipeline_versions v on v.pipeline_id = p.id and v.number = p.version
     where p.name = $1`,
    [name],
  )
  return rows[0]!
}

function refuseTaken(name: string, row: LockedRow, from: PutDefinition['from']): void {
  const file = 'path' in from
  if (row.path === null) {
    if (file)
      throw new AppError(
        'conflict',
        `a pipeline ${name} was stored by ${row.owner ?? 'somebody'}: delete it or rename this one`,
      )
  } else if (!file) {
    throw new AppError(
      'conflict',
      `pipeline ${name} is defined in ${row.path}: change it there, or choose another name`,
    )
  } else if (row.root !== from.root && row.path !== from.path && row.loaded) {
    throw new AppError('conflict', `${name} is in ${row.path} too, which is loaded: rename one of the two`)
  }
}

/** Beside those that runs were made with: a file that is written every minute would fill the database otherwise. */
const mostVersions = 200

async function newVersion(tx: Queryable, values: [string, number, ...unknown[]]): Promise<string> {
  const { rows } = await tx.query<{ id: string }>(
    `insert into pipeline_versions (pipeline_id, number, hash, definition, source, created_by)
     values ($1, $2, $3, $4, $5, $6) returning id`,
    values,
  )
  await tx.query(
    `delete from pipeline_versions v where pipeline_id = $1 and number <= $2
       and not exists (select from pipeline_runs where version_id = v.id)`,
    [values[0], values[1] - mostVersions],
  )
  return rows[0]!.id
}

export interface PipelineHead {
  id: string
  version: number
  ownerId: string | null
  /** Of a file. */
  path: string | null
  gone: boolean
}

/** Locks the row: whoever decides by it what becomes of the pipeline. Null: there is none of that name. */
export async function lockPipeline(tx: Queryable, name: string): Promise<PipelineHead | null> {
  const { rows } = await tx.query<PipelineHead>(
    `select id, version, owner_id as "ownerId", path, gone_at is not null as gone from pipelines where name = $1 for no key update`,
    [name],
  )
  return rows[0] ?? null
}

export interface VersionRow {
  number: number
  createdAt: Date
  /** Null: read from a file. */
  createdBy: string | null
  tasks: number
  current: boolean
}

/** Newest first; `before` is a number. */
export async function versionsOf(
  db: Queryable,
  name: string,
  before: number | null,
  limit: number,
): Promise<VersionRow[]> {
  const { rows } = await db.query<VersionRow>(
    `select v.number, v.created_at as "createdAt", v.created_by as "createdBy", v.number = p.version as current,
       json_array_length(v.definition->'tasks') as tasks
     from pipelines p join pipeline_versions v on v.pipeline_id = p.id
     where p.name = $1 and ($2::int is null or v.number < $2) order by v.number desc limit $3`,
    [name, before, limit],
  )
  return rows
}

export interface StoredVersion {
  number: number
  definition: PipelineDefinition
  source: string
}

export async function findVersion(db: Queryable, name: string, number: number): Promise<StoredVersion | null> {
  const { rows } = await db.query<StoredVersion>(
    `select v.number, v.definition, v.source from pipelines p join pipeline_versions v on v.pipeline_id = p.id
     where p.name = $1 and v.number = $2`,
    [name, number],
  )
  return rows[0] ?? null
}

/** The order of keys is no content, but that of the parameters: forms ask for them in it. */
const hashOf = (definition: PipelineDefinition): string =>
  createHash('sha256')
    .update(JSON.stringify({ ...definition, parameters: Object.entries(definition.parameters) }, inOrder))
    .digest('hex')

const inOrder = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
