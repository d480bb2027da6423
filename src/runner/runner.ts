/**
 * The runner: registers, claims what fits, and lets each attempt live its life (`run-attempt.ts`). When the server is
 * away the jobs run on and their reports wait; when the runner must go, jobs finish or are handed back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Executor } from '../executors/executor.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { isPassing, linkBackoff, pauseMs, untilAnswered } from './backoff.ts'
import { createCapacity, type Capacity } from './capacity.ts'
import { monotonicMs } from './clock.ts'
import type { ControlPlane, Registered, RunnerDescription } from './control-plane.ts'
import { diskIsFull } from './disk-room.ts'
import { findServer } from './find-server.ts'
import { startHeartbeats, type Heartbeats, type StartHeartbeats } from './heartbeats.ts'
import { createHeldAttempts, type HeldAttempts } from './held-attempts.ts'
import { findLeftovers, sortLeftovers } from './leftovers.ts'
import { createLink } from './link.ts'
import { createLogShipper } from './log-shipper.ts'
import { createReporter } from './reporter.ts'
import type { ServerAddress } from './grpc-control-plane.ts'
import { createStartFailures } from './start-failures.ts'
import { createSyncGroup } from './sync-group.ts'

export interface RunnerOptions {
  server: ControlPlane
  /** Where the heartbeat thread finds the same server. */
  address: ServerAddress
  description: RunnerDescription
  executor: Executor
  attemptsDir: string
  drainMs: number
  launcherSocket?: string
  onRegistered?: () => void
  heartbeats?: StartHeartbeats
  /** Without leftovers, a server must be found within this time. */
  firstContactMs?: number
  claimWaitMs?: number
  silenceMs?: number
}

