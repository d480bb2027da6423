/** Pipelines as they are listed: what is in force, how many of its runs are open, what ran last. */
import type { Queryable } from '../db/pool.ts'
import type { DefinitionProblem, Parameter, PipelineDefinition } from '../job/pipeline.ts'
import type { AdmissionRules } from './admission.ts'
import { statusOfRun, type LastRun } from './find-runs.ts'

/** The part of a definition that a list shows. */
export type ListedDefinition = Pick<PipelineDefinition, 'description'> & AdmissionRules

export interface PipelineRow {
  key: string
  name: string
  source: 'file' | 'stored'
  path: string | null
  /** Username of who stored it. */
  owner: string | null
  ownerId: string | null
  version: number
  versionId: string
  problems: DefinitionProblem[]
  goneAt: Date | null
  createdAt: Date
  updatedAt: Date
  definition: ListedDefinition
  parameters: Record<string, Parameter>
  tasks: number
  running: number
  waiting: number
  lastRun: LastRun | null
  /** Up to ten, newest first. */
  lastRuns: LastRun[]
  schedules: number
  nextRunAt: Date | null
}

const columns = `p.id as key, p.name, p.source, p.path, u.username as owner, p.owner_id as "ownerId", v.number as version,
  v.id as "versionId", p.problems, p.gone_at as "goneAt", p.created_at as "createdAt", p.updated_at as "updatedAt",
  v.definition::jsonb - '{tasks,parameters,schedules,env,on_error,job,notify}'::text[] as definition,
  v.definition->'parameters' as parameters, json_array_length(v.definition->'tasks') as tasks,
  open.running, open.waiting, last.runs->0 as "lastRun", last.runs as "lastRuns", coalesce(s.schedules, 0) as schedules, s.next as "nextRunAt"`

/** The last runs that this owner may see. */
const tables = (owner: string): string => `pipelines p left join users u on u.id = p.owner_id
  cross join lateral (
    select count(*) filter (where state = 'running')::int as running, count(*) filter (where state = 'waiting')::int as waiting
    from pipeline_runs where pipeline_id = p.id and state <> 'ended'
  ) open
  cross join lateral (
    select coalesce(jsonb_agg(run order by key desc), '[]') as runs from (
      select pr.run_id as key, jsonb_build_object(
        'id', r.public_id, 'status', ${statusOfRun}, 'createdAt', r.created_at, 'endedAt', r.ended_at) as run
      from pipeline_runs pr join runs r on r.id = pr.run_id
      where pr.pipeline_id = p.id and (${owner}::bigint is null or r.owner_id = ${owner})
      order by pr.run_id desc limit 10
    ) newest
  ) last
  left join lateral (
    select count(*)::int as schedules, min(next_at) filter (where enabled) as next from schedules
    where pipeline_id = p.id
  ) s on true`

export interface PipelineFilter {
  /** Part of the name or description, any case. */
  search?: string
  source?: 'file' | 'stored'
  gone?: boolean
  /** Whose runs may be shown; undefined: everybody's. */
  runsOf?: string
}

/** In the order of the bytes of their names, as prunner has them; the cursor is the last name. */
export async function listPipelineRows(
  db: Queryable,
  { search, source, gone = false, runsOf }: PipelineFilter,
  cursor: string | null,
  limit: number,
): Promise<{ rows: PipelineRow[]; nextCursor: string | null }> {
  const { rows } = await db.query<PipelineRow>({
    name: 'pipelines_list',
    text: `with page as materialized (
        select p.id from pipelines p join pipeline_versions v on v.pipeline_id = p.id and v.number = p.version
        where p.name collate "C" > $1 and ($2::text is null or p.name ilike $2 or v.definition->>'description' ilike $2)
          and ($3::text is null or p.source = $3) and ($4 or p.gone_at is null)
        order by p.name collate "C" limit $5
      )
      select ${columns} from page join ${tables('$6')} on p.id = page.id
      join pipeline_versions v on v.pipeline_id = p.id and v.number = p.version
      order by p.name collate "C"`,
    values: [
      cursor ?? '',
      search === undefined ? null : `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`,
      source ?? null,
      gone,
      limit + 1,
      runsOf ?? null,
    ],
  })
  const page = rows.slice(0, limit)
  return { rows: page, nextCursor: rows.length > limit ? page.at(-1)!.name : null }
}

export interface PipelineWithSource {
  row: PipelineRow
  full: PipelineDefinition
  sourceText: string
}

/** With the version in force, or that one; gone ones too. */
export async function findPipeline(
  db: Queryable,
  name: string,
  { version, runsOf }: { version?: number; runsOf?: string },
): Promise<PipelineWithSource | null> {
  const { rows } = await db.query<PipelineRow & { full: PipelineDefinition; sourceText: string }>({
    name: 'pipelines_find',
    text: `select ${columns}, v.definition as full, v.source as "sourceText"
      from ${tables('$3')} join pipeline_versions v on v.pipeline_id = p.id and v.number = coalesce($2, p.version)
      where p.name = $1`,
    values: [name, version ?? null, runsOf ?? null],
  })
  if (rows[0] === undefined) return null
  const { full, sourceText, ...row } = rows[0]
  return { row, full, sourceText }
}
