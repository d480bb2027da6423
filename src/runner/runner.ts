/**
 * The runner: registers, claims what fits, and lets each attempt live its life (`run-attempt.ts`). When the server is
 * away the jobs run on and their reports wait; when the runner must go, jobs finish or are handed back.
 */
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Executor } from '../executors/executor.ts'
import { shareOfLabel } from '../job/inputs.ts'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { linkBackoff, pauseMs, untilAnswered } from './backoff.ts'
import { createCapacity, type Capacity } from './capacity.ts'
import { ClaimLoop } from './claim-loop.ts'
import { monotonicMs } from './clock.ts'
import type { AttemptRef, ControlPlane, Registered, RunnerDescription } from './control-plane.ts'
import { findServer } from './find-server.ts'
import { isFinal, startHeartbeats, type Heartbeats, type StartHeartbeats } from './heartbeats.ts'
import type { HostLoad } from './load/host-load.ts'
import { createHeldAttempts, type HeldAttempts } from './held-attempts.ts'
import { keepForMs } from './keep-for.ts'
import { createLink } from './link.ts'
import { fetchArtifacts } from './fetch-artifacts.ts'
import { createHelperTools, type HelperTools } from './helpers/serve-attempt.ts'
import { createArtifactSender } from './send-artifacts.ts'
import { createLogShipper } from './log-shipper.ts'
import { createReporter } from './reporter.ts'
import { resumeLeftBehind } from './resume.ts'
import type { ServerAddress } from './server-address.ts'
import type { Shares } from './shares.ts'
import { newShownDir, sweepShownDirs } from './shown-dirs.ts'
import { createStartFailures } from './start-failures.ts'

export interface RunnerOptions {
  server: ControlPlane
  /** Where the heartbeat thread finds the same server. */
  address: ServerAddress
  description: RunnerDescription
  executor: Executor
  /** On the disk that takes the logs; with a full one there are no new jobs. */
  attemptsDir: string
  drainMs: number
  holderSockets?: string[]
  onRegistered?: () => void
  /** The connection of `server` is to be made anew. */
  onRenewed?: () => void
  heartbeats?: StartHeartbeats
  shares?: Shares
  elsewhere?: { states(): unknown; watch(onChange: () => Promise<void>, signal: AbortSignal): void }
  /** Of a runner that takes less while its host is busy. */
  load?: HostLoad | undefined
  /** Without leftovers, a server must be found within this time. */
  firstContactMs?: number
  claimWaitMs?: number
  silenceMs?: number
}

/** How long a stopping runner waits for a server that does not answer. */
const lastWordsMs = 5_000
const hurriedWordsMs = 2_000
/** A server that is away hears of it with the next registration. */
const describeMs = 2_000
/** From SIGTERM to SIGKILL for what could not finish within the drain. */
const shutdownGraceMs = 1_000

export class Runner {
  readonly #options: RunnerOptions
  /** Aborted when nothing more is to be said to the server. */
  readonly #over = new AbortController()
  /** Aborted at the first request to stop. */
  readonly #draining = new AbortController()
  /** Aborted at the second. */
  readonly #hurry = new AbortController()
  readonly #capacity: Capacity
  readonly #held: HeldAttempts
  readonly #link = createLink()
  readonly #helpers: HelperTools
  readonly #startFailures = createStartFailures()
  readonly #claims: ClaimLoop
  #heartbeats: Heartbeats | undefined
  #superseded: AppError | undefined