/** How long a stopping runner waits for a server that does not answer. */
const lastWordsMs = 5_000
const hurriedWordsMs = 2_000
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
  readonly #startFailures = createStartFailures()
  #heartbeats: Heartbeats | undefined
  #poll: AbortController | undefined
  #wake: () => void = () => {}
  #superseded: AppError | undefined

  constructor(options: RunnerOptions) {
    this.#options = options
    const { server, executor, attemptsDir, description } = options
    const onTrouble = (error: unknown) => this.#link.lost(error)
    this.#capacity = createCapacity(description)
    this.#held = createHeldAttempts({
      tools: {
        executor,
        attemptsDir,
        shipper: createLogShipper(server, this.#over.signal, onTrouble),
        reporter: createReporter(server, this.#over.signal, onTrouble),
        sync: createSyncGroup(),
        startFailures: this.#startFailures,
      },
      capacity: this.#capacity,
      onChange: () => this.#heartbeats?.hold(this.#held.leases()),
      onFreed: (hadReservation) => {
        this.#wake()
        if (hadReservation) this.#poll?.abort() // its numbers are out of date
      },
    })
  }

  /** First call: no new jobs, what runs may finish. Second: stop at once. */
  stop(): void {
    if (this.#draining.signal.aborted) this.#hurry.abort()
    this.#draining.abort()
    this.#poll?.abort()
    this.#wake()
  }

  /** Resolves when the runner has stopped; rejects when it cannot work at all. */
  async run(): Promise<void> {
    const left = await findLeftovers(this.#options.attemptsDir)
    const registered = await findServer({
      ...this.#options,
      mustWait: left.some(({ state }) => state !== null),
      link: this.#link,
      signal: this.#draining.signal,
    })
    if (registered === null) return
    const { ours } = await sortLeftovers(left, registered.held, this.#options.executor)
    this.#startHeartbeats(registered)
    const keepUntil = monotonicMs() + keepForMs(registered)
    for (const { place, state } of ours) this.#held.resume(place, state, keepUntil)
    this.#options.onRegistered?.()
    void this.#watchCancels()
    try {
      await this.#claimUntilDraining(registered)
    } finally {
      await this.#drain()
      this.#over.abort()
      await Promise.race([this.#held.emptied(), sleep(1_000, undefined, { ref: false })])
      await this.#heartbeats?.stop()
    }
    if (this.#superseded) throw this.#superseded
  }

  #startHeartbeats({ runnerId, heartbeatMs, ...times }: Registered): void {
    const { address, description, launcherSocket, silenceMs = 300_000 } = this.#options
    const identity = { runnerId, session: description.session }
    this.#heartbeats = (this.#options.heartbeats ?? startHeartbeats)(
      { address, identity, heartbeatMs, keepForMs: keepForMs(times), silenceMs, launcherSocket },
      {
        onAnswer: (answer, keepUntil) => this.#held.heard(answer, keepUntil),
        onFailure: (code, message) => {
          emitFact({ name: 'runner.heartbeat_failed', level: 'warn', code, reason: message })
          if (code === 'failed_precondition') this.#endSession(message)
        },
      },
    )
    this.#heartbeats.hold(this.#held.leases())
  }

  async #claimUntilDraining(registered: Registered): Promise<void> {
    while (!this.#draining.signal.aborted) {
      try {
        if (await this.#hasRoom()) await this.#claim(registered)
      } catch (error) {
        if (this.#draining.signal.aborted) return
        if (isAppError(error) && error.code === 'not_found') registered = await this.#registerAgain(registered)
        else if (!isPassing(error)) this.#endSession(isAppError(error) ? error.message : String(error))
        else {
          this.#link.lost(error)
          await this.#link.pause(this.#draining.signal)
        }
      }
    }
  }

  /** Waits while every slot is taken, the disk is full or starts keep failing. */
  async #hasRoom(): Promise<boolean> {
    if (this.#held.awaited().length > 0) return true // a claim of nothing delivers their secrets
    const pause = this.#startFailures.pauseMs()
    if (pause > 0) await sleep(pause, undefined, { signal: this.#draining.signal })
    if (this.#capacity.free().slots === 0) {
      await this.#rest(30_000)
      return this.#capacity.free().slots > 0
    }
    if (!(await diskIsFull(this.#options.attemptsDir))) return true
    emitFact({ name: 'runner.disk_full', level: 'warn', dir: this.#options.attemptsDir })
    await this.#handBackUndelivered('its runner has no disk space left')
    await this.#rest(5_000)
    return false
  }

  async #claim(registered: Registered): Promise<void> {
    const { server, claimWaitMs = 10_000 } = this.#options
    const free = this.#capacity.free()
    const waitMs = free.slots > 0 ? Math.min(claimWaitMs, Math.floor(keepForMs(registered) / 5)) : 0
    const askedAt = monotonicMs()
    this.#poll = new AbortController()
    const signal = AbortSignal.any([this.#poll.signal, this.#draining.signal])
    const watch = setInterval(() => void this.#endPollOnFullDisk(), 1_000)
    try {
      const assignments = await server.claim(
        { ...free, held: this.#held.refs(), deliverAgain: this.#held.awaited(), waitMs },
        signal,
      )
      this.#link.back()
      // The lease may be as old as the question. One that this process overslept is not begun: the next claim delivers
      // it again, fresh, if it is still ours.
      const keepUntil = askedAt + keepForMs(registered)
      if (keepUntil - monotonicMs() < keepForMs(registered) / 2) return
      for (const assignment of assignments) this.#held.take(assignment, keepUntil)
      if (assignments.length === 0 && waitMs === 0) await this.#rest(1_000)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      clearInterval(watch)
      this.#poll = undefined
    }
  }

  /** The disk may fill up while we wait for work that it could not take. */
  async #endPollOnFullDisk(): Promise<void> {
    const poll = this.#poll
    if (await diskIsFull(this.#options.attemptsDir).catch(() => false)) poll?.abort()
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
    const { server, drainMs, description } = this.#options
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
    const none = { slots: 0, cpuMillis: 0, memoryMib: 0, deliverAgain: [], waitMs: 0 }
    await this.#lastWords(
      server.claim({ ...none, held: this.#held.leases() }, this.#over.signal).then(async (assignments) => {
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

  /** Sleeps until something changes. */
  async #rest(ms: number): Promise<void> {
    if (this.#draining.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => {}
  }

  /** Another process took this runner's name, or the server refuses us for good. */
  #endSession(reason: string): void {
    this.#superseded = new AppError('failed_precondition', `this runner may not go on: ${reason}`)
    this.#held.abandonAll()
    this.stop()
  }
}

/** 50 s of the usual 60: the keeper's bound lies ten seconds before the server may give the job away. */
const keepForMs = ({ leaseMs, graceMs }: Pick<Registered, 'leaseMs' | 'graceMs'>): number =>
  Math.round(((leaseMs + graceMs) * 5) / 6)
