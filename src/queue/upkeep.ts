/** The loops that keep the queue moving. One server at a time runs them (`db/leader.ts`); tests call `runOnce`. */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import { promoteDue } from './promote-due.ts'
import { pruneIdempotencyKeys, pruneLanes, pruneOld, type AttemptName } from './prune.ts'
import { rescueLost } from './rescue-lost.ts'

export { promoteDue } from './promote-due.ts'
export { deleteEnded, pruneIdempotencyKeys, pruneLanes, pruneOld, type AttemptName } from './prune.ts'
export { loseSilent, markRunnersOffline, markUnknown, mayReap, rescueLost } from './rescue-lost.ts'

export interface UpkeepConfig {
  leaseSeconds: number
  graceSeconds: number
  retainDays: number
  retainCount: number
}

export interface UpkeepHooks {
  /** Their runner will not come back: what was shipped of their logs is all there will be. */
  lost(attempts: AttemptName[]): Promise<void>
  /** They are about to be forgotten; their logs go first, so that a crash in between leaves nothing behind for ever. */
  pruned(attempts: AttemptName[]): Promise<void>
}

const rescueEverySeconds = 2

export function upkeepServices(db: Db, config: UpkeepConfig, hooks: UpkeepHooks): Service[] {
  return [
    {
      name: 'queue.promote_due',
      every: 250,
      async runOnce() {
        const promoted = await promoteDue(db)
        if (promoted > 0) emitFact({ name: 'job.promoted', level: 'debug', count: promoted })
      },
    },
    {
      name: 'queue.rescue_lost',
      every: rescueEverySeconds * 1000,
      async runOnce() {
        const rescued = await rescueLost(db, { intervalSeconds: rescueEverySeconds, ...config })
        if (rescued.unknown > 0) emitFact({ name: 'job.unknown', level: 'warn', count: rescued.unknown })
        if (rescued.lost.length > 0) emitFact({ name: 'job.lost', level: 'warn', count: rescued.lost.length })
        if (rescued.offline > 0) emitFact({ name: 'runner.offline', level: 'warn', count: rescued.offline })
        if (rescued.lost.length > 0) await hooks.lost(rescued.lost)
      },
    },
    {
      name: 'queue.prune_old',
      every: 60_000,
      async runOnce() {
        const batch = 500
        for (let more = true; more;) {
          const { publicIds } = await pruneOld(db, {
            ...config,
            batch,
            removeLogs: (attempts) => hooks.pruned(attempts),
          })
          if (publicIds.length > 0) emitFact({ name: 'job.pruned', level: 'debug', count: publicIds.length })
          more = publicIds.length === batch
        }
      },
    },
    {
      name: 'queue.prune_keys_and_lanes',
      every: 600_000,
      async runOnce() {
        await pruneIdempotencyKeys(db)
        await pruneLanes(db)
      },
    },
  ]
}
