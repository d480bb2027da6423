/** One attempt from its launch to its end, in the launcher process: nothing here waits for a runner. */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptOrder, Ended, StopReason } from '../executor.ts'
import type { Usage } from '../../job/outcome.ts'
import { killTree, pidsOf, thaw, type Tree } from '../kill-tree.ts'
import type { LaunchFailure } from '../launcher/starter.ts'
import { collectOutput, type Collector } from '../output/collect.ts'
import { RecordFile } from '../output/record-file.ts'
import type { SyncGroup } from '../output/sync-group.ts'
import { childrenOf, commandLineOf, signalTo, startTimeOf, statOf, type ProcessId } from '../processes.ts'
import { signalOf, statusOf } from '../sandbox/status.ts'
import { emptyHome } from '../sandbox/unisolated.ts'
import { meterOf, type UsageMeter } from '../sandbox/usage.ts'
import type { End } from './end.ts'
import { createForeword, type Foreword } from './foreword.ts'
import { failedToStart, neverRan, type Death } from './judge.ts'
import type { Slot } from './slots.ts'
import type { StateFile } from './state-file.ts'

/** Uninterruptible sleep: after this long we say what remains instead of waiting for ever. */
const unkillableMs = 30_000
/** Timers hold 31 bits. */
const longestTimer = 2_000_000_000
/** An attempt that printed something and still runs after this long has its output in a file, where it can be read. */
const quietMs = { alone: 3, crowded: 50 }

export interface AttemptParts {
  order: AttemptOrder
  slot: Slot
  state: StateFile
  recordFile: string
  unenforced: string[]
  startedAt: number
  marker?: string
  home?: string
  /** Words of programs before the command, which stderr may begin with. */
  foreword: string[]
  /** Beginnings of command lines inside the sandbox that are not the command's. */
  before: string[]
  sync: SyncGroup
  /** Whether few enough run that a file more costs nobody anything. */
  alone(): boolean
  onStarted(): void
  onGrown(): void
  /** The slot is free; `end` is on disk. */
  onEnd(end: End): void
  giveBack(clean: boolean): void
}

export class Attempt {
  readonly parts: AttemptParts
  readonly log: RecordFile
  keepUntil: number
  end: End | null = null
  readonly #collector: Collector
  readonly #foreword: Foreword
  readonly #timer: NodeJS.Timeout
  #toFile: NodeJS.Timeout | undefined
  #main: ProcessId | null = null
  #meter: UsageMeter | undefined
  #status = ''
  #dying = false
  #reason: StopReason | undefined
  #killAt = Infinity
  #climbing: Promise<void> | null = null
  #hurry: () => void = () => {}
  readonly #launched: Promise<void>
  #onLaunched: () => void = () => {}
  readonly over: Promise<void>
  #onOver: () => void = () => {}

  constructor(parts: AttemptParts) {
    this.parts = parts
    const { order, slot, sync } = parts
    this.keepUntil = performance.now() + order.keepForMs
    this.#launched = new Promise((resolve) => (this.#onLaunched = resolve))
    this.over = new Promise((resolve) => (this.#onOver = resolve))
    this.log = new RecordFile(parts.recordFile, { sync, onGrown: () => parts.onGrown() })
    this.#collector = collectOutput({
      sink: this.log,
      secrets: Object.values(order.secretEnv),
      limitBytes: order.limits.output_bytes,
    })
    this.#foreword = createForeword(parts.foreword)
    slot.stdout.open((bytes) => this.#take('stdout', bytes))
    slot.stderr.open((bytes) => this.#take('stderr', bytes))
    if (order.spec.isolation === 'full') slot.status.open()
    this.#timer = this.#armWallTime(performance.now() + order.timeoutMs)
  }

  #armWallTime(at: number): NodeJS.Timeout {
    const left = at - performance.now()
    const ring = (): void => {
      if (performance.now() + 1 < at) this.#timer.refresh()
      else void this.stop('timeout', this.parts.order.stopGraceMs)
    }
    return setTimeout(ring, Math.min(Math.max(1, left), longestTimer))
  }

  #take(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> | undefined {
    const passed = stream === 'stderr' ? this.#foreword.take(bytes) : bytes
    if (passed === null) return undefined
    const wait = this.#collector.take(stream, passed)
    if (!this.log.inFile && !this.#dying) {
      this.#toFile ??= setTimeout(() => this.log.toFile(), this.parts.alone() ? quietMs.alone : quietMs.crowded)
    }
    return wait
  }

