/** Looking at pipelines. Everybody sees every definition; of runs, those that may be seen. */
import { may, scopeOf } from '../access/permissions.ts'
import { findPipeline, listPipelineRows } from '../pipelines/find-pipelines.ts'
import { problemsOfFiles } from '../pipelines/load-files.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { showPipeline, showPipelineDetail } from './show-pipeline.ts'

export interface ListPipelinesInput {
  search?: string
  source?: 'file' | 'stored'
  gone: boolean
  cursor?: string
  limit: number
}

export async function listPipelines(deps: Deps, anyAsk: Ask, input: ListPipelinesInput) {
  const ask = mayRead(anyAsk)
  const { cursor, limit, ...filter } = input
  const found = { ...filter, runsOf: runsOf(ask) }
  const [{ rows, nextCursor }, problems] = await Promise.all([
    listPipelineRows(deps.db, found, cursor ?? null, limit),
    cursor === undefined ? problemsOfFiles(deps.db) : [],
  ])
  return { pipelines: rows.map(showPipeline), next_cursor: nextCursor, problems }
}

/** One that is gone is still there to be read. */
export async function getPipeline(deps: Deps, anyAsk: Ask, { name, version }: { name: string; version?: number }) {
  const ask = mayRead(anyAsk)
  const found = await findPipeline(deps.db, name, { version, runsOf: runsOf(ask) })
  if (found === null) throw notFound(version === undefined ? 'pipeline' : 'version of this pipeline')
  return showPipelineDetail(found)
}

function mayRead(anyAsk: Ask): KnownAsk {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'pipeline.read')) throw refusal(ask, 'pipeline.read', 'you may not see pipelines')
  return ask
}

/** Whose runs the asker may see; undefined: everybody's. Nobody has the number 0. */
function runsOf({ principal }: KnownAsk): string | undefined {
  const scope = scopeOf(principal, 'pipeline_run.read')
  return scope === 'all' ? undefined : scope === 'own' ? (principal.userId ?? '0') : '0'
}
