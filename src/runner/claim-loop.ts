/**
 * Asks for work while there is room: one claim at a time, for all free slots at once. Messages take no slot, so with all
 * of them taken it goes on asking for messages alone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { isPassing } from './backoff.ts'
import type { Capacity, Reservation, Room } from './capacity.ts'
import { monotonicMs } from './clock.ts'
import type { ControlPlane, Registered } from './control-plane.ts'
import { createDiskRoom } from './disk-room.ts'
import type { HeldAttempts } from './held-attempts.ts'
import { keepForMs } from './keep-for.ts'
import type { Link } from './link.ts'
import type { StartFailures } from './start-failures.ts'

export interface ClaimLoopOptions {
  server: Pick<ControlPlane, 'claim'>
  held: HeldAttempts
  capacity: Capacity
  slots: number
  startFailures: StartFailures
  link: Link
  /** On the disk that takes the logs; with a full one there are no new jobs. */
  attemptsDir: string
  claimWaitMs?: number
  /** No new jobs from now on. */
  draining: AbortSignal
  /** Leases whose delivery our own abort cut off go back at once. */
  handBackUndelivered(reason: string): Promise<void>
  /** The server does not know this runner any more. */
  onUnknown(before: Registered): Promise<Registered>
  /** The server refuses this runner for good. */
  onRefused(reason: string): void
}

/** Under load: so long may free slots wait for company before the next claim. */
const gatherMs = 5
/** Jobs that are over sooner than this cost no claim for messages alone: the next one asks for both. */
const aloneMs = 500

export class ClaimLoop {
  readonly #options: ClaimLoopOptions
  readonly #diskIsFull: () => boolean
  #poll: AbortController | undefined
  /** What the claim that is under way asks for. */
  #asked: Room | undefined
  #wake: () => void = () => {}
  /** The last claim brought as much as it asked for, so there is more. */
  #moreWaits = false

  constructor(options: ClaimLoopOptions) {
    this.#options = options
    this.#diskIsFull = createDiskRoom(options.attemptsDir)
    options.draining.addEventListener('abort', () => {
      this.#poll?.abort()
      this.#wake()
    })
  }

  /** The numbers of a claim that is under way are out of date if this is more than a slot, or the first of its kind. */
  freed({ slot, cpuMillis, memoryMib }: Reservation): void {
    this.#wake()
    const asksForNone = this.#asked?.[slot === null ? 'messages' : 'slots'] === 0
    if (asksForNone || cpuMillis + memoryMib > 0) this.#poll?.abort()
  }

  /** The runner keeps back more than before, or less: a claim that is under way asks for the wrong number. */
  resized(): void {
    this.#wake()
    this.#poll?.abort()
  }

  async run(registered: Registered): Promise<void> {
    const { draining, link, onUnknown, onRefused } = this.#options
    while (!draining.aborted) {
      try {
        if (await this.#hasRoom()) await this.#claim(registered)
      } catch (error) {
        if (draining.aborted) return
        if (isAppError(error) && error.code === 'not_found') registered = await onUnknown(registered)
        else if (!isPassing(error)) onRefused(isAppError(error) ? error.message : String(error))
        else {
          link.lost(error)
          await link.pause(draining)
        }
      }
    }
  }

  /** Waits while nothing would fit, the disk is full or starts keep failing. */
  async #hasRoom(): Promise<boolean> {
    const { startFailures, capacity, draining, attemptsDir } = this.#options
    const pause = startFailures.pauseMs()
    if (pause > 0) await sleep(pause, undefined, { signal: draining })
    const room = capacity.free()
    if (room.slots === 0) {
      await this.#rest(room.messages > 0 ? aloneMs : 30_000)
      const { slots, messages } = capacity.free()
      if (slots === 0 && messages === 0) return false
    }
    if (this.#moreWaits) await this.#gatherSlots()
    if (!this.#diskIsFull()) return true
    emitFact({ name: 'runner.disk_full', level: 'warn', dir: attemptsDir })
    await this.#options.handBackUndelivered('its runner has no disk space left')
    await this.#rest(5_000)
    return false
  }

  /** A claim costs as much for one slot as for all: under load it waits a moment until half of them are free. */
  async #gatherSlots(): Promise<void> {
    const { capacity, slots } = this.#options
    const until = monotonicMs() + gatherMs
    for (let left = gatherMs; left > 0 && capacity.free().slots < slots / 2; left = until - monotonicMs()) {
      await this.#rest(left)
    }
  }

  async #claim(registered: Registered): Promise<void> {
    const { server, capacity, held, link, claimWaitMs = 10_000, draining } = this.#options
    if (draining.aborted) return
    const keepFor = keepForMs(registered)
    const free = capacity.free()
    const askedAt = monotonicMs()
    this.#asked = free
    this.#poll = new AbortController()
    const { signal } = this.#poll
    // The disk may fill up while we wait for work that it could not take.
    const watch = setInterval(() => this.#diskIsFull() && this.#poll?.abort(), 1_000)
    try {
      const waitMs = Math.min(claimWaitMs, Math.floor(keepFor / 5))
      const assignments = await server.claim({ ...free, held: held.refs(), waitMs }, signal)
      link.back()
      // The lease may be as old as the question. One that this process overslept is not begun: the next claim delivers
      // it again, fresh, if it is still ours.
      const keepUntil = askedAt + keepFor
      if (keepUntil - monotonicMs() < keepFor / 2) return
      const jobs = assignments.filter(({ spec }) => spec.executor !== 'message').length
      if (free.slots > 0) this.#moreWaits = jobs >= free.slots
      for (const assignment of assignments) held.take(assignment, keepUntil)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      clearInterval(watch)
      this.#poll = undefined
      this.#asked = undefined
    }
  }

  /** Sleeps until something changes. */
  async #rest(ms: number): Promise<void> {
    if (this.#options.draining.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => {}
  }
}
