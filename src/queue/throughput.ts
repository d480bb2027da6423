/**
 * How many jobs ended in each minute, from what `foldCounts` wrote down: 1,440 rows an owner and state for a day, whatever
 * the number of jobs. A fold comes every 10 s, so a job is found in the minute in which it ended or in the one after.
 */
import type { Queryable } from '../db/pool.ts'
import { batchWords, statesOfBatchWord } from '../job/status-word.ts'
import { terminal } from './statements.ts'

/** A CTE of the statement that folds: `taken` are the deltas. What is added to an ended state has just come to its end. */
export const foldEnded = `
  insert into ended_minutes as m (minute, owner_id, state, jobs)
  select date_trunc('minute', now()), owner_id, state, sum(jobs) from taken
  where jobs > 0 and state in ${terminal} group by 1, 2, 3 order by 1, 2, 3
  on conflict (minute, owner_id, state) do update set jobs = m.jobs + excluded.jobs`

export interface EndedMinute {
  /** Its beginning. */
  at: Date
  passed: number
  failed: number
  cancelled: number
}

const endWords = batchWords.filter((word) => word !== 'waiting' && word !== 'running')
const sums = endWords.map((word) => {
  const states = statesOfBatchWord(word).map((state) => `'${state}'`)
  return `coalesce(sum(e.jobs) filter (where e.state in (${states.join(', ')})), 0)::int as ${word}`
})

/** The last so many minutes, oldest first, also those in which nothing ended; the last one is not over. */
export async function endedByMinute(db: Queryable, minutes: number, ownerId?: string): Promise<EndedMinute[]> {
  const { rows } = await db.query<EndedMinute>({
    name: 'queue_ended_by_minute',
    text: `
      with ended as (
        select minute, state, jobs from ended_minutes
        where minute > now() - make_interval(mins => $1) and ($2::bigint is null or owner_id = $2)
        union all
        select date_trunc('minute', now()), state, jobs from job_count_deltas
        where jobs > 0 and state in ${terminal} and ($2::bigint is null or owner_id = $2)
      )
      select minute.at, ${sums.join(', ')}
      from generate_series(
        date_trunc('minute', now()) - make_interval(mins => $1 - 1), date_trunc('minute', now()), interval '1 minute'
      ) as minute(at) left join ended e on e.minute = minute.at
      group by 1 order by 1`,
    values: [minutes, ownerId ?? null],
  })
  return rows
}

/** Longer than anybody may ask for. */
export async function pruneEndedMinutes(db: Queryable): Promise<void> {
  await db.query(`delete from ended_minutes where minute < now() - interval '2 days'`)
}
