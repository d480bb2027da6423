/** The loops that keep the queue moving. One server at a time runs them (`db/leader.ts`); tests call `runOnce`. */
import type { Db, Queryable } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import { pruneIdempotencyKeys, pruneLanes, pruneRunners } from './forget.ts'
import { nextDueMs, promoteDue } from './promote-due.ts'
import { pruneAtOnce, pruneOld, type AttemptName, type DoomedAttempt, type Retention } from './prune.ts'
import { rescueLost } from './rescue-lost.ts'
import { pruneServers } from './servers.ts'
import { foldRunCounts } from './run-counts.ts'
import { pruneRuns } from './runs.ts'
import { foldAtOnce } from './statements.ts'
import { pruneEndedMinutes } from './throughput.ts'
import { foldCounts } from './totals.ts'

export { pruneIdempotencyKeys, pruneLanes, pruneRunners } from './forget.ts'
export { promoteDue } from './promote-due.ts'
export { deleteEnded, pruneOld, type AttemptName } from './prune.ts'
export { loseSilent, markRunnersOffline, markUnknown, mayReap, rescueLost } from './rescue-lost.ts'

export interface UpkeepConfig extends Retention {
  leaseSeconds: number
  graceSeconds: number
  retainRunnerDays?: number
}

export interface UpkeepHooks {
  /** Their runner will not come back: what was shipped of their logs is all there will be. */
  lost(attempts: AttemptName[]): Promise<void>
  /** They are about to be forgotten; their logs go first, so that a crash in between leaves nothing behind for ever. */
  pruned(attempts: DoomedAttempt[], tx: Queryable): Promise<void>
}

/** Rare, but often within a lease however short that is. */
const rescueEverySeconds = ({ leaseSeconds }: UpkeepConfig): number => Math.min(2, leaseSeconds / 15)

/** The service that sleeps until the next job is due: to be woken within `promoteAfterChangeMs` when jobs changed. */
export const promoting = 'queue.promote_due'
export const promoteAfterChangeMs = 250
/** The hints may fail. */
const promoteAtLeastEveryMs = 2000

export function upkeepServices(db: Db, config: UpkeepConfig, hooks: UpkeepHooks): Service[] {
  return [
    {
      name: promoting,
      every: promoteAfterChangeMs,
      async runOnce() {
        let due = await nextDueMs(db)
        if (due === 0) {
          const promoted = await promoteDue(db)
          if (promoted > 0) emitFact({ name: 'job.promoted', level: 'debug', count: promoted })
          due = await nextDueMs(db)
        }
        // Those that are due and were not taken are being changed by somebody else.
        return due === 0 ? promoteAfterChangeMs : Math.min(due ?? promoteAtLeastEveryMs, promoteAtLeastEveryMs)
      },
    },
    {
      name: 'queue.rescue_lost',
      every: rescueEverySeconds(config) * 1000,
      async runOnce() {
        const rescued = await rescueLost(db, { intervalSeconds: rescueEverySeconds(config), ...config })
        if (rescued.unknown > 0) emitFact({ name: 'job.unknown', level: 'warn', count: rescued.unknown })
        if (rescued.lost.length > 0) emitFact({ name: 'job.lost', level: 'warn', count: rescued.lost.length })
        if (rescued.offline > 0) emitFact({ name: 'runner.offline', level: 'warn', count: rescued.offline })
        if (rescued.lost.length > 0) await hooks.lost(rescued.lost)
      },
    },
    {
      name: 'queue.fold_counts',
      every: 10_000,
      async runOnce() {
        while ((await foldCounts(db)) >= foldAtOnce);
        while ((await foldRunCounts(db)) >= foldAtOnce);
      },
    },
    {
      name: 'queue.prune_old',
      every: 15_000,
      async runOnce() {
        for (let more = true; more;) {
          const { publicIds } = await pruneOld(db, {
            ...config,
            removeLogs: (attempts, tx) => hooks.pruned(attempts, tx),
          })
          if (publicIds.length > 0) emitFact({ name: 'job.pruned', level: 'debug', count: publicIds.length })
          // What jobs that end just now add is left to the next pass.
          more = publicIds.length >= pruneAtOnce / 2
        }
      },
    },
    {
      name: 'queue.forget_unused',
      every: 600_000,
      async runOnce() {
        await pruneIdempotencyKeys(db)
        await pruneLanes(db)
        await pruneEndedMinutes(db)
        const runs = await pruneRuns(db, config.retainDays)
        if (runs > 0) emitFact({ name: 'run.pruned', level: 'debug', count: runs })
        const runners = await pruneRunners(db, config.retainRunnerDays ?? 0)
        if (runners.length > 0) emitFact({ name: 'runner.forgotten', names: runners })
        const servers = await pruneServers(db)
        if (servers.length > 0) emitFact({ name: 'server.forgotten', names: servers })
      },
    },
  ]
}
