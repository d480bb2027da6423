/**
 * The server's side of the runner port, whatever the transport. A runner has no rights of its own: every message is
 * fenced by its attempt's (key, number, token) and by the runner process that sends it.
 */
import { AppError, isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { createGroupCommit } from '../lib/group-commit.ts'
import type { Outcome } from '../job/outcome.ts'
import { isTerminal, type JobState } from '../job/state.ts'
import type { ShortLog } from '../logs/log-store.ts'
import { finish } from '../queue/finish.ts'
import { handBack } from '../queue/hand-back.ts'
import { heartbeat } from '../queue/heartbeat.ts'
import { goodbye, registerRunner, type RunnerDescription } from '../queue/runners.ts'
import { started } from '../queue/started.ts'
import {
  attemptKey,
  type Accepted,
  type AttemptRef,
  type ClaimedJob,
  type Finished,
  type FinishItem,
  type FromRunner,
  type HeartbeatResult,
  type RunnerOffer,
} from '../queue/types.ts'
import type { Deps } from './deps.ts'
import { effectiveLimits, type EffectiveLimits } from './limits.ts'
import { openEnv } from './new-job.ts'
import { createFence } from './runner-fence.ts'
import { createRunnerCancels } from './runner-cancels.ts'

export interface Assigned extends EffectiveLimits {
  ref: AttemptRef
  publicId: string
  spec: ClaimedJob['spec']
  env: Record<string, string>
  secretEnv: Record<string, string>
}

export interface LogChunk {
  ref: AttemptRef
  offset: number
  bytes: Uint8Array
}

export interface FinishReport {
  ref: AttemptRef
  outcome: Outcome
  logLength: number
  /** All of a short log, which comes with the end of its attempt. */
  log?: ShortLog
}

interface Finishing extends FinishItem {
  shortLog?: ShortLog
}

export type ReportResult = Accepted | 'log_incomplete'
export type RunnerPort = ReturnType<typeof createRunnerPort>

/** Longest long poll: below every proxy's idle limit, far below a lease's meaning. */
const longestWaitMs = 30_000

export function createRunnerPort(deps: Deps) {
  const { db, config, logs } = deps
  const leaseSeconds = config.leaseSeconds
  const fence = createFence(db, config.heartbeatSeconds * 1000)
  const cancels = createRunnerCancels(db)

  /** Finishes of several calls and runners share one transaction, and their short logs one fsync. */
  const finishTogether = createGroupCommit<Finishing, Finished>(
    async (items) => {
      const { results } = await finish(db, items, (short) =>
        logs.sealShort(short.map(({ ref, shortLog }) => ({ attemptKey: attemptKey(ref), log: shortLog! }))),
      )
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
      const log = await logs.seal(attemptKey(report.ref), report.logLength)
      return { ...from, ref: report.ref, outcome: report.outcome, log }
    } catch (error) {
      if (isAppError(error) && error.code === 'failed_precondition') return 'log_incomplete'
      throw error
    }
  }

  const finishOne = async (from: FromRunner, report: FinishReport): Promise<ReportResult> => {
    const { ref, outcome, log } = report
    const item: Finishing | ReportResult = log
      ? { ...from, ref, outcome, log: 'short', shortLog: log }
      : await sealAppended(from, report)
    if (typeof item === 'string') return item
    const result = await finishTogether.add(item)
    fence.forget(ref)
    if (result === 'accepted') noteFinished(report)
    return result === 'log_refused' ? 'log_incomplete' : result
  }

  return {
    async register(description: RunnerDescription) {
      const { runnerId, held } = await registerRunner(db, description)
      emitFact({ name: 'runner.registered', runner: description.name, id: runnerId, held: held.length })
      return {
        runnerId,
        held,
        heartbeatMs: config.heartbeatSeconds * 1000,
        leaseMs: leaseSeconds * 1000,
        graceMs: config.graceSeconds * 1000,
      }
    },

    async claim(offer: RunnerOffer, waitMs: number, signal: AbortSignal): Promise<Assigned[]> {
      const claimed = await deps.dispatcher.request(offer, Math.min(waitMs, longestWaitMs), signal)
      return claimed.flatMap((job) => assign(job, deps) ?? [])
    },

    async heartbeat(from: FromRunner, held: AttemptRef[]): Promise<HeartbeatResult> {
      const answers = await heartbeat(db, [{ ...from, held }], { leaseSeconds })
      const answer = answers.get(from.runnerId) ?? { renewed: [], cancel: [], kill: [], stale: held }
      for (const ref of answer.stale) fence.forget(ref)
      return answer
    },

    /** What the database's notices name; a lost one is made good by the next heartbeat. */
    cancelled: (ids: readonly string[]) => cancels.cancelled(ids),

    cancels: (from: FromRunner, signal: AbortSignal) => cancels.watch(from.runnerId, signal),

    async started(
      from: FromRunner,
      items: { ref: AttemptRef; startedAt: Date; unenforced: string[] }[],
    ): Promise<ReportResult[]> {
      const { results } = await started(
        db,
        items.map((item) => ({ ...from, ...item })),
      )
      return results
    },

    async appendLog(from: FromRunner, chunks: LogChunk[]) {
      const held = await fence.holds(
        from,
        chunks.map((chunk) => chunk.ref),
      )
      // One after another where they are of one attempt: a chunk begins where the one before ended.
      const tails = new Map<string, Promise<unknown>>()
      return Promise.all(
        chunks.map(async (chunk, i) => {
          if (!held[i]) return { accepted: 0, durable: 0, stale: true }
          const key = attemptKey(chunk.ref)
          const before = tails.get(key)
          const appended = (before ?? Promise.resolve()).then(() => logs.append(key, chunk.offset, chunk.bytes))
          tails.set(
            key,
            appended.catch(() => {}),
          )
          return { ...(await appended), stale: false }
        }),
      )
    },

    /** Answered only when the log is sealed durable and the outcome committed. */
    finish: (from: FromRunner, reports: FinishReport[]): Promise<ReportResult[]> =>
      Promise.all(reports.map((report) => finishOne(from, report))),

    async handBack(from: FromRunner, refs: AttemptRef[], reason: string): Promise<ReportResult[]> {
      const { results } = await handBack(
        db,
        refs.map((ref) => ({ ...from, ref })),
      )
      await Promise.all(
        refs.map(async (ref, i) => {
          fence.forget(ref)
          // What it wrote before stays readable as a finished log.
          if (results[i] === 'accepted') await logs.seal(attemptKey(ref))
        }),
      )
      deps.dispatcher.wake()
      emitFact({
        name: 'job.handed_back',
        level: 'debug',
        count: results.filter((r) => r === 'accepted').length,
        reason,
      })
      return results
    },

    async goodbye(from: FromRunner, state: 'draining' | 'offline'): Promise<void> {
      await goodbye(db, from, state)
    },

    async drain(): Promise<void> {
      await finishTogether.drain()
    },
  }
}

/** Null when its environment cannot be opened: one damaged row must not keep the others from being claimed. */
function assign(job: ClaimedJob, deps: Deps): Assigned | null {
  const { jobKey, number, token, publicId, spec } = job
  try {
    const { env, secret_env: secretEnv } = openEnv(job.envSealed, publicId, deps)
    emitFact({ name: 'job.leased', level: 'debug', id: publicId, attempt: number })
    return { ref: { jobKey, number, token }, publicId, spec, env, secretEnv, ...effectiveLimits(spec, deps.config) }
  } catch (error) {
    emitFact({ name: 'job.env_unreadable', level: 'error', id: publicId, attempt: number, error: String(error) })
    return null
  }
}

function noteFinished(report: FinishReport): void {
  emitFact({
    name: 'attempt.finished',
    level: 'debug',
    job: report.ref.jobKey,
    attempt: report.ref.number,
    state: report.outcome.state,
  })
}

export { shortLog as shortLogOf } from '../logs/short-log.ts'

/** What the wire carries as JSON is checked like any other input. */
export function checkedOutcome(value: unknown): Outcome {
  const state = (value as { state?: JobState } | null)?.state
  if (state === undefined || !isTerminal(state))
    throw new AppError('invalid_argument', 'outcome_json has no final state')
  return value as Outcome
}
