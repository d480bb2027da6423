/**
 * The end of an attempt as its runner reports it: the log sealed first, then outcome and log in one transaction that
 * several calls and runners share. Answered only when both are durable.
 */
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { createGroupCommit } from '../lib/group-commit.ts'
import type { Outcome } from '../job/outcome.ts'
import type { Outputs } from '../job/outputs.ts'
import type { TestReport } from '../job/test-report.ts'
import type { ShortLog } from '../logs/log-store.ts'
import { finish } from '../queue/finish.ts'
import { storeTests } from '../queue/tests.ts'
import { stillHeld } from '../queue/heartbeat.ts'
import {
  attemptKey,
  type Accepted,
  type AttemptRef,
  type Finished,
  type FinishItem,
  type FromRunner,
} from '../queue/types.ts'
import type { Deps } from './deps.ts'
import { withoutSecrets } from './output-secrets.ts'
import type { Fence } from './runner-fence.ts'

export interface FinishReport {
  ref: AttemptRef
  outcome: Outcome
  logLength: number
  /** All of a short log, which comes with the end of its attempt. */
  log?: ShortLog
  /** Of a job that named report files. */
  tests?: TestReport
  outputs?: Outputs
}

interface Finishing extends FinishItem {
  shortLog?: ShortLog
}

export type ReportResult = Accepted | 'log_incomplete'

export function createFinishing(
  deps: Pick<Deps, 'config' | 'db' | 'logs' | 'logKeeper' | 'logWatch' | 'dispatcher' | 'sealer'>,
  fence: Fence,
) {
  const { db, logs, logKeeper, logWatch } = deps
  const { here } = logKeeper

  /** Finishes of several calls and runners share one transaction, and their short logs one fsync. */
  const finishTogether = createGroupCommit<Finishing, Finished>(
    async (items) => {
      const sealShort = (short: Finishing[]) =>
        logs.sealShort(short.map(({ ref, shortLog }) => ({ attemptKey: attemptKey(ref), log: shortLog! })))
      const { results } = await finish(db, items, sealShort, here, deps.config)
      // A slot and a cap have room again; a runner that asked before the commit would wait for the next poll.
      deps.dispatcher.wake()
      return results.map((value) => ({ ok: true, value }))
    },
    { maxItems: 500, concurrency: 1 },
  )

  /** A log that was appended is sealed before; that may take its time, so it is not done with the others waiting. */
  const sealAppended = async (from: FromRunner, report: FinishReport): Promise<Finishing | ReportResult> => {
    // Also when the answer to an accepted report was lost: nothing is left to do for the runner either way.
    if (!(await fence.holds(from, [report.ref]))[0]) return 'stale'
    try {
      const log = await logKeeper.seal(attemptKey(report.ref), report.logLength)
      return { ...from, ref: report.ref, outcome: report.outcome, log }
    } catch (error) {
      if (isAppError(error) && error.code === 'failed_precondition') return 'log_incomplete'
      throw error
    }
  }

  /** A short log for all servers: not while others wait for the transaction, since the store is not ours and may be slow. */
  const shareShort = async (from: FromRunner, { ref, outcome }: FinishReport, log: ShortLog): Promise<Finishing> => ({
    ...from,
    ref,
    outcome,
    log: await logKeeper.shareShort(attemptKey(ref), log),
  })

  const finishOne = async (from: FromRunner, report: FinishReport, mayShare: boolean): Promise<ReportResult> => {
    const { ref, outcome, log, tests } = report
    if (tests && !(await storeTests(db, { ...from, ref }, tests))) return 'stale'
    let item: Finishing | ReportResult
    if (log === undefined) item = await sealAppended(from, report)
    else if (!here.shared) item = { ...from, ref, outcome, log: 'short', shortLog: log }
    else item = mayShare ? await shareShort(from, report, log) : 'stale'
    if (typeof item === 'string') return item
    if (report.outputs) item.outputs = await withoutSecrets(deps, ref, report.outputs, outcome)
    const result = await finishTogether.add(item)
    fence.forget(ref)
    if (result === 'accepted' && log === undefined) {
      logWatch.done(attemptKey(ref))
      logKeeper.settled(attemptKey(ref))
    }
    if (result === 'accepted' && log) emitFact({ name: 'log.received', level: 'debug', bytes: log.bytes.length })
    return result === 'log_refused' ? 'log_incomplete' : result
  }

  return {
    async finish(from: FromRunner, reports: FinishReport[]): Promise<ReportResult[]> {
      // A short log goes to the shared store before its end is written, so it is asked first whose it is.
      const short = here.shared ? reports.filter((report) => report.log) : []
      const held = await stillHeld(
        db,
        short.map(({ ref }) => ({ ...from, ref })),
      )
      const mayShare = new Set(short.filter((_, i) => held[i]))
      return Promise.all(reports.map((report) => finishOne(from, report, mayShare.has(report))))
    },

    drain: () => finishTogether.drain(),
  }
}
