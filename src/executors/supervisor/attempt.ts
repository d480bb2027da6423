/** One attempt from its launch to its end, in the launcher process: nothing here waits for a runner. */
import type { AttemptOrder, ReportFound, StopReason } from '../executor.ts'
import type { Usage } from '../../job/outcome.ts'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { WayOut } from '../egress/ways-out.ts'
import type { LaunchFailure } from '../launcher/starter.ts'
import { collectOutput, type Collector } from '../output/collect.ts'
import { RecordFile } from '../output/record-file.ts'
import type { SyncGroup } from '../output/sync-group.ts'
import type { ProcessId } from '../processes.ts'
import { emptyHome } from '../sandbox/unisolated.ts'
import { meterOf, type UsageMeter } from '../sandbox/usage.ts'
import type { End } from './end.ts'
import { endOf } from './end-of.ts'
import { createForeword, type Foreword } from './foreword.ts'
import { failedToStart, neverRan, type Death } from './judge.ts'
import type { Kept } from './keeper.ts'
import { patienceMs, PickingUp, type Wrapping } from './picking-up.ts'
import { ProcessTree } from './process-tree.ts'
import { ringAt } from './ring-at.ts'
import type { Slot } from './slots.ts'
import type { StateFile } from './state-file.ts'
import { StopLadder } from './stop-ladder.ts'

/** An attempt that printed something and still runs after this long has its output in a file, where it can be read. */
const quietMs = { alone: 3, crowded: 50 }

export interface AttemptParts {
  order: AttemptOrder
  /** `monotonicMs` */
  keepUntil: number
  slot: Slot
  state: StateFile
  recordFile: string
  unenforced: string[]
  startedAt: number
  marker?: string
  home?: string
  /** Words of programs before the command, which stderr may begin with. */
  foreword: string[]
  /** Beginnings of command lines that are not the command's yet. */
  before: string[]
  /** Of a sandbox that was built ahead: what the status pipe has said before, and how its process is called. */
  heard?: string
  waiter?: string
  wrapping: Wrapping
  wayOut?: WayOut | undefined
  /** Where its report files are kept. */
  reportFile: string
  sync: SyncGroup
  /** Whether few enough run that a file more costs nobody anything. */
  alone(): boolean
  onStarted(): void
  onGrown(): void
  /** The slot is free; `end` is on disk. */
  onEnd(end: End): void
  giveBack(clean: boolean): void
}

export class Attempt implements Kept {
  readonly parts: AttemptParts
  readonly log: RecordFile
  keepUntil: number
  end: End | null = null
  /** Of one that named report files which can be read here. */
  readonly report: PickingUp | null
  readonly #hasStatus: boolean
  readonly #tree: ProcessTree
  readonly #ladder: StopLadder
  readonly #collector: Collector
  readonly #foreword: Foreword
  #cancelTimeout: () => void
  #toFile: NodeJS.Timeout | undefined
  #meter: UsageMeter | undefined
  #dying = false
  #onLaunched: () => void = () => {}
  #onOver: () => void = () => {}

