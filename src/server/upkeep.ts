/** Loops that one of all servers runs: the queue's upkeep and the seals of the audit log. */
import { auditSealer } from '../access/audit-chain.ts'
import { certificatePruner } from '../access/certificates/prune.ts'
import type { Config } from '../config/config.ts'
import { withLeadership } from '../db/leader.ts'
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import { startService } from '../lib/service.ts'
import type { JobChanges } from '../operations/job-changes.ts'
import type { LogPlaces } from '../operations/log-places.ts'
import { tellLogsOver } from '../queue/log-places.ts'
import { attemptKey } from '../queue/types.ts'
import { promoteAfterChangeMs, promoting, upkeepServices } from '../queue/upkeep.ts'

export interface UpkeepParts {
  config: Config
  db: Db
  databaseUrl: string
  logPlaces: LogPlaces
  changes: JobChanges
}

export function startUpkeep({ config, db, databaseUrl, logPlaces, changes }: UpkeepParts): { stop(): Promise<void> } {
  const services = [
    ...upkeepServices(db, config, {
      lost: (attempts) => tellLogsOver(db, attempts.map(attemptKey)),
      pruned: (attempts, tx) => logPlaces.remove(tx, attempts),
    }),
    auditSealer(db),
    certificatePruner(db),
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

export function reportFailure(name: string, error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  emitFact({ name: 'upkeep.failed', level: 'error', service: name, error: message })
}
