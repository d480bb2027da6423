/** Jobs that waited for others: when those end, they become free, or are skipped, which may skip further ones. */
import type { Queryable } from '../db/pool.ts'
import { newRank } from './statements.ts'

export interface EndedJob {
  jobKey: string
  ok: boolean
}

export async function settleDependents(
  tx: Queryable,
  ended: EndedJob[],
): Promise<{ changed: string[]; work: boolean }> {
  const changed: string[] = []
  let work = false
  let level = ended
  if (level.length > 0) await lockReach(tx, level)
  while (level.length > 0) {
    const { rows } = await tx.query<{ id: string; public_id: string; state: string }>({
      name: 'queue_settle',
      text: settleLevel,
      values: [level.map((job) => job.jobKey), level.map((job) => job.ok)],
    })
    const moved = rows.filter((row) => row.state !== 'blocked')
    for (const row of moved) changed.push(row.public_id)
    work ||= moved.some((row) => row.state === 'queued')
    level = moved.filter((row) => row.state === 'skipped').map((row) => ({ jobKey: row.id, ok: false }))
  }
  return { changed, work }
}

/** All that a failure may skip is locked at once and in order: level by level, two such cascades could deadlock. */
async function lockReach(tx: Queryable, ended: EndedJob[]): Promise<void> {
  await tx.query({
    name: 'queue_lock_reach',
    text: `
      with recursive reach as (
        select d.job_id, not e.ok as failed
        from unnest($1::bigint[], $2::boolean[]) as e(id, ok) join job_dependencies d on d.depends_on_id = e.id
        union
        select d.job_id, true from reach join job_dependencies d on d.depends_on_id = reach.job_id where reach.failed
      )
      select id from jobs where id in (select job_id from reach) and state = 'blocked' order by id for update`,
    values: [ended.map((job) => job.jobKey), ended.map((job) => job.ok)],
  })
}

const settleLevel = `
  with edge as (
    select d.job_id, count(*)::int as n, bool_or(not e.ok) as failed
    from unnest($1::bigint[], $2::boolean[]) as e(id, ok) join job_dependencies d on d.depends_on_id = e.id
    group by d.job_id
  ), next as (
    select j.id, j.blockers_left - edge.n as blockers_left,
      case when edge.failed and coalesce(j.spec->>'on_dependency_failure', 'skip') <> 'run' then 'skipped'
        when j.blockers_left > edge.n then 'blocked'
        when j.not_before > clock_timestamp() then 'scheduled'
        else 'queued' end as state
    from edge join jobs j on j.id = edge.job_id
    where j.state = 'blocked'
    order by j.id for update of j
  )
  update jobs j set state = next.state, blockers_left = next.blockers_left,
    state_since = case when next.state = 'blocked' then j.state_since else now() end,
    scheduled_for = case when next.state = 'scheduled' then 'delay' end,
    rank = case when next.state = 'queued' then ${newRank('j.priority')} end,
    ended_at = case when next.state = 'skipped' then now() end
  from next where j.id = next.id and j.state = 'blocked'
  returning j.id, j.public_id, j.state`
