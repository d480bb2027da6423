/** Incidents that are over by themselves: enough successes in a row, or quiet for long enough. */
import type { Db, Queryable } from '../db/pool.ts'
import { incidentColumns, tellOf, type IncidentRow, type TellIncidents } from './open-incidents.ts'
import { incidentRules, type IncidentRules } from './rules.ts'
import { readSource } from './source.ts'
import { addEntry } from './timeline.ts'

const perPass = 200

interface OpenRow extends IncidentRow {
  lastAt: Date
  quiet: boolean
}

/** One pass; returns how many it closed. Each in a transaction of its own. */
export async function closeIncidents(db: Db, tell: TellIncidents): Promise<number> {
  const rules = await incidentRules(db)
  let closed = 0
  let after = '0'
  for (;;) {
    const keys = await db.query<{ id: string }>(
      `select id from incidents where closed_at is null and id > $1 order by id limit ${perPass}`,
      [after],
    )
    for (const { id } of keys.rows) if (await db.tx((tx) => closeIfOver(tx, id, rules, tell))) closed++
    if (keys.rows.length < perPass) return closed
    after = keys.rows.at(-1)!.id
  }
}

async function closeIfOver(tx: Queryable, key: string, rules: IncidentRules, tell: TellIncidents): Promise<boolean> {
  const { rows } = await tx.query<OpenRow>({
    name: 'incident_to_close',
    text: `select *, "lastAt" < now() - make_interval(secs => $2) as quiet from (
        select ${incidentColumns}, greatest((select last_at from failure_groups g where g.id = i.group_id),
          (select max(at) from incident_entries e where e.incident_id = i.id and e.kind in ('opened', 'reopened')))
          as "lastAt"
        from incidents i where i.id = $1 and closed_at is null for update of i skip locked
      ) open`,
    values: [key, rules.close_after_seconds],
  })
  const [row] = rows
  if (row === undefined) return false
  const wanted = rules.close_after_successes
  const succeeded = row.quiet ? 0 : await successesSince(tx, row, wanted)
  if (!row.quiet && succeeded < wanted) return false
  const text = row.quiet
    ? `no failure of this kind for ${hours(rules.close_after_seconds)}`
    : `succeeded ${wanted === 1 ? 'once' : `${wanted} times in a row`}`
  await closeIncident(tx, row, { text, by: null }, tell)
  return true
}

/** `by`: username; null: by itself. The row is locked. */
export async function closeIncident(
  tx: Queryable,
  row: IncidentRow,
  { text, by }: { text: string; by: string | null },
  tell: TellIncidents,
): Promise<void> {
  await tx.query(`update incidents set state = 'closed', closed_at = now(), closed_by = $2 where id = $1`, [
    row.key,
    by,
  ])
  if (by === null) await addEntry(tx, row.key, { kind: 'recovered', text })
  const entry = await addEntry(tx, row.key, { kind: 'closed', text: by === null ? 'closed by itself' : text })
  await tellOf(tx, row, { what: 'closed', text, job: null, entry }, tell)
}

const hours = (seconds: number): string =>
  seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`

/** At most `wanted` are counted: the ones since the last failure of any kind. Jobs of a name have no such row. */
async function successesSince(tx: Queryable, { source, eventKey, lastAt }: OpenRow, wanted: number): Promise<number> {
  const { kind, rest } = readSource(source)
  if (kind === 'job') return 0
  const newest =
    kind === 'event'
      ? `select end_state as state, ended_at from event_runs
         where event_id = $1::bigint and settled_at is not null and trigger <> 'test' order by id desc limit $3::int`
      : `select pr.result as state, r.ended_at from pipelines p join pipeline_runs pr on pr.pipeline_id = p.id
         join runs r on r.id = pr.run_id
         where p.name = $1::text and pr.state = 'ended' order by pr.run_id desc limit $3::int`
  const { rows } = await tx.query<{ n: number }>({
    name: `incident_successes_${kind}`,
    text: `select count(*)::int as n from (${newest}) newest where state = 'succeeded' and ended_at > $2`,
    values: [kind === 'event' ? eventKey : rest.slice(0, slashOf(rest)), lastAt, wanted],
  })
  return rows[0]!.n
}

const slashOf = (rest: string): number => (rest.includes('/') ? rest.lastIndexOf('/') : rest.length)

export async function pruneIncidents(db: Queryable, retainDays: number): Promise<number> {
  if (retainDays === 0) return 0
  const { rowCount } = await db.query(
    `delete from incidents where id in (
       select id from incidents where closed_at < now() - make_interval(days => $1) limit 1000
     )`,
    [retainDays],
  )
  return rowCount
}
