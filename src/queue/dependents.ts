/** Jobs that waited for others: when those end, they become free, or are skipped, which may skip further ones. */
import type { Queryable } from '../db/pool.ts'
import { cascade, endedWell, type BlockedJob, type Edge, type EndedJob } from './cascade.ts'
import { newRank, stateById } from './statements.ts'

/** The caller holds the rows of the jobs that ended, so no dependent of theirs can appear now. */
export async function settleDependents(
  tx: Queryable,
  ended: EndedJob[],
): Promise<{ changed: string[]; work: boolean }> {
  if (ended.length === 0) return { changed: [], work: false }
  const { edges, blocked } = await lockReach(tx, ended)
  const moves = cascade(ended, edges, blocked)
  if (moves.length === 0) return { changed: [], work: false }
  await tx.query({ name: 'queue_settle', text: writeMoves, values: [JSON.stringify(moves)] })
  const moved = moves.filter((move) => move.state !== 'blocked')
  return { changed: moved.map((move) => move.public_id), work: moved.some((move) => move.state === 'queued') }
}

/**
 * Locks all that the news may reach at once and in order of ids: job by job, two cascades that meet would deadlock. A
 * dependent of a job that is about to be skipped may appear until that job is locked, hence the second look.
 */
async function lockReach(tx: Queryable, ended: EndedJob[]): Promise<{ edges: Edge[]; blocked: BlockedJob[] }> {
  const looked = new Set<string>()
  const blocked: BlockedJob[] = []
  const failed = ended.some((job) => !endedWell(job))
  for (;;) {
    const edges = await edgesFrom(tx, ended)
    const unseen = [...new Set(edges.map((edge) => edge.job_id))].filter((id) => !looked.has(id))
    if (unseen.length > 0) blocked.push(...(await lockBlocked(tx, unseen)))
    for (const id of unseen) looked.add(id)
    if (unseen.length === 0 || !failed) return { edges, blocked }
  }
}

async function edgesFrom(tx: Queryable, ended: EndedJob[]): Promise<Edge[]> {
  const { rows } = await tx.query<Edge>({
    name: 'queue_edges',
    text: `
      with recursive reach as (
        select d.job_id, d.depends_on_id, not e.ok as failed
        from unnest($1::bigint[], $2::boolean[]) as e(id, ok) join job_dependencies d on d.depends_on_id = e.id
        union
        select d.job_id, d.depends_on_id, true from reach join job_dependencies d on d.depends_on_id = reach.job_id
        where reach.failed
      )
      select distinct job_id, depends_on_id from reach order by 1, 2`,
    values: [ended.map((job) => job.jobKey), ended.map(endedWell)],
  })
  return rows
}

async function lockBlocked(tx: Queryable, ids: string[]): Promise<BlockedJob[]> {
  const { rows } = await tx.query<BlockedJob>({
    name: 'queue_lock_blocked',
    text: `
      select id, public_id, blockers_left, spec->>'on_dependency_failure' as on_failure,
        coalesce(not_before > clock_timestamp(), false) as later
      from jobs where id = any($1::bigint[]) and ${stateById('jobs')} = 'blocked' order by id for update`,
    values: [ids],
  })
  return rows
}

const writeMoves = `
  update jobs j set state = m.state, blockers_left = m.blockers_left,
    state_since = case when m.state = 'blocked' then j.state_since else now() end,
    scheduled_for = case when m.state = 'scheduled' then 'delay' end,
    rank = case when m.state = 'queued' then ${newRank('j.priority')} end,
    ended_at = case when m.state = 'skipped' then now() end, outcome = coalesce(m.outcome, j.outcome)
  from jsonb_to_recordset($1::jsonb) as m(id bigint, state text, blockers_left int, outcome jsonb)
  where j.id = m.id and ${stateById('j')} = 'blocked'`
