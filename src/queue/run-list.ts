/**
 * Lists of batches, newest first. How a run stands is derived from its counters, so a search by status, and one by name or
 * time, looks at a bounded number of batches per page; open ones have an index of their own.
 */
import type { Queryable } from '../db/pool.ts'
import type { BatchWord } from '../job/status-word.ts'
import { runColumns, runTables, type RunRow } from './runs.ts'

export interface RunFilter {
  ownerId?: string
  status?: BatchWord[]
  /** Part of the name, any case. */
  name?: string
  /** Created at or after. */
  since?: Date
  /** Created before. */
  until?: Date
  /** Public id of the run that they repeat. */
  rerunOf?: string
}

export interface RunPage {
  rows: RunRow[]
  nextCursor: string | null
}

/** Runs that one page of a search looks at: each costs the sum of its counters, 0.03 ms. */
const lookAtMost = 2_000

/** As `listJobs`: a page of a search may have fewer rows than asked for, even none, and still a `nextCursor`. */
export async function listRuns(
  db: Queryable,
  filter: RunFilter,
  cursor: string | null,
  limit: number,
  atMost = lookAtMost,
): Promise<RunPage> {
  const { ownerId, status, name, since, until, rerunOf } = filter
  const search = status !== undefined || name !== undefined || since !== undefined || until !== undefined
  const looked = search ? Math.max(atMost, limit + 1) : limit + 1
  const { rows } = await db.query<RunRow & { stopped: string | null }>({
    text: `
      with looked as materialized (
        select id from ${among(rerunOf)} where kind = 'batch' and id < $1::bigint and ($2::bigint is null or owner_id = $2)
          ${onlyOpen(status) ? 'and ended_at is null' : ''}
        order by id desc limit $3::int
      ), stopped as (
        select case when count(*) = $3::int then min(id) end as id from looked
      ), page as (
        select ${runColumns} from looked join ${runTables} on r.id = looked.id
        where ($4::text is null or r.name ilike $4) and ($5::timestamptz is null or r.created_at >= $5)
          and ($6::timestamptz is null or r.created_at < $6) and ($7::text[] is null or ${statusOf} = any($7))
        order by looked.id desc limit $8::int
      )
      select page.*, stopped.id as stopped from stopped left join page on true order by page.key desc`,
    values: [
      cursor !== null && /^[0-9]{1,18}$/.test(cursor) ? cursor : String(2n ** 63n - 1n),
      ownerId ?? null,
      looked,
      name === undefined ? null : `%${name.replaceAll(/[\\%_]/g, '\\$&')}%`,
      since ?? null,
      until ?? null,
      status ?? null,
      limit + 1,
      ...(rerunOf === undefined ? [] : [rerunOf]),
    ],
  })
  const runs = rows.flatMap(({ stopped: _stopped, ...row }) => (row.key ? [row as RunRow] : []))
  const page = runs.slice(0, limit)
  return { rows: page, nextCursor: runs.length > limit ? page.at(-1)!.key : (rows[0]?.stopped ?? null) }
}

/** Found by index first: else the planner would read all runs from the newest on until it has met enough of these. */
const among = (rerunOf: string | undefined): string =>
  rerunOf === undefined ? 'runs' : '(select id, kind, owner_id, ended_at from runs where rerun_of = $9 offset 0) runs'

const onlyOpen = (status: BatchWord[] | undefined): boolean =>
  status !== undefined && status.every((word) => word === 'waiting' || word === 'running')

/** `runStatus` (job/run-status.ts) in SQL; a test holds them together. */
const statusOf = `case
  when r.ended_at is null then case when c.running + c.passed + c.failed > 0 then 'running' else 'waiting' end
  when c.failed > 0 then 'failed' when c.passed < c.total then 'cancelled' else 'passed' end`
