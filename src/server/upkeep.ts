/** Loops that one of all servers runs: the queue's upkeep and the seals of the audit log. */
import { auditSealer } from '../access/audit-chain.ts'
import type { Config } from '../config/config.ts'
import { withLeadership } from '../db/leader.ts'
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import { startService } from '../lib/service.ts'
import type { LogStore } from '../logs/log-store.ts'
import type { JobChanges } from '../operations/job-changes.ts'
import { logSizer } from '../operations/size-logs.ts'
import { logSweeper } from '../operations/sweep-logs.ts'
import { attemptKey } from '../queue/types.ts'
import { promoteAfterChangeMs, promoting, upkeepServices } from '../queue/upkeep.ts'

export interface UpkeepParts {
  config: Config
  db: Db
  databaseUrl: string
  logs: LogStore
  changes: JobChanges
}

export function startUpkeep({ config, db, databaseUrl, logs, changes }: UpkeepParts): { stop(): Promise<void> } {
  const services = [
    ...upkeepServices(db, config, {
      async lost(attempts) {
        for (const attempt of attempts) await logs.seal(attemptKey(attempt))
      },
      async pruned(attempts) {
        for (const attempt of attempts) await logs.remove(attemptKey(attempt))
      },
    }),
    logSweeper(db, logs),
    logSizer(db, logs),
    auditSealer(db),
  ]
  return withLeadership(databaseUrl, 'upkeep', async (lost) => {
    const running = services.map((service) => startService(service, reportFailure))
    const promotion = running[services.findIndex(({ name }) => name === promoting)]
    // One of the jobs that changed may be due sooner than those that were known.
    const look = (): void => promotion?.wake(promoteAfterChangeMs)
    const unwatch = changes.watch({ changed: look, resync: look })
    await new Promise((resolve) => lost.addEventListener('abort', resolve, { once: true }))
    unwatch()
    await Promise.all(running.map((one) => one.stop()))
  })
}

function reportFailure(name: string, error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  emitFact({ name: 'upkeep.failed', level: 'error', service: name, error: message })
}