  started(main: ProcessId): void {
    this.#main = main
    this.parts.state.launched({ pid: main.pid, start_time: main.startTime })
    if (this.parts.slot.cgroup.dirs.length === 0) this.#meter = meterOf(() => this.#tree())
    this.#onLaunched()
    this.parts.onStarted()
  }

  /** It was never the command. */
  failed(failure: LaunchFailure): void {
    this.#onLaunched()
    void this.#finish({ code: null, signal: null, refused: failedToStart(failure, this.parts.order) })
  }

  exited(code: number | null, signal: string | null): void {
    void this.#finish({ code, signal })
  }

  /** Its starter died: the kernel has killed the main process, and how it ended nobody will hear. */
  lost(why: string): void {
    this.#onLaunched()
    void this.#finish({ code: null, signal: null, lost: why })
  }

  #tree(): Tree {
    const { slot, marker } = this.parts
    // Not reaped before we hear of its end, so the pid is still its own when it is looked up only now.
    if (this.#main?.startTime === '' && !this.#dying) {
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

  #initPid(): number | null {
    if (this.parts.order.spec.isolation !== 'full') return null
    if (!this.#dying) this.#status += this.parts.slot.status.waiting()
    return statusOf(this.#status).initPid
  }

  usage(): Usage {
    return this.#meter ? this.#meter.read() : this.parts.slot.cgroup.usage()
  }

  /** SIGTERM to all, grace, SIGKILL to all until 0 remain. The first reason stays. */
  stop(reason: StopReason, graceMs: number): Promise<void> {
    if (this.#dying) return this.over
    this.#reason ??= reason
    this.#killAt = Math.min(this.#killAt, performance.now() + graceMs)
    this.#hurry()
    return (this.#climbing ??= this.#climb())
  }

  async #climb(): Promise<void> {
    // Before that there is nothing that a signal could reach.
    await this.#launched
    await this.#commandIsThere()
    if (!this.#dying && this.#killAt > performance.now()) this.#terminate()
    while (!this.#dying && performance.now() < this.#killAt) {
      const patience = sleep(Math.min(longestTimer, Math.max(1, this.#killAt - performance.now())), undefined, {
        ref: false,
      })
      await Promise.race([this.over, patience, new Promise<void>((resolve) => (this.#hurry = resolve))])
    }
    if (!this.#dying) {
      const remaining = await killTree(this.#tree(), unkillableMs, () => this.#dying)
      if (remaining > 0) void this.#finish({ code: null, signal: 'SIGKILL', remaining })
    }
    await this.over
  }

  /** SIGTERM is for the command. While bubblewrap is still building the sandbox it would reach nobody. */
  async #commandIsThere(): Promise<void> {
    if (this.parts.order.spec.isolation === 'none') return
    for (let wait = 1; !this.#dying && performance.now() < this.#killAt; wait = Math.min(wait + 1, 10)) {
      const init = this.#initPid()
      const lines = init === null ? [] : childrenOf(init).map(commandLineOf)
      if (lines.some((line) => line !== '' && !this.parts.before.some((start) => line.startsWith(start)))) return
      await sleep(wait)
    }
  }

  #terminate(): void {
    const tree = this.#tree()
    thaw(tree.cgroups)
    // The monitor and the sandbox's init are ours: TERM to the monitor would be a hard kill of the sandbox.
    const spared = this.parts.order.spec.isolation === 'none' ? new Set() : new Set([this.#main?.pid, this.#initPid()])
    for (const pid of pidsOf(tree)) {
      if (spared.has(pid)) continue
      signalTo(pid, 'SIGTERM')
      // A stopped process gets to its handler only when it goes on.
      signalTo(pid, 'SIGCONT')
    }
  }

  /** The main process is gone: what it left running in the background goes with it, then the rest of the output comes. */
  async #finish(death: Death): Promise<void> {
    if (this.#dying) return
    const tree = this.#isGone() ? null : this.#tree()
    this.#dying = true
    clearTimeout(this.#timer)
    clearTimeout(this.#toFile)
    const endedAt = Date.now()
    const remaining = death.remaining ?? (tree === null ? 0 : await this.#clearTree(tree))
    const clean = this.#drain(death, remaining)
    const writing = this.#collector.finish()
    if (writing) await writing
    const end = this.#endOf(death, remaining, endedAt)
    this.#meter?.stop()
    if (this.parts.home !== undefined) emptyHome(this.parts.home)
    this.parts.giveBack(clean)
    this.end = end
    this.parts.state.ended(end)
    this.parts.onEnd(end)
    this.#onOver()
  }

  /**
   * The sandbox's init dies with its monitor and takes everything along; the kernel needs a moment for its namespaces.
   * A kill through the cgroups would be heard no sooner, and its locks are the whole host's.
   */
  async #clearTree(tree: Tree): Promise<number> {
    if (this.parts.order.spec.isolation === 'full' && tree.cgroups.length > 0) {
      for (let wait = 1; wait <= 32; wait *= 2) {
        await sleep(wait)
        if (this.#isGone()) return 0
      }
    }
    return killTree(tree)
  }

  /** Seldom is anything left, and then it is a zombie that waits for its parent. */
  #isGone(): boolean {
    const { cgroup } = this.parts.slot
    if (cgroup.dirs.length === 0) return false
    return cgroup.pids().every((pid) => ['Z', 'X', undefined].includes(statOf(pid)?.state))
  }

  /** True when the slot is as good as new. */
  #drain(death: Death, remaining: number): boolean {
    const { order, slot } = this.parts
    let clean = slot.stdout.finish((bytes) => this.#take('stdout', bytes))
    clean = slot.stderr.finish((bytes) => this.#take('stderr', bytes)) && clean
    if (order.spec.isolation === 'full') {
      const add = (bytes: Buffer): undefined => void (this.#status += bytes.toString('latin1'))
      clean = slot.status.finish(add) && clean
    }
    death.oomKills = slot.cgroup.oomKills()
    death.reported = order.spec.isolation === 'full' ? statusOf(this.#status).exitCode : null
    if (this.#reason === undefined && death.lost === undefined)
      death.refused ??= neverRan(death, order, this.#foreword.words(), this.parts.foreword)
    if (!death.refused) void this.#collector.take('stderr', this.#foreword.held())
    return clean && remaining === 0
  }

  #endOf(death: Death, remaining: number, endedAt: number): End {
    if (death.lost !== undefined) return { lost: death.lost }
    if (death.refused) return { refused: { errorClass: death.refused.errorClass, message: death.refused.message } }
    return { ended: this.#result(death, remaining, endedAt) }
  }

  #result(death: Death, remaining: number, endedAt: number): Extract<End, { ended: unknown }>['ended'] {
    const { code, signal, reported = null, oomKills = 0 } = death
    // Without bubblewrap's line the monitor itself was killed, and its own end is the attempt's.
    const killed = reported === null && signal !== null
    const exitCode = killed ? null : (reported ?? code)
    const bySignal = killed ? signal : signalOf(exitCode)
    const ended: Omit<Ended, 'startedAt' | 'endedAt'> = {
      exitCode,
      signal: bySignal,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      oomKills,
      oomKilled: oomKills > 0 && bySignal === 'SIGKILL',
      usage: this.usage(),
      remaining,
      unenforced: this.parts.unenforced,
    }
    return { ...ended, startedAt: this.parts.startedAt, endedAt }
  }
}

/** bubblewrap makes its init within milliseconds; 30 s at 100 ticks leaves room for a host that stands still. */
const initWithinTicks = 3000
