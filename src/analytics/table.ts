/** One row for each event, pipeline or user, with all of them together. */
import type { Queryable } from '../db/pool.ts'
import { eventsRan, jobsRan, numbers, pipelinesRan } from './ran.ts'

export interface Numbers {
  runs: number
  succeeded: number
  failed: number
  cancelled: number
  /** Of those that succeeded or failed; null: there are none. */
  success_rate: number | null
  duration_p50_ms: number | null
  duration_p95_ms: number | null
  wait_p50_ms: number | null
  wait_p95_ms: number | null
  cpu_ms: number
  memory_max_bytes: number | null
}

export interface TableRow extends Numbers {
  id: string | null
  name: string
  last_at: Date | null
}

export type By = 'event' | 'pipeline' | 'user'
export type Sort = 'runs' | 'failed' | 'success_rate' | 'duration_p95' | 'wait_p95' | 'cpu'

const sources = { event: eventsRan, pipeline: pipelinesRan, user: jobsRan }
/** Beside `t`, whose `key` it names. */
const names = {
  event: { table: 'events', id: 'n.public_id', name: 'n.name' },
  pipeline: { table: 'pipelines', id: 'null::text', name: 'n.name' },
  user: { table: 'users', id: 'null::text', name: 'n.username' },
}
/** What is worst comes first. */
const orders: Record<Sort, string> = {
  runs: 'runs desc',
  failed: 'failed desc',
  success_rate: 'success_rate asc nulls last',
  duration_p95: 'took[2] desc nulls last',
  wait_p95: 'waited[2] desc nulls last',
  cpu: 'cpu_ms desc',
}

export interface TableFilter {
  /** Undefined: everybody's. */
  ownerId?: string | undefined
  days: number
  by: By
  sort: Sort
  limit: number
  /** Part of the name. */
  search?: string | undefined
  /** Only those that failed at all. */
  failing?: boolean
}

export async function analyticsTable(
  db: Queryable,
  { ownerId, days, by, sort, limit, search, failing = false }: TableFilter,
): Promise<{ total: Numbers; rows: TableRow[] }> {
  const { table, id, name } = names[by]
  const { rows } = await db.query<TableRow & { all: boolean }>(
    `with ran as (
       select ran.* from (${sources[by]}) ran
       where $3::text is null or ran.key in (select n.id from ${table} n where ${name} ilike $3)
     ), summed as (
       select key, grouping(key) = 1 as all, ${numbers}, max(ended_at) as last_at from ran group by grouping sets ((key), ())
     ), ranked as (
       select *, row_number() over (partition by "all" order by ${orders[sort]}, runs desc, key) as place from summed
       ${failing ? 'where failed > 0 or "all"' : ''}
     )
     select ${id} as id, coalesce(${name}, '') as name, t.*, took[1] as duration_p50_ms, took[2] as duration_p95_ms,
       waited[1] as wait_p50_ms, waited[2] as wait_p95_ms
     from ranked t left join ${table} n on n.id = t.key
     where place <= $4::int order by "all" desc, place`,
    [days, ownerId ?? null, search === undefined ? null : `%${search.replaceAll(/[\\%_]/g, '\\$&')}%`, limit],
  )
  const [total, ...each] = rows
  return {
    total: pick(total!),
    rows: each.map((row) => ({ ...pick(row), id: row.id, name: row.name, last_at: row.last_at })),
  }
}

const pick = (row: Numbers): Numbers => ({
  ...{ runs: row.runs, succeeded: row.succeeded, failed: row.failed, cancelled: row.cancelled },
  ...{ success_rate: row.success_rate, duration_p50_ms: row.duration_p50_ms, duration_p95_ms: row.duration_p95_ms },
  ...{ wait_p50_ms: row.wait_p50_ms, wait_p95_ms: row.wait_p95_ms, cpu_ms: row.cpu_ms },
  memory_max_bytes: row.memory_max_bytes,
})