  constructor(options: RunnerOptions) {
    this.#options = options
    const { server, executor, description } = options
    const onTrouble = (error: unknown) => this.#link.lost(error)
    this.#capacity = createCapacity(description, options.load && (() => options.load!.held()))
    const newDir = (): string => newShownDir(options.attemptsDir)
    const spoolDir = join(dirname(options.attemptsDir), 'outputs')
    this.#helpers = createHelperTools({ server, spoolDir, newDir, signal: this.#over.signal })
    this.#held = createHeldAttempts({
      tools: {
        executor,
        shipper: createLogShipper(server, this.#over.signal, noteLogTrouble(onTrouble)),
        reporter: createReporter(server, this.#over.signal, onTrouble),
        startFailures: this.#startFailures,
        shares: options.shares,
        artifacts: {
          newDir,
          fetch: (attempt, dir, signal) =>
            fetchArtifacts(attempt, dir, server, AbortSignal.any([this.#over.signal, signal])),
          send: createArtifactSender(server, this.#over.signal, onTrouble),
        },
        helpers: this.#helpers,
      },
      capacity: this.#capacity,
      onChange: () => this.#heartbeats?.changed(),
      onFreed: (reservation) => this.#claims.freed(reservation),
    })
    this.#claims = new ClaimLoop({
      ...options,
      slots: description.slots,
      held: this.#held,
      capacity: this.#capacity,
      startFailures: this.#startFailures,
      link: this.#link,
      draining: this.#draining.signal,
      handBackUndelivered: (reason) => this.#handBackUndelivered(reason),
      onUnknown: (before) => this.#registerAgain(before),
      onRefused: (reason) => this.#endSession(reason),
    })
  }

  /** First call: no new jobs, what runs may finish. Second: stop at once. */
  stop(): void {
    if (this.#draining.signal.aborted) this.#hurry.abort()
    this.#draining.abort()
  }

  /** The credentials on disk are new: both links take them up, and nothing that runs notices. */
  renewed(): void {
    this.#options.onRenewed?.()
    this.#heartbeats?.renewed()
  }

  /** Resolves when the runner has stopped; rejects when it cannot work at all. */
  async run(): Promise<void> {
    const { executor } = this.#options
    const left = await executor.attempts()
    const registered = await findServer({
      ...this.#options,
      mustWait: left.length > 0,
      link: this.#link,
      signal: this.#draining.signal,
    })
    if (registered === null) return
    resumeLeftBehind(left, registered.held, this.#held, monotonicMs() + keepForMs(registered))
    this.#startHeartbeats(registered)
    await sweep(executor)
    await sweepShownDirs(this.#options.attemptsDir, this.#held.shownDirs())
    this.#options.onRegistered?.()
    void this.#watchCancels()
    this.#options.shares?.watch(() => this.#describe(), this.#over.signal)
    this.#options.elsewhere?.watch(() => this.#describe(), this.#over.signal)
    this.#followLoad()
    try {
      await this.#claims.run(registered)
    } finally {
      await this.#drain()
      this.#over.abort()
      await Promise.race([this.#held.emptied(), sleep(1_000, undefined, { ref: false })])
      await this.#heartbeats?.stop()
      if (this.#held.size() === 0) await this.#helpers.close()
    }
    if (this.#superseded) throw this.#superseded
  }

  #startHeartbeats({ runnerId, heartbeatMs, ...times }: Registered): void {
    const { address, description, holderSockets, silenceMs = 300_000 } = this.#options
    const identity = { runnerId, session: description.session }
    this.#heartbeats = (this.#options.heartbeats ?? startHeartbeats)(
      { address, identity, heartbeatMs, keepForMs: keepForMs(times), silenceMs, holderSockets },
      {
        held: () => this.#held.refs(),
        onAnswer: (answer, keepUntil) => this.#held.heard(answer, keepUntil),
        onFailure: (code, message) => {
          emitFact({ name: 'runner.heartbeat_failed', level: 'warn', code, reason: message })
          if (isFinal(code)) this.#endSession(message)
        },
      },
    )
  }

  async #registerAgain(before: Registered): Promise<Registered> {
    emitFact({ name: 'runner.unknown', level: 'warn', runner: before.runnerId })
    const { server, description } = this.#options
    const registered = await untilAnswered(() => server.register(description), this.#draining.signal).catch(() => null)
    if (registered === null) return before
    await this.#heartbeats?.stop()
    this.#startHeartbeats(registered)
    return registered
  }

  #followLoad(): void {
    const { load, description } = this.#options
    const { slots, cpuMillis } = description
    load?.watch(
      {
        whole: () => ({ slots, cpuMillis, reservedMib: this.#capacity.reservedMib() }),
        onChange: () => this.#claims.resized(),
        onFigures: () => void this.#describe(),
      },
      this.#draining.signal,
    )
  }

  /** The shares are not what they were. */
  async #describe(): Promise<void> {
    const { server, description, shares, elsewhere, load } = this.#options
    Object.assign(description, describedBy({ shares, elsewhere, load }, description))
    const { labels, facilities } = description
    await Promise.race([server.describe({ labels, facilities }), sleep(describeMs, undefined, { ref: false })]).catch(
      (error: unknown) => emitFact({ name: 'runner.not_described', level: 'warn', reason: String(error) }),
    )
  }

  async #watchCancels(): Promise<void> {
    const { signal } = this.#over
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        for await (const cancel of this.#options.server.cancels(signal)) {
          failures = 0
          this.#held.cancel(cancel)
        }
      } catch {
        // Only a hint: the heartbeat's answer brings every cancel too.
      }
      await sleep(pauseMs(Math.max(1, failures), linkBackoff), undefined, { signal }).catch(() => {})
    }
  }

  async #drain(): Promise<void> {
    const { server, executor, drainMs, description } = this.#options
    void executor.cool()
    emitFact({ name: 'runner.draining', runner: description.name, running: this.#held.size() })
    if (!this.#superseded) {
      await this.#handBackUndelivered('its runner shut down') // before the goodbye: afterwards nothing is delivered
      await this.#lastWords(server.goodbye('draining'))
    }
    await Promise.race([this.#held.emptied(), this.#patience(drainMs)])
    this.#hurry.signal.addEventListener('abort', () => this.#held.shutDown(0))
    this.#held.shutDown(this.#hurry.signal.aborted ? 0 : shutdownGraceMs)
    await Promise.race([this.#held.emptied(), this.#patience(shutdownGraceMs + lastWordsMs)])
    // After a second signal only as long as killing and handing back take.
    if (this.#hurry.signal.aborted) {
      await Promise.race([this.#held.emptied(), sleep(hurriedWordsMs, undefined, { ref: false })])
    }
    if (!this.#superseded) await this.#lastWords(server.goodbye('offline'))
    emitFact({ name: 'runner.stopped', runner: description.name, left: this.#held.size() })
  }

  /** A lease whose delivery our own abort cut off would only expire; asked for again, it can be handed back. */
  async #handBackUndelivered(reason: string): Promise<void> {
    const { server } = this.#options
    const none = { slots: 0, messages: 0, cpuMillis: 0, memoryMib: 0, waitMs: 0 }
    await this.#lastWords(
      server.claim({ ...none, held: this.#held.refs() }, this.#over.signal).then(async (assignments) => {
        const refs = assignments.map(({ jobKey, number, token }) => ({ jobKey, number, token }))
        if (refs.length > 0) await server.handBack(refs, reason)
      }),
    )
  }

  async #lastWords(call: Promise<unknown>): Promise<void> {
    await Promise.race([call.catch(() => {}), this.#patience(lastWordsMs)])
  }

  async #patience(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#hurry.signal, ref: false }).catch(() => {})
  }

  /** Another process took this runner's name, or the server refuses us for good. */
  #endSession(reason: string): void {
    this.#superseded = new AppError('failed_precondition', `this runner may not go on: ${reason}`)
    this.#held.abandonAll(reason)
    this.stop()
  }
}

/** What changes while a runner lives. */
export interface Changing {
  shares?: Pick<Shares, 'labels' | 'states'> | undefined
  elsewhere?: { states(): unknown } | undefined
  load?: Pick<HostLoad, 'state'> | undefined
}

/** The same, as these are now. */
export function describedBy(
  { shares, elsewhere, load }: Changing,
  { labels, facilities }: Pick<RunnerDescription, 'labels' | 'facilities'>,
): Pick<RunnerDescription, 'labels' | 'facilities'> {
  const others = Object.entries(labels).filter(([label, value]) => shareOfLabel(`${label}=${value}`) === null)
  return {
    labels: { ...Object.fromEntries(others), ...shares?.labels() },
    facilities: {
      ...(facilities as object),
      ...(shares && { inputs: shares.states() }),
      ...(elsewhere && { elsewhere: elsewhere.states() }),
      ...(load && { load: load.state() }),
    },
  }
}

/** Processes that no attempt of ours is known for, e.g. of a lost disk. */
async function sweep(executor: Executor): Promise<void> {
  const killed = await executor.sweep()
  if (killed > 0) emitFact({ name: 'runner.swept', level: 'warn', killed })
}

/** A log that cannot be read is no fault of the link. */
const noteLogTrouble = (linkLost: (error: unknown) => void) => (error: unknown, ref?: AttemptRef) => {
  if (ref === undefined) return linkLost(error)
  emitFact({ name: 'log.not_shipped', level: 'error', job: ref.jobKey, attempt: ref.number, reason: String(error) })
}
