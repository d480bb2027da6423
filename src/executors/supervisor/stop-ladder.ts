/** SIGTERM to all, grace, SIGKILL to all until 0 remain. */
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { StopReason } from '../executor.ts'
import { killTree } from '../kill-tree.ts'
import type { ProcessTree } from './process-tree.ts'

/** Uninterruptible sleep: after this long we say what remains instead of waiting for ever. */
const unkillableMs = 30_000
/** Timers hold 31 bits. */
const longestTimer = 2_000_000_000

export interface Ladder {
  tree: ProcessTree
  /** Whether SIGTERM would reach anybody else than the command, as long as that does not run. */
  waitForCommand: boolean
  /** Before that there is nothing that a signal could reach. */
  launched: Promise<void>
  /** Its main process has ended. */
  isDying(): boolean
  over: Promise<void>
  /** So many could not be killed. */
  onUnkillable(remaining: number): void
}

export class StopLadder {
  readonly #ladder: Ladder
  #reason: StopReason | undefined
  #killAt = Infinity
  #climbing: Promise<void> | null = null
  #hurry: () => void = () => {}

  constructor(ladder: Ladder) {
    this.#ladder = ladder
  }

  /** The first one stays. */
  get reason(): StopReason | undefined {
    return this.#reason
  }

  stop(reason: StopReason, graceMs: number): Promise<void> {
    if (this.#ladder.isDying()) return this.#ladder.over
    this.#reason ??= reason
    this.#killAt = Math.min(this.#killAt, monotonicMs() + graceMs)
    this.#hurry()
    return (this.#climbing ??= this.#climb())
  }

  async #climb(): Promise<void> {
    const { tree, launched, over } = this.#ladder
    await launched
    if (this.#ladder.waitForCommand) await this.#commandRuns()
    if (this.#hasTime()) tree.terminate()
    while (this.#hasTime()) await this.#patience()
    await this.#kill()
    await over
  }

  #hasTime(): boolean {
    return !this.#ladder.isDying() && monotonicMs() < this.#killAt
  }

  /** SIGTERM is for the command. While bubblewrap is still building the sandbox it would reach nobody. */
  async #commandRuns(): Promise<void> {
    for (let wait = 1; this.#hasTime() && !this.#ladder.tree.commandRuns(); wait = Math.min(wait + 1, 10)) {
      await sleep(wait)
    }
  }

  #patience(): Promise<void> {
    const left = Math.min(longestTimer, Math.max(1, this.#killAt - monotonicMs()))
    const hurried = new Promise<void>((resolve) => (this.#hurry = resolve))
    return Promise.race([this.#ladder.over, sleep(left, undefined, { ref: false }), hurried])
  }

  async #kill(): Promise<void> {
    const { tree, isDying, onUnkillable } = this.#ladder
    if (isDying()) return
    const remaining = await killTree(tree.now(), unkillableMs, isDying)
    if (remaining > 0) onUnkillable(remaining)
  }
}
