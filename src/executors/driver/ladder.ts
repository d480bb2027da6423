/**
 * SIGTERM to all, grace, SIGKILL to all until its end is known. A place that does not answer is told again; its driver
 * says at the latest when the backstop there has fired for certain how it ended.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { StopReason } from '../executor.ts'
import type { Driven } from './driver.ts'

const killAgainMs = 5_000
const longestTimer = 2_000_000_000

export interface LadderOf {
  /** Undefined until it runs, or for good when its start was given up. */
  running: Promise<Pick<Driven, 'signal'> | undefined>
  giveUpStart(): void
  over: Promise<void>
  isOver(): boolean
}

export class DrivenLadder {
  readonly #of: LadderOf
  #reason: StopReason | undefined
  #killAt = Infinity
  #climbing: Promise<void> | null = null
  #hurry: () => void = () => {}

  constructor(of: LadderOf) {
    this.#of = of
  }

  /** The first one stays. */
  get reason(): StopReason | undefined {
    return this.#reason
  }

  stop(reason: StopReason, graceMs: number): Promise<void> {
    if (this.#of.isOver()) return this.#of.over
    this.#reason ??= reason
    this.#killAt = Math.min(this.#killAt, monotonicMs() + graceMs)
    this.#of.giveUpStart()
    this.#hurry()
    return (this.#climbing ??= this.#climb())
  }

  async #climb(): Promise<void> {
    const running = await this.#of.running
    if (running === undefined) return this.#of.over
    if (this.#left() > 0) void running.signal('TERM').catch(() => {})
    while (this.#left() > 0) await this.#patience(this.#left())
    while (!this.#of.isOver()) {
      void running.signal('KILL').catch(() => {})
      await this.#patience(killAgainMs)
    }
  }

  /** Ms until SIGKILL; 0: now, or it is over. */
  #left(): number {
    return this.#of.isOver() ? 0 : Math.max(0, this.#killAt - monotonicMs())
  }

  #patience(ms: number): Promise<void> {
    const hurried = new Promise<void>((resolve) => (this.#hurry = resolve))
    return Promise.race([this.#of.over, sleep(Math.min(longestTimer, ms), undefined, { ref: false }), hurried])
  }
}
