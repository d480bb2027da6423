/** The processes of one attempt: what they are found by, what they are told, and whether any is left. */
import { setTimeout as sleep } from 'node:timers/promises'
import { killTree, pidsOf, thaw, type Tree } from '../kill-tree.ts'
import { childrenOf, commandLineOf, signalTo, startTimeOf, statOf, type ProcessId } from '../processes.ts'
import { statusOf, type BwrapStatus } from '../sandbox/status.ts'
import type { Slot } from './slots.ts'

/** bubblewrap makes its init within milliseconds; 30 s at 100 ticks leaves room for a host that stands still. */
const initWithinTicks = 3000

export interface ProcessTreeParts {
  slot: Slot
  isolated: boolean
  /** The beginning of the command line of a process that has the command as its child (`sandbox/pickup.ts`). */
  around?: string
  /** Beginnings of command lines of what comes before the command. */
  before: string[]
  /** Isolation "none": in the environment of every process of it. */
  marker?: string
  /** What the status pipe has said before. */
  heard?: string
}

export class ProcessTree {
  readonly #parts: ProcessTreeParts
  #main: ProcessId | null = null
  #status = ''
  /** The status pipe is not read on the way any more, and pids may be somebody else's. */
  #over = false

  constructor(parts: ProcessTreeParts) {
    this.#parts = parts
    this.#status = parts.heard ?? ''
  }

  started(main: ProcessId): void {
    this.#main = main
  }

  /** Of the attempt while it runs. */
  now(): Tree {
    const { slot, marker } = this.#parts
    // Not reaped before we hear of its end, so the pid is still its own when it is looked up only now.
    if (this.#main?.startTime === '' && !this.#over) {
      this.#main = { pid: this.#main.pid, startTime: startTimeOf(this.#main.pid) ?? '' }
    }
    const main = this.#main
    const roots = main && main.startTime !== '' ? [main] : []
    const init = this.#initPid()
    const startTime = init === null ? null : startTimeOf(init)
    // A pid that was used again since is younger than its monitor by far; the init is its child, or an orphan by now.
    if (init !== null && startTime !== null && main && Number(startTime) - Number(main.startTime) < initWithinTicks) {
      roots.push({ pid: init, startTime })
    }
    return { cgroups: slot.cgroup.dirs, roots, marker }
  }

  /** From now on nothing is looked up. */
  end(): void {
    this.#over = true
  }

  /** The rest of what bubblewrap reported. */
  addStatus(bytes: Buffer): undefined {
    this.#status += bytes.toString('latin1')
  }

  status(): BwrapStatus {
    return statusOf(this.#status)
  }

  #initPid(): number | null {
    if (!this.#parts.isolated) return null
    if (!this.#over) this.#status += this.#parts.slot.status.waiting()
    return this.status().initPid
  }

  /** The programs that prepare its place have become the command. */
  commandRuns(): boolean {
    if (this.#over) return false
    const { isolated, before, around } = this.#parts
    const init = this.#initPid()
    const main = this.#main?.pid
    const pids = !isolated ? (main === undefined ? [] : [main]) : init === null ? [] : childrenOf(init)
    const isBefore = (line: string): boolean => line === '' || before.some((start) => line.startsWith(start))
    const isAround = (line: string): boolean => around !== undefined && line.startsWith(around)
    return pids.some((pid) => {
      const line = commandLineOf(pid)
      if (!isAround(line)) return !isBefore(line)
      // Its child is the same program until it has become the command.
      return childrenOf(pid).some((child) => {
        const within = commandLineOf(child)
        return !isBefore(within) && !isAround(within)
      })
    })
  }

  /** As the process around it says. */
  commandEnded(): boolean {
    if (!this.#over) this.#status += this.#parts.slot.status.waiting()
    return this.status().commandEnded
  }

  /** SIGTERM to all, but not to the monitor and the sandbox's init, which are ours: for them it is a hard kill. */
  terminate(): void {
    const tree = this.now()
    thaw(tree.cgroups)
    const spared = this.#parts.isolated ? new Set([this.#main?.pid, this.#initPid()]) : new Set()
    for (const pid of pidsOf(tree)) {
      if (spared.has(pid)) continue
      signalTo(pid, 'SIGTERM')
      // A stopped process gets to its handler only when it goes on.
      signalTo(pid, 'SIGCONT')
    }
  }

  /** Seldom is anything left, and then it is a zombie that waits for its parent. False: only a look can tell. */
  isGone(): boolean {
    const { cgroup } = this.#parts.slot
    if (cgroup.dirs.length === 0) return false
    return cgroup.pids().every((pid) => ['Z', 'X', undefined].includes(statOf(pid)?.state))
  }

  /**
   * When the main process is gone: how many of the rest could not be killed. The sandbox's init dies with its monitor
   * and takes everything along; the kernel needs a moment for its namespaces. A kill through the cgroups would be heard
   * no sooner, and its locks are the whole host's.
   */
  async clear(tree: Tree): Promise<number> {
    if (this.#parts.isolated && tree.cgroups.length > 0) {
      for (let wait = 1; wait <= 32; wait *= 2) {
        await sleep(wait)
        if (this.isGone()) return 0
      }
    }
    return killTree(tree)
  }
}
