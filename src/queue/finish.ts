/** Ends attempts: outcome, retry or final state, dependents, and the news of it, in one transaction for the batch. */
import type { Db, Queryable } from '../db/pool.ts'
import { endAttempts, lockHeld } from './end-attempts.ts'
import { notify } from './notify.ts'
import { inTransaction } from './statements.ts'
import type { FinishItem, Reported } from './types.ts'

export async function finish(db: Db | Queryable, items: FinishItem[]): Promise<Reported> {
  if (items.length === 0) return { results: [], changed: [] }
  return inTransaction(db, async (tx) => {
    const mine = await lockHeld(tx, items)
    const ended = await endAttempts(
      tx,
      [...mine].map(([nr, attempt]) => ({ attempt, outcome: items[nr]!.outcome, log: items[nr]!.log })),
    )
    await notify(tx, ended.changed, ended.work)
    return { results: items.map((_, nr) => (mine.has(nr) ? 'accepted' : 'stale')), changed: ended.changed }
  })
}
