/**
 * The server's side of the runner port, whatever the transport. A runner has no rights of its own: every message is
 * fenced by its attempt's (key, number, token) and by the runner process that sends it, whose id must be its own.
 */
import { AppError, isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { createGroupCommit } from '../lib/group-commit.ts'
import type { Outcome } from '../job/outcome.ts'
import { checkProtocol } from '../job/runner-protocol.ts'
import { isTerminal, type JobState } from '../job/state.ts'
import type { ShortLog } from '../logs/log-store.ts'
import { finish } from '../queue/finish.ts'
import { handBack } from '../queue/hand-back.ts'
import { heartbeat, stillHeld } from '../queue/heartbeat.ts'
import { takeLogs, tellLogsOver } from '../queue/log-places.ts'
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
import { createRunnerIdentities, type RunnerPeer, type Speaker } from './runner-identity.ts'
import { createStaleAudit, type StaleKind } from './stale-audit.ts'

export type { RunnerPeer, Speaker } from './runner-identity.ts'

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
  const { db, config, logs, logKeeper, logWatch } = deps
  const leaseSeconds = config.leaseSeconds
  const { here } = logKeeper
  const fence = createFence(async (items) => {
    const held = await takeLogs(db, items, here.server)
    logWatch.took(items.filter((_, i) => held[i]).map(({ ref }) => attemptKey(ref)))
    return held
  }, config.heartbeatSeconds * 1000)
  logWatch.whenTaken((name) => fence.forget(name))
  const cancels = createRunnerCancels(db)
  const identities = createRunnerIdentities(deps)
  const noteStale = createStaleAudit(deps, identities)

  const noteResults = async (
    from: Speaker,
    kind: StaleKind,
    items: readonly { ref: AttemptRef }[],
    results: readonly ReportResult[],
  ): Promise<void> => {
    if (!results.includes('stale')) return
    const stale = items.filter((_, i) => results[i] === 'stale')
    await noteStale(
      from,
      kind,
      stale.map(({ ref }) => ref),
    )
  }

  /** Finishes of several calls and runners share one transaction, and their short logs one fsync. */
  const finishTogether = createGroupCommit<Finishing, Finished>(
    async (items) => {
      const sealShort = (short: Finishing[]) =>
        logs.sealShort(short.map(({ ref, shortLog }) => ({ attemptKey: attemptKey(ref), log: shortLog! })))
      const { results } = await finish(db, items, sealShort, here)
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
    const { ref, outcome, log } = report
    let item: Finishing | ReportResult
    if (log === undefined) item = await sealAppended(from, report)
    else if (!here.shared) item = { ...from, ref, outcome, log: 'short', shortLog: log }
    else item = mayShare ? await shareShort(from, report, log) : 'stale'
    if (typeof item === 'string') return item
    const result = await finishTogether.add(item)
    fence.forget(ref)
    if (result === 'accepted' && log === undefined) {
      logWatch.done(attemptKey(ref))
      logKeeper.settled(attemptKey(ref))
    }
    if (result === 'accepted') noteFinished(report)
    return result === 'log_refused' ? 'log_incomplete' : result
  }

  return {
    async register(description: Omit<RunnerDescription, 'certificateId'> & { protocol: number }, peer: RunnerPeer) {
      checkProtocol(description)
      const { name, hostname } = description
      await identities.mayBeCalled(peer, name)
      const certificateId = peer.kind === 'certificate' ? peer.id : null
      const { runnerId, held, tookOverFrom } = await registerRunner(db, { ...description, certificateId })
      identities.learn(runnerId, { name, certified: certificateId !== null })
      emitFact({ name: 'runner.registered', runner: name, id: runnerId, held: held.length })
      if (tookOverFrom !== null) {
        emitFact({ name: 'runner.taken_over', level: 'warn', runner: name, by: hostname, from: tookOverFrom })
      }
      return {
        runnerId,
        held,
        heartbeatMs: config.heartbeatSeconds * 1000,
        leaseMs: leaseSeconds * 1000,
        graceMs: config.graceSeconds * 1000,
      }
    },

    async claim(offer: RunnerOffer & Speaker, waitMs: number, signal: AbortSignal): Promise<Assigned[]> {
      await identities.check(offer, 'claim')
      const claimed = await deps.dispatcher.request(offer, Math.min(waitMs, longestWaitMs), signal)
      return claimed.flatMap((job) => assign(job, deps) ?? [])
    },

    async heartbeat(from: Speaker, held: AttemptRef[]): Promise<HeartbeatResult> {
      await identities.check(from, 'heartbeat')
      const answers = await heartbeat(db, [{ ...from, held }], { leaseSeconds })
      const answer = answers.get(from.runnerId) ?? { renewed: [], cancel: [], kill: [], stale: held }
      for (const ref of answer.stale) fence.forget(ref)
      if (answer.stale.length > 0) await noteStale(from, 'heartbeat', answer.stale)
      return answer
    },

    /** What the database's notices name; a lost one is made good by the next heartbeat. */
    cancelled: (ids: readonly string[]) => cancels.cancelled(ids),

    async *cancels(from: Speaker, signal: AbortSignal) {
      await identities.check(from, 'watch_cancels')
      yield* cancels.watch(from.runnerId, signal)
    },

    async started(
      from: Speaker,
      items: { ref: AttemptRef; startedAt: Date; unenforced: string[] }[],
    ): Promise<ReportResult[]> {
      await identities.check(from, 'started')
      const { results } = await started(
        db,
        items.map((item) => ({ ...from, ...item })),
      )
      await noteResults(from, 'started', items, results)
      return results
    },

    async appendLog(from: Speaker, chunks: LogChunk[]) {
      await identities.check(from, 'append_log')
      const refs = chunks.map((chunk) => chunk.ref)
      const held = await fence.holds(from, refs)
      if (held.includes(false)) {
        await noteStale(
          from,
          'append_log',
          refs.filter((_, i) => held[i] === false),
        )
      }
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
    async finish(from: Speaker, reports: FinishReport[]): Promise<ReportResult[]> {
      await identities.check(from, 'finish')
      // A short log goes to the shared store before its end is written, so it is asked first whose it is.
      const short = here.shared ? reports.filter((report) => report.log) : []
      const held = await stillHeld(
        db,
        short.map(({ ref }) => ({ ...from, ref })),
      )
      const mayShare = new Set(short.filter((_, i) => held[i]))
      const results = await Promise.all(reports.map((report) => finishOne(from, report, mayShare.has(report))))
      await noteResults(from, 'finish', reports, results)
      return results
    },

    async handBack(from: Speaker, refs: AttemptRef[], reason: string): Promise<ReportResult[]> {
      await identities.check(from, 'hand_back')
      const { results } = await handBack(
        db,
        refs.map((ref) => ({ ...from, ref })),
      )
      for (const ref of refs) fence.forget(ref)
      // What it wrote before stays readable as a finished log, wherever it is.
      const over = refs.filter((_, i) => results[i] === 'accepted').map(attemptKey)
      await Promise.all(over.filter((key) => logWatch.has(key)).map((key) => logs.seal(key)))
      await tellLogsOver(db, over)
      deps.dispatcher.wake()
      emitFact({
        name: 'job.handed_back',
        level: 'debug',
        count: results.filter((r) => r === 'accepted').length,
        reason,
      })
      await noteResults(
        from,
        'hand_back',
        refs.map((ref) => ({ ref })),
        results,
      )
      return results
    },

    async goodbye(from: Speaker, state: 'draining' | 'offline'): Promise<void> {
      await identities.check(from, 'goodbye')
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
