/**
 * The server's side of the runner port, whatever the transport. A runner has no rights of its own: every message is
 * fenced by its attempt's (key, number, token) and by the runner process that sends it, whose id must be its own.
 */
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { ArtifactCaps, ArtifactFile } from '../job/artifacts.ts'
import type { HelperCall } from '../job/helper-protocol.ts'
import type { HttpOrder } from '../job/http-request.ts'
import type { PlaceOrder } from '../job/place.ts'
import type { Outcome } from '../job/outcome.ts'
import { checkProtocol } from '../job/runner-protocol.ts'
import type { SealedEnv } from '../job/spec.ts'
import { isTerminal, type JobState } from '../job/state.ts'
import { handBack } from '../queue/hand-back.ts'
import { heartbeat } from '../queue/heartbeat.ts'
import { takeLogs, tellLogsOver } from '../queue/log-places.ts'
import { describeRunner, goodbye, registerRunner, type RunnerDescription } from '../queue/runners.ts'
import { started } from '../queue/started.ts'
import { attemptKey, type AttemptRef, type ClaimedJob, type HeartbeatResult, type RunnerOffer } from '../queue/types.ts'
import { createArtifactPort } from './artifact-port.ts'
import type { Deps } from './deps.ts'
import { createHelperPort } from './helper-port.ts'
import { createHostResults } from './host-results.ts'
import { effectiveLimits, type EffectiveLimits } from './limits.ts'
import { openEnv } from './new-job.ts'
import { placeOrders } from './place-order.ts'
import { createFence } from './runner-fence.ts'
import { createRunnerCancels } from './runner-cancels.ts'
import { createFinishing, type FinishReport, type ReportResult } from './runner-finishing.ts'
import { createRunnerIdentities, type RunnerPeer, type Speaker } from './runner-identity.ts'
import { createStaleAudit, type StaleKind } from './stale-audit.ts'

export { checkedTests } from './tests.ts'
export type { FinishReport, ReportResult } from './runner-finishing.ts'
export type { RunnerPeer, Speaker } from './runner-identity.ts'

export interface Assigned extends EffectiveLimits {
  artifactCaps: ArtifactCaps
  ref: AttemptRef
  publicId: string
  spec: ClaimedJob['spec']
  env: Record<string, string>
  secretEnv: Record<string, string>
  script?: NonNullable<SealedEnv['script']>
  http?: HttpOrder
  place?: PlaceOrder
}

export interface LogChunk {
  ref: AttemptRef
  offset: number
  bytes: Uint8Array
}

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

  const finishing = createFinishing(deps, fence)
  const artifacts = createArtifactPort(deps)
  const helpers = createHelperPort(deps)
  const hostResults = createHostResults(deps)

  return {
    async register(description: Omit<RunnerDescription, 'certificateId'> & { protocol: number }, peer: RunnerPeer) {
      checkProtocol(description)
      const { name, hostname } = description
      await identities.mayBeCalled(peer, name)
      const certificateId = peer.kind === 'certificate' ? peer.id : null
      const { runnerId, held, tookOverFrom } = await registerRunner(db, { ...description, certificateId }, config)
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

    async describe(from: Speaker, change: Pick<RunnerDescription, 'labels' | 'facilities'>): Promise<void> {
      await identities.check(from, 'describe')
      // A label that came may be what a job waits for.
      if (await describeRunner(db, from, change)) deps.dispatcher.wake()
    },

    async claim(offer: RunnerOffer & Speaker, waitMs: number, signal: AbortSignal): Promise<Assigned[]> {
      await identities.check(offer, 'claim')
      const claimed = await deps.dispatcher.request(offer, Math.min(waitMs, longestWaitMs), signal)
      const places = await placeOrders(deps, claimed)
      hostResults.began(claimed)
      return claimed.flatMap((job) => assign(job, deps, places.get(job.jobKey)) ?? [])
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
          const result = await appended
          emitFact({ name: 'log.received', level: 'debug', bytes: chunk.bytes.length })
          return { ...result, stale: false }
        }),
      )
    },

    /** Answered only when the log is sealed durable and the outcome committed. */
    async finish(from: Speaker, reports: FinishReport[]): Promise<ReportResult[]> {
      await identities.check(from, 'finish')
      const results = await finishing.finish(from, reports)
      await hostResults.ended(from, reports, results)
      await noteResults(from, 'finish', reports, results)
      return results
    },

    async offerArtifacts(from: Speaker, ref: AttemptRef, files: readonly ArtifactFile[]) {
      await identities.check(from, 'put_artifact')
      return artifacts.offer(from, ref, files)
    },

    /** Answered only when it is durable and written down. */
    async putArtifact(from: Speaker, ref: AttemptRef, file: ArtifactFile, bytes: AsyncIterable<Uint8Array>) {
      await identities.check(from, 'put_artifact')
      return artifacts.put(from, ref, file, bytes)
    },

    async listArtifacts(from: Speaker, ref: AttemptRef) {
      await identities.check(from, 'get_artifact')
      return artifacts.inputs(from, ref)
    },

    async *getArtifact(from: Speaker, ref: AttemptRef, id: string) {
      await identities.check(from, 'get_artifact')
      yield* artifacts.get(from, ref, id)
    },

    async callHelper(from: Speaker, ref: AttemptRef, call: HelperCall) {
      await identities.check(from, 'call_helper')
      const answer = await helpers.call(from, ref, call)
      if ('error' in answer && answer.error.code === 'unauthenticated') await noteStale(from, 'call_helper', [ref])
      return answer
    },

    async openInput(from: Speaker, ref: AttemptRef) {
      await identities.check(from, 'get_input')
      return helpers.openInput(from, ref)
    },

    async handBack(from: Speaker, refs: AttemptRef[], reason: string): Promise<ReportResult[]> {
      await identities.check(from, 'hand_back')
      const { results } = await handBack(
        db,
        refs.map((ref) => ({ ...from, ref })),
      )
      for (const ref of refs) fence.forget(ref)
      hostResults.over(refs)
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
      await finishing.drain()
      await hostResults.drain()
    },
  }
}

/** Null when its environment cannot be opened: one damaged row must not keep the others from being claimed. */
function assign(job: ClaimedJob, deps: Deps, place: PlaceOrder | undefined): Assigned | null {
  const { jobKey, number, token, publicId, spec } = job
  try {
    const { env, secret_env: secretEnv, script, request } = openEnv(job.envSealed, publicId, deps)
    emitFact({ name: 'job.leased', level: 'debug', id: publicId, attempt: number })
    const artifactCaps = { bytes: deps.config.artifactBytes, files: deps.config.artifactFiles }
    const limits = effectiveLimits(spec, deps.config)
    const http = request && { request, allow: deps.config.httpAllow }
    const more = { ...(script && { script }), ...(http && { http }), ...(place && { place }) }
    return { ref: { jobKey, number, token }, publicId, spec, env, secretEnv, artifactCaps, ...limits, ...more }
  } catch (error) {
    emitFact({ name: 'job.env_unreadable', level: 'error', id: publicId, attempt: number, error: String(error) })
    return null
  }
}

export { shortLog as shortLogOf } from '../logs/short-log.ts'

/** What the wire carries as JSON is checked like any other input. */
export function checkedOutcome(value: unknown): Outcome {
  const state = (value as { state?: JobState } | null)?.state
  if (state === undefined || !isTerminal(state))
    throw new AppError('invalid_argument', 'outcome_json has no final state')
  return value as Outcome
}
