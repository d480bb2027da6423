/** Loops that one of all servers runs for events, beside those that settle runs and start them. */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import type { Deps } from './deps.ts'
import { admitWaiting } from './event-start.ts'

export const eventUpkeep = (deps: Deps): Service[] => [
  {
    // Whoever ends a run admits the next; this finds what that did not come to, e.g. when its server was killed.
    name: 'events.admit_waiting',
    every: 5000,
    async runOnce() {
      const { rows } = await deps.db.query<{ key: string }>({
        name: 'events_with_waiting',
        text: `select distinct event_id as key from event_runs
          where settled_at is null and job_id is null and pipeline_run_id is null`,
      })
      for (const { key } of rows) {
        await deps.db
          .tx((tx) => admitWaiting(tx, deps, key))
          // One that cannot be holds up no other.
          .catch((error: unknown) =>
            emitFact({ name: 'event.not_admitted', level: 'error', event: key, error: String(error) }),
          )
      }
    },
  },
  {
    name: 'events.prune_runs',
    every: 60_000,
    async runOnce() {
      const removed = await pruneEventRuns(deps.db, deps.config.retainDays)
      if (removed > 0) emitFact({ name: 'event_run.pruned', level: 'debug', count: removed })
    },
  },
]

const atOnce = 1000

/** Settled runs that are older than jobs are kept; 0 keeps them for ever. Answers how many went. */
export async function pruneEventRuns(db: Db, retainDays: number): Promise<number> {
  if (retainDays === 0) return 0
  for (let removed = 0; ;) {
    // One with actions that are still due is part of what is to be done.
    const { rowCount } = await db.query(
      `delete from event_runs where id in (
         select id from (select id, settled_at from event_runs order by id limit ${5 * atOnce}) er
         where settled_at < now() - make_interval(secs => $1::float8 * 86400)
           and not exists (select from action_firings f where f.run_id = er.id and f.state = 'due')
         limit ${atOnce})`,
      [retainDays],
    )
    removed += rowCount
    if (rowCount < atOnce) return removed
  }
}
