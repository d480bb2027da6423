/** One attempt that runs elsewhere, from its start to its end, in the driver process: nothing here waits for a runner. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Usage } from '../../job/outcome.ts'
import { monotonicMs } from '../../lib/monotonic.ts'
import { AttemptLost, StartRefused, type AttemptOrder, type StopReason } from '../executor.ts'
import { collectOutput, type Collector } from '../output/collect.ts'
import { RecordFile } from '../output/record-file.ts'
import type { SyncGroup } from '../output/sync-group.ts'
import type { End } from '../supervisor/end.ts'
import type { Kept } from '../supervisor/keeper.ts'
import { ringAt } from '../supervisor/ring-at.ts'
import { recordFileOf, unlinkIfThere } from '../supervisor/state-file.ts'
import type { Driven, DrivenEnd, Driver, DriversConfig, DriveTools } from './driver.ts'
import { DrivenLadder } from './ladder.ts'
import { removeState, writeState, type DrivenState } from './state.ts'

export interface DrivenParts {
  driver: Driver
  config: DriversConfig
  state: DrivenState
  /** Absent: found on disk, and its runner knows it no more. */
  order: AttemptOrder | undefined
  /** Of the record file of one that was found. */
  recorded?: { length: number; stdout: number; stderr: number }
  sync: SyncGroup
  onGrown(): void
  onEnd(end: End): void
}

/** What printed something and still runs after this long has its output in a file, where it can be read. */
const quietMs = 50
const clearAgainMs = [500, 2_000, 10_000, 30_000]

export class DrivenAttempt implements Kept {
  readonly state: DrivenState
  readonly log: RecordFile
  end: End | null = null
  readonly #parts: DrivenParts
  readonly #collector: Collector
  readonly #giveUp = new AbortController()
  readonly #ladder: DrivenLadder
  readonly #listeners: (() => void)[] = []
  #running = Promise.withResolvers<Driven | undefined>()
  #over = Promise.withResolvers<void>()
  #driven: Driven | undefined
  #cancelTimeout: () => void = () => {}
  #toFile: NodeJS.Timeout | undefined
  #dying = false
  #expired = false
  /** Nobody knows its secrets any more: what it prints could not be masked, so none of it is recorded. */
  readonly #muted: boolean
  #clearing: Promise<void> | undefined

