/** Loops that one of all servers runs: the queue's upkeep and the seals of the audit log. */
import { auditSealer } from '../access/audit-chain.ts'
import { certificatePruner } from '../access/certificates/prune.ts'
import type { Sealer } from '../access/secrets.ts'
import type { Config } from '../config/config.ts'
import { forgetfulness } from '../access/lockout.ts'
import { withLeadership } from '../db/leader.ts'
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import { startService, type Service } from '../lib/service.ts'
import type { JobChanges } from '../operations/job-changes.ts'
import type { RunChanges } from '../operations/run-changes.ts'
import type { LogPlaces } from '../operations/log-places.ts'
import { takingSignals } from '../operations/signalled-events.ts'
import { advancing } from '../pipelines/advancing.ts'
import type { RemoveLogs } from '../pipelines/delete-run.ts'
import { retention } from '../pipelines/retention.ts'
import type { PipelineHooks } from '../pipelines/run.ts'
import { leaverService } from '../queue/leavers.ts'
import { tellLogsOver } from '../queue/log-places.ts'
import { runSettling, type OnRunsEnded } from '../queue/run-settle.ts'
import { attemptKey } from '../queue/types.ts'
import type { Traces } from '../telemetry/traces.ts'
import { eventSettling, settleAfterEndMs } from '../reactions/event-services.ts'
import { grouping } from '../failures/services.ts'
import { reacting, reactionServices } from '../reactions/reactor.ts'
import { promoteAfterChangeMs, promoting, upkeepServices } from '../queue/upkeep.ts'

export interface UpkeepParts {
  config: Config
  db: Db
  databaseUrl: string
  logPlaces: LogPlaces
  changes: JobChanges
  runChanges: RunChanges
  runsEnded: OnRunsEnded
  pipelineHooks: PipelineHooks
  sealer: Sealer
  traces?: Traces | undefined
  schedules: Service[]
  failures: Service[]
  /** Ends of events' runs, and what follows from them. */
  eventRuns: Service[]
}

/** Whoever waits for the end of a run does not wait longer than this; what changes meanwhile is one look. */
const settleAfterChangeMs = 100
/** Those that fail together are one look, and soon enough for an incident. */
const groupAfterChangeMs = 500
/** The end of a run is itself a change, and may have left something in the outbox. */
const reactAfterChangeMs = 200

export function startUpkeep(parts: UpkeepParts): { stop(): Promise<void> } {
  const { config, db, databaseUrl, logPlaces, changes, sealer } = parts
  const settling = runSettling(db, parts.runsEnded)
  const removeLogs: RemoveLogs = (tx, attempts) => logPlaces.remove(tx, attempts)
  let wakeAdvance = (_withinMs: number): void => {}
  const advance = advancing(db, parts.pipelineHooks, {
    removeLogs,
    onError: reportFailure,
    wake: (withinMs) => wakeAdvance(withinMs),
  })
  const services = [
    settling.service,
    advance.service,
    ...upkeepServices(db, config, {
      lost: (attempts) => tellLogsOver(db, attempts.map(attemptKey)),
      pruned: (attempts, tx) => logPlaces.remove(tx, attempts),
    }),
    retention(db, { retainDays: config.retainDays, removeLogs }),
    ...parts.schedules,
    ...parts.failures,
    ...parts.eventRuns,
    auditSealer(db),
    certificatePruner(db),
    forgetfulness(db),
    leaverService(db),
    ...reactionServices(db, { sealer, publicUrl: config.publicUrl, retainDays: config.retainDays }),
  ]
  return withLeadership(databaseUrl, 'upkeep', async (lost) => {
    const running = services.map((service) => startService(service, reportFailure))
    const promotion = running[services.findIndex(({ name }) => name === promoting)]
    // One of the jobs that changed may be due sooner than those that were known.
    const eventRuns = running[services.findIndex(({ name }) => name === eventSettling)]
    const signals = running[services.findIndex(({ name }) => name === takingSignals)]
    const failures = running[services.findIndex(({ name }) => name === grouping)]
    const look = (): void => {
      failures?.wake(groupAfterChangeMs)
      promotion?.wake(promoteAfterChangeMs)
      eventRuns?.wake(settleAfterEndMs)
      signals?.wake(settleAfterEndMs)
    }
    const unwatch = changes.watch({ changed: look, resync: look })
    const settle = running[services.indexOf(settling.service)]
    const reactor = running[services.findIndex(({ name }) => name === reacting)]
    wakeAdvance = (withinMs) => running[services.indexOf(advance.service)]?.wake(withinMs)
    advance.heard()
    const settleSoon = (keys?: readonly string[]): void => {
      settling.heard(keys)
      settle?.wake(settleAfterChangeMs)
      reactor?.wake(reactAfterChangeMs)
      eventRuns?.wake(settleAfterEndMs)
      signals?.wake(settleAfterEndMs)
    }
    const unwatchRuns = parts.runChanges.watch({
      // Without a pause: it is the time between two tasks of a chain.
      heard: (key) => advance.heard([key]),
      changed: settleSoon,
      resync() {
        settleSoon()
        advance.heard()
      },
      gone() {},
    })
    const untrace = parts.traces && changes.watch({ changed: parts.traces.changed, resync() {} })
    await new Promise((resolve) => lost.addEventListener('abort', resolve, { once: true }))
    unwatch()
    unwatchRuns()
    untrace?.()
    await Promise.all(running.map((one) => one.stop()))
    await advance.idle()
  })
}

export function reportFailure(name: string, error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  emitFact({ name: 'upkeep.failed', level: 'error', service: name, error: message })
}
