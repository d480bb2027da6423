/**
 * Sets when a batch began and ended, from its counters: once, whatever crashes in between, since that is one statement which
 * looks at what is committed. Woken by notices of runs, with a look at all open ones behind.
 */
import type { Db, Queryable } from '../db/pool.ts'
import type { RunCounts } from '../job/run-status.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import { countsOfRun } from './run-counts.ts'
import { cancelMembers } from './run-cancel.ts'
import { runsChannel } from './run-notices.ts'
import type { NotifyRule } from './runs.ts'
import { held, inTransaction, waiting } from './statements.ts'

export interface EndedRun {
  key: string
  publicId: string
  ownerId: string
  name: string
  notify: NotifyRule[]
  /** At its end; of a forced one, some may still run. */
  counts: RunCounts
  /** Somebody declared it complete. */
  forced: boolean
  createdAt: Date
  /** Null: none of its jobs ever began. */
  startedAt: Date | null
  endedAt: Date
}

/** In the transaction that ends them: what it writes stands or falls with the end. */
export type OnRunsEnded = (tx: Queryable, ended: EndedRun[]) => Promise<void>

/** Settles the open batches among `keys`, or all open ones. */
export async function settleRuns(db: Db | Queryable, keys: string[] | null, onEnded: OnRunsEnded): Promise<EndedRun[]> {
  const { rows: due } = await db.query<{ key: string }>({ name: 'queue_runs_due', text: dueRuns, values: [keys] })
  if (due.length === 0) return []
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<EndedRun & { endedAt: Date | null }>({
      name: 'queue_settle_runs',
      text: settle,
      values: [due.map((run) => run.key)],
    })
    const ended = rows.filter((run) => run.endedAt !== null)
    if (ended.length > 0) await onEnded(tx, ended)
    return ended
  })
}

const begun = (c: string): string => `${c}.running + ${c}.passed + ${c}.failed > 0`
/** None is open, or somebody does not want to wait for those that are being stopped. */
const over = (r: string, c: string): string =>
  `(${c}.waiting + ${c}.running = 0 or (${r}.forced_at is not null and not ${unasked(r)}))`
/** It has an open member that has not been asked to stop. */
const unasked = (r: string): string => `exists (
  select from jobs where run_id = ${r}.id and (state in ${waiting} or state in ${held}) and cancel_requested_at is null)`

const dueRuns = `
  select r.id as key from runs r cross join lateral ${countsOfRun('r.id')} c
  where r.ended_at is null and r.kind = 'batch' and ($1::bigint[] is null or r.id = any($1))
    and ((r.started_at is null and ${begun('c')}) or ${over('r', 'c')})`

/** The times of the members are looked at twice in the life of a run: when it begins, and when it is over. */
const settle = `
  with mine as materialized (
    select id from runs where id = any($1::bigint[]) and ended_at is null order by id for update
  ), settled as (
    update runs r set started_at = coalesce(r.started_at, jobs.first),
      ended_at = case when ${over('r', 'c')} then case when r.forced_at is null then coalesce(jobs.last, now()) else now() end end
    from mine cross join lateral ${countsOfRun('mine.id')} c cross join lateral (
      select min(started_at) as first, max(ended_at) as last from jobs where run_id = mine.id
    ) jobs
    where r.id = mine.id
    returning r.*, to_jsonb(c) as counts
  ), told as materialized (
    select pg_notify('${runsChannel}', id::text) from settled
  )
  select id as key, public_id as "publicId", owner_id as "ownerId", name, notify, counts,
    forced_at is not null as forced, created_at as "createdAt", started_at as "startedAt", ended_at as "endedAt",
    (select count(*) from told) as told
  from settled`

/** The cancel of 10,000 members takes some seconds. */
const forgottenAfterSeconds = 10
const lookAtAllEveryMs = 5_000

/** `heard` before each wake, with the keys of runs that changed; without, all open ones are looked at next. */
export function runSettling(db: Db, onEnded: OnRunsEnded): { service: Service; heard(keys?: readonly string[]): void } {
  const changed = new Set<string>()
  let lookAtAllAt = 0
  return {
    heard(keys) {
      if (keys === undefined) lookAtAllAt = 0
      else for (const key of keys) changed.add(key)
    },
    service: {
      name: 'queue.settle_runs',
      every: lookAtAllEveryMs,
      async runOnce() {
        const all = performance.now() >= lookAtAllAt
        if (all) lookAtAllAt = performance.now() + lookAtAllEveryMs
        const keys = all ? null : [...changed]
        changed.clear()
        try {
          if (all) await cancelForgotten(db)
          const ended = keys?.length === 0 ? [] : await settleRuns(db, keys, onEnded)
          if (ended.length > 0) emitFact({ name: 'run.ended', count: ended.length })
        } catch (error) {
          lookAtAllAt = 0
          throw error
        }
      },
    },
  }
}

/** Members that whoever asked for the cancel did not reach, having died before. */
async function cancelForgotten(db: Db): Promise<void> {
  const { rows } = await db.query<{ key: string; forced: boolean }>(
    `select id as key, forced_at is not null as forced from runs r
     where ended_at is null and kind = 'batch' and cancel_requested_at < now() - make_interval(secs => ${forgottenAfterSeconds})
       and ${unasked('r')}`,
  )
  for (const { key, forced } of rows) {
    await cancelMembers(db, key, { reason: 'its batch was cancelled', force: forced })
  }
}