  constructor(parts: AttemptParts) {
    this.parts = parts
    const { order, slot, sync, marker, before, heard, waiter } = parts
    this.keepUntil = parts.keepUntil
    const { wrapping } = parts
    const isolated = order.spec.isolation === 'full'
    this.report = wrapping && 'perl' in wrapping ? new PickingUp(wrapping.perl, order, slot, parts.reportFile) : null
    this.#hasStatus = isolated || this.report !== null
    const around = this.report === null ? undefined : (waiter ?? this.report.line)
    this.#tree = new ProcessTree({ slot, isolated, around, before, marker, heard })
    this.#ladder = this.#makeLadder()
    this.log = new RecordFile(parts.recordFile, { sync, onGrown: () => parts.onGrown() })
    this.#collector = collectOutput({
      sink: this.log,
      secrets: Object.values(order.secretEnv),
      limitBytes: order.limits.output_bytes,
    })
    this.#foreword = createForeword({
      prefixes: parts.foreword,
      commandRuns: () => this.#tree.commandRuns(),
      onReleased: (bytes) => void this.#record('stderr', bytes),
    })
    slot.stdout.open((bytes) => this.#take('stdout', bytes))
    slot.stderr.open((bytes) => this.#take('stderr', bytes))
    if (this.#hasStatus) slot.status.open()
    this.#cancelTimeout = ringAt(monotonicMs() + order.timeoutMs, () => this.#outOfTime())
  }

  /** Its own time ends with the command; what its files take is bounded, since the word for that end is the job's user's. */
  #outOfTime(): void {
    const { order } = this.parts
    const more = this.report !== null && this.#tree.commandEnded() ? patienceMs(order) : 0
    const stop = (): void => void this.stop('timeout', order.stopGraceMs)
    if (more === 0) stop()
    else this.#cancelTimeout = ringAt(monotonicMs() + more, stop)
  }

  #makeLadder(): StopLadder {
    return new StopLadder({
      tree: this.#tree,
      waitForCommand: this.#hasStatus,
      launched: new Promise((resolve) => (this.#onLaunched = resolve)),
      over: new Promise((resolve) => (this.#onOver = resolve)),
      isDying: () => this.#dying,
      onUnkillable: (remaining) => void this.#finish({ code: null, signal: 'SIGKILL', remaining }),
    })
  }

  #take(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> | undefined {
    const passed = stream === 'stderr' ? this.#foreword.take(bytes) : bytes
    return passed === null ? undefined : this.#record(stream, passed)
  }

  #record(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> | undefined {
    const wait = this.#collector.take(stream, bytes)
    if (!this.log.inFile && !this.#dying) {
      this.#toFile ??= setTimeout(() => this.log.toFile(), this.parts.alone() ? quietMs.alone : quietMs.crowded)
    }
    return wait
  }

  started(main: ProcessId): void {
    const { state, slot, marker } = this.parts
    this.#tree.started(main)
    const unwritten = state.launched({ pid: main.pid, start_time: main.startTime })
    const hasCgroup = slot.cgroup.dirs.length > 0
    if (!hasCgroup) this.#meter = meterOf(() => this.#tree.now())
    this.#onLaunched()
    // A full disk: what a later launcher could not find must not run.
    if (unwritten && !hasCgroup && marker === undefined) {
      void this.#finish({ code: null, signal: null, lost: `its process cannot be recorded: ${unwritten.message}` })
    }
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

  expire(): void {
    void this.stop('keeper', 0)
  }

  stop(reason: StopReason, graceMs: number): Promise<void> {
    return this.#ladder.stop(reason, graceMs)
  }

  usage(): Usage {
    return this.#meter ? this.#meter.read() : this.parts.slot.cgroup.usage()
  }

  /** The main process is gone: what it left running in the background goes with it, then the rest of the output comes. */
  async #finish(death: Death): Promise<void> {
    if (this.#dying) return
    const tree = this.#tree.isGone() ? null : this.#tree.now()
    this.#dying = true
    this.#tree.end()
    this.#cancelTimeout()
    clearTimeout(this.#toFile)
    const endedAt = Date.now()
    const remaining = death.remaining ?? (tree === null ? 0 : await this.#tree.clear(tree))
    const clean = this.#drain() && remaining === 0
    this.#judge(death)
    const writing = this.#collector.finish()
    if (writing) await writing
    const { startedAt, unenforced, wayOut } = this.parts
    const notReached = wayOut && (await wayOut.close())
    const { reason } = this.#ladder
    const finding = this.#reportFound()
    const report = finding instanceof Promise ? await finding : finding
    const usage = this.usage()
    const { filesLate } = this.#tree.status()
    const end = endOf(death, {
      startedAt,
      endedAt,
      reason,
      usage,
      remaining,
      unenforced,
      report,
      filesLate,
      notReached,
    })
    this.#meter?.stop()
    this.#close(end, clean)
  }

  /** Not awaited by those that named none. */
  #reportFound(): Promise<ReportFound> | ReportFound | undefined {
    const { wrapping } = this.parts
    return wrapping && 'cannot' in wrapping ? { path: null, trouble: wrapping.cannot } : this.report?.found()
  }

  /** True when the pipes are as good as new. */
  #drain(): boolean {
    const { slot } = this.parts
    const stdout = slot.stdout.finish((bytes) => this.#take('stdout', bytes))
    const stderr = slot.stderr.finish((bytes) => this.#take('stderr', bytes))
    const report = this.report?.drain() ?? true
    const status = !this.#hasStatus || slot.status.finish((bytes) => this.#tree.addStatus(bytes))
    return stdout && stderr && status && report
  }

  /** Did the command ever run? Then the first words on stderr were its own. */
  #judge(death: Death): void {
    const { order, slot, foreword } = this.parts
    const held = this.#foreword.release()
    death.oomKills = slot.cgroup.oomKills()
    death.reported = order.spec.isolation === 'full' ? this.#tree.status().exitCode : null
    death.execFailed = this.#tree.status().execFailed
    if (this.#ladder.reason === undefined && death.lost === undefined) {
      death.refused ??= neverRan(death, order, this.#foreword.words(), foreword)
    }
    if (!death.refused) void this.#collector.take('stderr', held)
  }

  #close(end: End, clean: boolean): void {
    const { home, giveBack, state, onEnd } = this.parts
    if (home !== undefined) emptyHome(home)
    giveBack(clean)
    this.end = end
    state.ended(end)
    onEnd(end)
    this.#onOver()
  }
}
