/**
 * Lists of jobs, newest first, that answer quickly whatever is stored: a list of one kind of jobs (owner, queue, state)
 * reads the newest of each kind by index, and a search by name, label or time looks at a bounded number of jobs per page.
 */
import type { Queryable } from '../db/pool.ts'
import type { JobState } from '../job/state.ts'
import { jobColumns, jobTables, type JobRow } from './job-row.ts'
import { totals } from './totals.ts'

export interface JobFilter {
  ids?: string[]
  state?: JobState[]
  queue?: string
  /** Any queue but this. */
  notQueue?: string
  /** Part of the name, any case. */
  name?: string
  ownerId?: string
  /** Created at or after. */
  since?: Date
  /** Created before. */
  until?: Date
  rerunOf?: string
  /** Members of one run. */
  runKey?: string
  /** `k=v`, all of them. */
  labels?: string[]
  executor?: string
  /** Name of a host that it runs on. */
  host?: string
}

export interface JobPage {
  rows: JobRow[]
  nextCursor: string | null
}

/** Jobs that one page of a search looks at. */
const lookAtMost = 50_000

/**
 * A cursor is the `nextCursor` of an earlier answer; anything else begins at the newest. A page of a search by name, label
 * or time may have fewer rows than asked for, even none, and still a `nextCursor`: there is more to look at.
 */
export async function listJobs(
  db: Queryable,
  filter: JobFilter,
  cursor: string | null,
  limit: number,
  look: { atMost: number } = { atMost: lookAtMost },
): Promise<JobPage> {
  const query = new Parameters()
  const before = query.value(cursor !== null && /^[0-9]{1,18}$/.test(cursor) ? cursor : String(2n ** 63n - 1n))
  const wanted = query.value(limit + 1)
  const few = filter.ids !== undefined || filter.rerunOf !== undefined || filter.runKey !== undefined
  const found = few
    ? amongFew(filter, query, { before, wanted })
    : amongMany(filter, query, { before, wanted, atMost: look.atMost })
  const { rows } = await db.query<Partial<JobRow> & { end: string | null }>(
    `${found}
     select known.until as end, shown.* from known left join (
       select ${jobColumns}, j.spec - 'payload' as spec, null as "envSealed"
       from ${jobTables} join page on page.id = j.id
     ) shown on true order by shown."jobKey" desc`,
    query.values,
  )
  const jobs = rows.flatMap(({ end: _end, ...row }) => (row.jobKey ? [row as JobRow] : []))
  const page = jobs.slice(0, limit)
  return { rows: page, nextCursor: jobs.length > limit ? page.at(-1)!.jobKey : (rows[0]?.end ?? null) }
}

/** Collects the parameters of a statement. */
class Parameters {
  readonly values: unknown[] = []

  value(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }

  /** The conditions whose value is there, joined; `true` when there is none. */
  all(...parts: [value: unknown, condition: (parameter: string) => string][]): string {
    const given = parts.filter(([value]) => value !== undefined)
    return given.map(([value, condition]) => condition(this.value(value))).join(' and ') || 'true'
  }

  /** What no index answers. */
  slow({ name, since, until, labels, notQueue, executor, host }: JobFilter): string {
    return this.all(
      [name && `%${name.replaceAll(/[\\%_]/g, '\\$&')}%`, (p) => `name ilike ${p}`],
      [since, (p) => `created_at >= ${p}`],
      [until, (p) => `created_at < ${p}`],
      [notQueue, (p) => `queue_id is distinct from (select id from queues where name = ${p})`],
      [labels, (p) => `labels @> ${p}::text[]`],
      [executor, (p) => `spec->>'executor' = ${p}`],
      [host, (p) => `spec->'hosts' ? ${p}`],
    )
  }

  kind({ ownerId, queue, state }: JobFilter): string {
    return this.all(
      [ownerId, (p) => `owner_id = ${p}::bigint`],
      [queue, (p) => `queue_id = (select id from queues where name = ${p})`],
      [state, (p) => `state = any(${p}::text[])`],
    )
  }
}

interface Place {
  before: string
  /** One row more than the page has: whether there is a next one. */
  wanted: string
}

/**
 * Named jobs, the reruns of one job, or the members of a run: found by index, then filtered. Apart from the order: else
 * the planner would read all jobs from the newest on until it has met enough of these.
 */
function amongFew(filter: JobFilter, query: Parameters, { before, wanted }: Place): string {
  const which = query.all(
    [filter.ids, (p) => `public_id = any(${p}::text[])`],
    [filter.rerunOf, (p) => `rerun_of = ${p}`],
    [filter.runKey, (p) => `run_id = ${p}::bigint`],
  )
  return `
    with found as materialized (
      select id from jobs where ${which} and ${query.kind(filter)} and ${query.slow(filter)} and id < ${before}::bigint
    ), page as materialized (
      select id from found order by id desc limit ${wanted}::int
    ), known as (select null::bigint as until)`
}

/**
 * The newest of all jobs, or of each kind that the filter lets through, merged. Each stream is followed up to its share
 * of the look; nothing is known below the highest place where one of them stopped, so the page ends there.
 */
function amongMany(
  filter: JobFilter,
  query: Parameters,
  { before, wanted, atMost }: Place & { atMost: number },
): string {
  const kind = query.kind(filter)
  const slow = query.slow(filter)
  const share =
    slow === 'true'
      ? `${wanted}::int`
      : `(select greatest(${wanted}::int, ${query.value(atMost)}::int / n) from streams)`
  const stream = kind === 'true' ? allJobs(before) : jobsOfKind(before)
  return `
    with kinds as materialized (
      ${kind === 'true' ? 'select 1' : `select owner_id, queue_id, state from ${totals} t where ${kind} group by 1, 2, 3 having sum(jobs) > 0`}
    ), streams as materialized (
      select greatest(count(*), 1)::int as n from kinds
    ), looked as materialized (
      select found.ids, case when cardinality(found.ids) >= ${wanted}::int then found.ids[${wanted}::int]
        else (select id from ${stream} offset ${share} - 1 limit 1) end as stopped
      from kinds cross join lateral (
        select array(
          select id from (select id, name, created_at, labels, queue_id, spec from ${stream} limit ${share}) seen
          where ${slow} limit ${wanted}::int
        ) as ids
      ) found
    ), known as materialized (
      select max(stopped) as until from looked
    ), page as materialized (
      select id from looked, unnest(ids) as id, known where id >= coalesce(until, 0) order by id desc limit ${wanted}::int
    )`
}

const allJobs = (before: string): string => `jobs where id < ${before}::bigint order by id desc`

/**
 * Written as a comparison of whole rows, so that no index fits but `jobs_kind`: the planner would rather read all jobs
 * from the newest on, which is a bet that some of this kind are among the first.
 */
const jobsOfKind = (before: string): string => `jobs
  where (owner_id, queue_id, state, id) < (kinds.owner_id, kinds.queue_id, kinds.state, ${before}::bigint)
    and (owner_id, queue_id, state, id) > (kinds.owner_id, kinds.queue_id, kinds.state, 0::bigint)
  order by owner_id desc, queue_id desc, state desc, id desc`