  constructor(parts: DrivenParts) {
    this.#parts = parts
    const { state, config, order, recorded, sync } = parts
    this.state = state
    this.#muted = state.secret && order === undefined
    this.log = new RecordFile(recordFileOf(config.dir, state.key), {
      sync,
      onGrown: () => parts.onGrown(),
      ...(recorded && { from: recorded.length }),
    })
    this.#collector = collectOutput({
      sink: this.log,
      secrets: Object.values(order?.secretEnv ?? {}),
      limitBytes: state.output_bytes,
      ...(recorded && { already: { stdout: recorded.stdout, stderr: recorded.stderr } }),
    })
    this.#ladder = new DrivenLadder({
      running: this.#running.promise,
      giveUpStart: () => this.#giveUp.abort(),
      over: this.#over.promise,
      isOver: () => this.#dying,
    })
  }

  get keepUntil(): number {
    return this.#expired ? Infinity : this.state.keep_until
  }
  /** Infinity is the keeper's word for work that it has done, and nothing for the disk. */
  set keepUntil(at: number) {
    if (at === Infinity) this.#expired = true
    else this.extend(at)
  }
  get secrets(): string[] | undefined {
    const { order } = this.#parts
    return order?.helpersDir === undefined ? undefined : Object.values(order.secretEnv)
  }

  /** Never makes it shorter. A disk that does not take it makes the time of a successor shorter, not ours. */
  extend(keepUntil: number): void {
    if (keepUntil <= this.state.keep_until) return
    this.state.keep_until = keepUntil
    try {
      this.#write()
    } catch {
      // Said with the next word that must be on disk.
    }
    for (const listener of this.#listeners) listener()
  }

  expire(): void {
    void this.stop('keeper', 0)
  }

  stop(reason: StopReason, graceMs: number): Promise<void> {
    return this.#ladder.stop(reason, graceMs)
  }

  async usage(): Promise<Usage> {
    return (await this.#driven?.usage().catch(() => ({}))) ?? {}
  }

  /** Rejects with what the driver said when it never ran; then nothing of it is left. */
  async start(): Promise<void> {
    const { driver, order } = this.#parts
    try {
      this.#runs(await driver.start(order!, this.#tools()))
    } catch (error) {
      this.#running.resolve(undefined)
      if (error instanceof AttemptLost) return this.#finish({ lost: error.message })
      await this.#neverRan()
      throw error
    }
  }

  /** Of one that was found on disk; what becomes of it is told by its end. One without its secrets is ended. */
  async attach(): Promise<void> {
    const { driver, order, state } = this.#parts
    const { key, handle, started_at: startedAt } = state
    try {
      this.#runs(await driver.attach({ key, handle, startedAt, order }, this.#tools()))
      if (this.#muted) void this.stop('keeper', 0)
    } catch (error) {
      this.#running.resolve(undefined)
      const { message } = error as Error
      await this.#finish({ lost: error instanceof AttemptLost ? message : `it could not be found again: ${message}` })
    }
  }

  #runs(driven: Driven): void {
    this.#driven = driven
    this.state.unenforced = driven.unenforced
    this.state.started_at = driven.startedAt
    this.#startClock()
    driven.ended.then(
      (end) => this.#finish(end),
      (error: Error) => this.#finish(error instanceof StartRefused ? refusalOf(error) : { lost: error.message }),
    )
    this.#running.resolve(driven)
  }

  /** Its wall time begins when it runs, and goes on where it was for one that was found. */
  #startClock(): void {
    const { state } = this
    state.due_at ??= monotonicMs() + state.timeout_ms
    try {
      this.#write()
    } catch {
      // It runs, and its handle is on disk.
    }
    this.#cancelTimeout = ringAt(state.due_at, () => void this.stop('timeout', state.stop_grace_ms))
  }

  async #neverRan(): Promise<void> {
    this.#dying = true
    clearTimeout(this.#toFile)
    await this.log.close().catch(() => {})
    unlinkIfThere(this.log.path)
    removeState(this.#parts.config.dir, this.state.key)
    this.#over.resolve()
  }

  #tools(): DriveTools {
    return {
      config: this.#parts.config,
      output: (stream, bytes) => this.#take(stream, bytes),
      save: (handle) => {
        this.state.handle = handle
        this.#write()
      },
      signal: this.#giveUp.signal,
      keepForMs: () => Math.max(0, this.state.keep_until - monotonicMs()),
      onExtended: (listener) => void this.#listeners.push(listener),
    }
  }

  #write(): void {
    if (!this.#dying || this.end) writeState(this.#parts.config.dir, this.state)
  }

  #take(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> | undefined {
    if (this.#dying || this.#muted) return undefined
    // The driver may use its buffer again.
    const wait = this.#collector.take(stream, Buffer.from(bytes))
    if (!this.log.inFile) this.#toFile ??= setTimeout(() => this.log.toFile(), quietMs)
    return wait
  }

  async #finish(how: DrivenEnd | { lost: string } | Extract<End, { refused: unknown }>): Promise<void> {
    if (this.#dying) return
    this.#dying = true
    this.#cancelTimeout()
    clearTimeout(this.#toFile)
    await this.#collector.finish()
    // Whoever finds its end on disk finds its output there too.
    if (!this.log.empty) this.log.toFile()
    await this.log.settled()
    this.end = 'lost' in how || 'refused' in how ? how : { ended: this.#resultOf(how) }
    this.state.end = this.end
    try {
      this.#write()
    } catch {
      // A successor calls it lost.
    }
    void this.#clear()
    this.#parts.onEnd(this.end)
    this.#over.resolve()
  }

  #resultOf(end: DrivenEnd): Extract<End, { ended: unknown }>['ended'] {
    const { unenforced = this.state.unenforced, endedAt = Date.now(), oomKilled, ...rest } = end
    const { reason } = this.#ladder
    return {
      ...rest,
      unenforced,
      oomKilled: oomKilled && reason === undefined,
      oomKills: oomKilled ? 1 : 0,
      ...(reason === undefined ? {} : { reason }),
      startedAt: this.state.started_at,
      endedAt: Math.max(endedAt, this.state.started_at),
    }
  }

  /** A place that does not answer is asked again for a while; what stays is found by its tag at the next start. */
  #clear(): Promise<void> {
    return (this.#clearing ??= this.#clearAll())
  }

  async #clearAll(): Promise<void> {
    for (const pause of [...clearAgainMs, 0]) {
      try {
        return await this.#driven?.clear()
      } catch {
        if (pause > 0) await sleep(pause, undefined, { ref: false })
      }
    }
  }

  async release(): Promise<void> {
    await this.stop('shutdown', 0)
    await this.#clear()
    if (this.log.inFile) await this.log.close()
    removeFilesOf(this.#parts.config.dir, this.state)
  }
}

export function removeFilesOf(dir: string, { key, end }: DrivenState): void {
  unlinkIfThere(recordFileOf(dir, key))
  const report = end && 'ended' in end ? end.ended.report?.path : null
  if (report?.startsWith(join(dir, '/'))) unlinkIfThere(report)
  removeState(dir, key)
}

const refusalOf = ({ errorClass, message }: StartRefused): Extract<End, { refused: unknown }> => ({
  refused: { errorClass, message },
})
