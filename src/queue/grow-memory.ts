/**
 * After an attempt that was killed for memory: the job asks for more, in a lane of that size, so that a runner which is
 * too small does not get it. Rare, so it costs other ends nothing: it has statements of its own, before the job moves.
 */
import type { Queryable } from '../db/pool.ts'
import { grownMemory, memoryCeiling, type MemoryBounds } from '../job/memory-growth.ts'
import { size } from '../lib/byte-size.ts'
import type { EndingAttempt, LockedAttempt } from './end-attempts.ts'
import { endingOf } from './ending.ts'

/** Locks nothing that the caller does not hold but the lanes. Returns the endings, with what follows in their messages. */
export async function growMemory(
  tx: Queryable,
  endings: EndingAttempt[],
  bounds: MemoryBounds,
): Promise<EndingAttempt[]> {
  const growing = endings.filter(mayGrow)
  if (growing.length === 0) return endings
  const { rows } = await tx.query<{ id: string; had: string | null }>({
    name: 'queue_memory_had',
    text: `select id, coalesce(memory_bytes::text, spec->'limits'->>'memory_bytes') as had
      from jobs where id = any($1::bigint[])`,
    values: [growing.map(({ attempt }) => attempt.job_id)],
  })
  const had = new Map(rows.map((row) => [row.id, Number(row.had ?? bounds.defaultMemoryBytes)]))
  const grown = new Map<string, number>()
  const told = endings.map((ending) => {
    if (!growing.includes(ending)) return ending
    const { attempt, outcome } = ending
    const retry = attempt.retry!
    const before = Math.min(had.get(attempt.job_id)!, bounds.maxMemoryBytes)
    const next = grownMemory(before, retry, bounds)
    if (next !== null) grown.set(attempt.job_id, next)
    const what =
      next === null
        ? `${size(memoryCeiling(retry, bounds))} is all that it may have`
        : `next attempt with ${size(next)}`
    return { ...ending, outcome: { ...outcome, message: `${outcome.message ?? 'killed for memory'}; ${what}` } }
  })
  if (grown.size > 0) {
    await tx.query({ name: 'queue_grow_memory', text: moveToLarger, values: [[...grown.keys()], [...grown.values()]] })
  }
  return told
}

const mayGrow = ({ attempt, outcome }: EndingAttempt): boolean =>
  outcome.state === 'oom_killed' && attempt.retry?.memory_factor !== undefined && isTriedAgain(attempt, outcome)

const isTriedAgain = (attempt: LockedAttempt, outcome: EndingAttempt['outcome']): boolean =>
  endingOf({
    outcome,
    attemptsSpent: attempt.attempts_spent,
    maxAttempts: attempt.max_attempts,
    retry: attempt.retry,
    cancelRequested: attempt.cancel_requested,
    random: 0,
  }).retryInSeconds !== null

/** Like the lane that it was in but for the size. The update makes a lane that others make just now visible. */
const moveToLarger = `
  with grown as (
    select g.job_id, g.bytes, ceil(g.bytes / 1048576.0)::int as mib, l.*
    from unnest($1::bigint[], $2::bigint[]) as g(job_id, bytes)
    join jobs j on j.id = g.job_id join lanes l on l.id = j.lane_id
  ), larger as (
    insert into lanes (queue_id, owner_id, executor, required_labels, cpu_millis, memory_mib, placement)
    select distinct queue_id, owner_id, executor, required_labels, cpu_millis, mib, placement from grown
    order by 1, 2, 3, 4, 5, 6, 7
    on conflict (queue_id, owner_id, executor, required_labels, cpu_millis, memory_mib, placement)
      do update set last_used_at = now()
    returning *
  )
  update jobs j set memory_bytes = g.bytes, lane_id = n.id
  from grown g join larger n on n.queue_id = g.queue_id and n.owner_id = g.owner_id and n.executor = g.executor
    and n.required_labels = g.required_labels and n.cpu_millis = g.cpu_millis and n.memory_mib = g.mib
    and n.placement = g.placement
  where j.id = g.job_id`
