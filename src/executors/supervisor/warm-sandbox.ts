/** A sandbox that was built before its job is known: it waits in its slot for the one command it will ever run. */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { killTree } from '../kill-tree.ts'
import type { LaunchFailure } from '../launcher/starter.ts'
import { startTimeOf, type ProcessId } from '../processes.ts'
import { statusOf } from '../sandbox/status.ts'
import type { Slot } from './slots.ts'

/** Who hears what the starter tells of a process. */
export interface Launched {
  started(main: ProcessId): void
  failed(failure: LaunchFailure): void
  exited(code: number | null, signal: string | null): void
}

export interface Proof {
  /** Nothing of it is left in the slot's pipes, and no process. */
  clean: boolean
  cgroupClean: boolean
}

export class WarmSandbox implements Launched {
  readonly id: string
  readonly slot: Slot
  /** What it was built as: only an order with the same text can have it. */
  readonly key: string
  /** Of its process, before anybody took it. */
  over = false
  readonly #pipe: number
  readonly #onDeath: () => void
  #status = ''
  #main: ProcessId | null = null
  #taker: Launched | null = null
  #expiry: NodeJS.Timeout | undefined
  readonly #launched = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()

  constructor(id: string, slot: Slot, key: string, onDeath: () => void) {
    this.id = id
    this.slot = slot
    this.key = key
    this.#onDeath = onDeath
    // For both, so that what is written waits for a reader who has not come yet.
    this.#pipe = openSync(slot.order, constants.O_RDWR | constants.O_NONBLOCK)
  }

  started(main: ProcessId): void {
    this.#main = main
    this.#launched.resolve()
  }

  failed(failure: LaunchFailure): void {
    this.#end((taker) => taker.failed(failure))
  }

  exited(code: number | null, signal: string | null): void {
    this.#end((taker) => taker.exited(code, signal))
  }

  /** The starter is gone, and takes its children along. The taker hears of it by itself. */
  lost(): void {
    this.#end(() => {})
  }

  #end(tell: (taker: Launched) => void): void {
    if (this.over) return
    this.over = true
    clearTimeout(this.#expiry)
    closeSync(this.#pipe)
    this.#launched.resolve()
    this.#ended.resolve()
    if (this.#taker) tell(this.#taker)
    this.#onDeath()
  }

  /** Unless it is taken or dead by then. */
  expireIn(ms: number, expire: () => void): void {
    this.#expiry = setTimeout(expire, ms)
    this.#expiry.unref()
  }

  get taken(): boolean {
    return this.#taker !== null
  }
  /** The starter has forked it; it may still be building. */
  get isStarted(): boolean {
    return this.#main !== null && !this.over
  }
  /** It waits for its command. */
  isWaiting(): boolean {
    if (!this.taken) this.#status += this.slot.status.waiting()
    return statusOf(this.#status).waiting
  }
  /** What its status pipe has said so far, for the taker. */
  heard(): string {
    this.isWaiting()
    return this.#status
  }

  /** From here on it is the taker's: its time, its use of the host, its end. */
  handOver(taker: Launched, command: Buffer): void {
    this.#taker = taker
    clearTimeout(this.#expiry)
    this.slot.cgroup.restart()
    this.#write(command, 0)
    if (this.#main) taker.started(this.#main)
  }

  /** A long command does not fit into the pipe at once. */
  #write(command: Buffer, from: number): void {
    if (this.over) return
    let written = 0
    try {
      written = writeSync(this.#pipe, command, from)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
    if (from + written < command.length) setTimeout(() => this.#write(command, from + written), 1)
  }

  /** Kills it and proves that its slot is as good as new. */
  async remove(): Promise<Proof> {
    await this.#launched.promise
    const { cgroup, stdout, stderr, status, report } = this.slot
    await killTree({ cgroups: cgroup.dirs, roots: this.#roots() })
    await this.#ended.promise
    const remaining = await killTree({ cgroups: cgroup.dirs, roots: [] })
    let clean = remaining === 0
    for (const pipe of [stdout, stderr, status, ...(report ? [report] : [])])
      clean = pipe.finish(() => undefined) && clean
    return { clean, cgroupClean: clean && cgroup.reusable(false) }
  }

  /** At the very start it is not in its cgroup yet. Until we have heard of its end its pid is its own. */
  #roots(): ProcessId[] {
    if (!this.#main || this.over) return []
    const { pid } = this.#main
    return [{ pid, startTime: startTimeOf(pid) ?? '' }]
  }
}
