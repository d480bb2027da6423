/** Reading the audit log. Filters have no index, which every submit would pay for: an answer looks at a part of the rows. */
import type { Queryable } from '../db/pool.ts'

export interface AuditFilter {
  actor?: string
  /** `noun.verb`, or `noun.` for all of a noun. */
  action?: string
  target?: string
  result?: 'done' | 'refused'
  since?: Date
  until?: Date
}

export interface AuditListRow {
  id: string
  at: Date
  actorKind: string
  actor: string
  action: string
  target: string | null
  result: 'done' | 'refused'
  detail: unknown
  address: string | null
  seq: string | null
}

/** Rows that one answer looks at: some 40 ms when none of them fits. */
const lookedAt = 50_000

const columns = `a.id, a.at, a.actor_kind as "actorKind", a.actor, a.action, a.target, a.result, a.detail, a.address,
  (select s.seq from audit_seals s where s.audit_id = a.id) as seq`

/** A name as accounts are compared: in any case. `starts_with` takes the prefix as it is, whatever is in it. */
const fits = `($2::text is null or lower(a.actor) = lower($2))
  and ($3::text is null or a.action = $3 or ($3 like '%.' and starts_with(a.action, $3)))
  and ($4::text is null or a.target = $4) and ($5::text is null or a.result = $5)
  and ($6::timestamptz is null or a.at >= $6) and ($7::timestamptz is null or a.at < $7)`

const valuesOf = (filter: AuditFilter): unknown[] => [
  filter.actor ?? null,
  filter.action ?? null,
  filter.target ?? null,
  filter.result ?? null,
  filter.since ?? null,
  filter.until ?? null,
]

/** Newest first. An answer may be empty and still have a `nextCursor`: nothing that fits in the part it looked at. */
export async function listAudit(
  db: Queryable,
  filter: AuditFilter,
  page: { cursor?: string; limit: number },
  part = lookedAt,
): Promise<{ rows: AuditListRow[]; nextCursor: string | null }> {
  const { rows } = await db.query<AuditListRow & { low: string | null }>(
    `with part as materialized (
       select min(id) as low from (
         select id from audit_log where $1::bigint is null or id < $1 order by id desc limit $9
       ) looked
     )
     select part.low, found.* from part left join lateral (
       select ${columns} from audit_log a
       where a.id >= part.low and ($1::bigint is null or a.id < $1) and ${fits} order by a.id desc limit $8
     ) found on true`,
    [page.cursor ?? null, ...valuesOf(filter), page.limit + 1, part],
  )
  const low = rows[0]?.low ?? null
  const found = rows.filter((row) => row.id !== null).map(({ low: _low, ...row }) => row)
  const shown = found.slice(0, page.limit)
  if (found.length > page.limit) return { rows: shown, nextCursor: shown.at(-1)!.id }
  if (low === null || (await isOver(db, low, filter.since))) return { rows: shown, nextCursor: null }
  return { rows: shown, nextCursor: low }
}

/** Nothing is older, or nothing older is wanted: rows are a moment out of order at the most. */
async function isOver(db: Queryable, low: string, since: Date | undefined): Promise<boolean> {
  const { rows } = await db.query<{ over: boolean }>(
    `select not exists (
       select from audit_log a where a.id < $1 and ($2::timestamptz is null or exists (
         select from audit_log b where b.id = $1 and b.at >= $2 - interval '10 minutes'))
     ) as over`,
    [low, since ?? null],
  )
  return rows[0]!.over
}

/** Oldest first, in pages: all that fit and were there when it began. */
export async function* walkAudit(db: Queryable, filter: AuditFilter): AsyncGenerator<AuditListRow[]> {
  const { rows: end } = await db.query<{ last: string }>('select coalesce(max(id), 0) as last from audit_log')
  const last = end[0]!.last
  let after = '0'
  for (;;) {
    const { rows } = await db.query<AuditListRow & { high: string | null }>(
      `with part as materialized (
         select max(id) as high from (
           select id from audit_log where id > $1 and id <= $8 order by id limit 2000
         ) looked
       )
       select part.high, found.* from part left join lateral (
         select ${columns} from audit_log a where a.id > $1 and a.id <= part.high and ${fits} order by a.id
       ) found on true`,
      [after, ...valuesOf(filter), last],
    )
    const high = rows[0]?.high
    if (high === null || high === undefined) return
    const found = rows.filter((row) => row.id !== null)
    if (found.length > 0) yield found
    after = high
  }
}

/** Undefined: there is no such seal. */
export async function sealHash(db: Queryable, seq: string): Promise<string | undefined> {
  const { rows } = await db.query<{ hash: Buffer }>('select hash from audit_seals where seq = $1', [seq])
  return rows[0]?.hash.toString('hex')
}
