/** Ends attempts: outcome, retry or final state, dependents, and the news of it, in one transaction for the batch. */
import type { Db, Queryable } from '../db/pool.ts'
import type { MemoryBounds } from '../job/memory-growth.ts'
import { emitFact } from '../lib/facts.ts'
import { areAwaited, endAttempts, endUnawaited, lockHeld, type EndingAttempt, type LogHome } from './end-attempts.ts'
import { growMemory } from './grow-memory.ts'
import { notify } from './notify.ts'
import { fixedPlansByKey, inTransaction } from './statements.ts'
import type { Finished, FinishItem, LogSummary } from './types.ts'

/**
 * Makes short logs durable before the outcomes that speak of them are committed. Gets only items whose attempt is
 * locked for their sender, so a stale report stores nothing; may be called again with the same items.
 */
export type StoreShortLogs<Item extends FinishItem> = (items: Item[]) => Promise<(LogSummary | null)[]>

export async function finish<Item extends FinishItem>(
  db: Db | Queryable,
  items: Item[],
  storeLogs?: StoreShortLogs<Item>,
  /** Where the logs of these attempts are. */
  logAt?: LogHome,
  /** Within which the memory of a job may grow that was killed for it. */
  bounds?: MemoryBounds,
): Promise<{ results: Finished[]; changed: string[] }> {
  if (items.length === 0) return { results: [], changed: [] }
  let ended: EndingAttempt[] = []
  const answer = await inTransaction(
    db,
    async (tx, last) => {
      // The second is asked on the way, when the first has locked them.
      const [mine, awaited] = await Promise.all([
        lockHeld(tx, items),
        areAwaited(
          tx,
          items.map((item) => item.ref.jobKey),
        ),
      ])
      const short = [...mine.keys()].filter((nr) => items[nr]!.log === 'short')
      const stored = short.length > 0 ? await storeLogs!(short.map((nr) => items[nr]!)) : []
      const logs = new Map(short.map((nr, i) => [nr, stored[i]!]))
      const results = items.map((_, nr): Finished => (mine.has(nr) ? 'accepted' : 'stale'))
      const endings: EndingAttempt[] = []
      for (const [nr, attempt] of mine) {
        const { outcome, log, outputs } = items[nr]!
        if (log !== 'short') endings.push({ attempt, outcome, log, logAt, outputs })
        else if (logs.get(nr)) endings.push({ attempt, outcome, log: logs.get(nr)!, logAt, outputs })
        else results[nr] = 'log_refused'
      }
      ended = bounds === undefined ? endings : await growMemory(tx, endings, bounds)
      if (!awaited) return { results, changed: await endUnawaited(last, ended) }
      const { changed, work } = await endAttempts(tx, ended)
      await notify(tx, changed, work)
      return { results, changed }
    },
    fixedPlansByKey,
  )
  for (const one of ended) noteFinished(one)
  return answer
}

function noteFinished({ attempt, outcome: { state, started_at: started, ended_at: end } }: EndingAttempt): void {
  emitFact({
    name: 'attempt.finished',
    level: 'debug',
    id: attempt.public_id,
    attempt: attempt.number,
    state,
    queue: attempt.queue,
    ...(started !== undefined && end !== undefined && { run_seconds: secondsBetween(started, end) }),
  })
}

/** Both by the runner's clock. */
const secondsBetween = (started: string, end: string): number =>
  Math.max(0, Date.parse(end) - Date.parse(started)) / 1000 || 0
