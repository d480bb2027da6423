/**
 * Everything that the driver process holds, running and ended, until it is released. The counterpart of
 * `supervisor/supervisor.ts` for attempts that run elsewhere; the same calls come in and the same events go out.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { Usage } from '../../job/outcome.ts'
import { StartRefused, type AttemptOrder, type StopReason } from '../executor.ts'
import { asRefusal } from '../launcher/as-refusal.ts'
import type { Begun, EndEvent, Snapshot } from '../launcher/protocol.ts'
import { createSyncGroup } from '../output/sync-group.ts'
import type { End } from '../supervisor/end.ts'
import { createKeeper } from '../supervisor/keeper.ts'
import { logStateOf } from '../supervisor/over.ts'
import { recordFileOf } from '../supervisor/state-file.ts'
import { Teller, type Watcher } from '../supervisor/teller.ts'
import { DrivenAttempt, removeFilesOf } from './attempt.ts'
import { drivenKinds, type DrivenKind, type Driver, type DriversConfig, type LoadDriver } from './driver.ts'
import { recover, type FoundState } from './recover.ts'
import { writeState, type DrivenState } from './state.ts'

export interface DriverSupervisorOptions {
  load: LoadDriver
  /** Nothing runs any more. */
  onIdle(): void
}

interface Held {
  state: DrivenState
  teller: Teller
  /** Null: found on disk with its end. */
  attempt: DrivenAttempt | null
  recorded: number
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()

export class DriverSupervisor {
  readonly #options: DriverSupervisorOptions
  readonly #drivers = new Map<DrivenKind, Promise<Driver>>()
  readonly #loaded = new Map<DrivenKind, Driver>()
  readonly #held = new Map<string, Held>()
  readonly #sync = createSyncGroup()
  readonly #keeper = createKeeper(() => this.#attempts())
  readonly #boot = bootId()
  #config: DriversConfig | null = null
  #found: Promise<FoundState[]> | null = null
  #taken: Promise<void> | null = null
  #running = 0

  constructor(options: DriverSupervisorOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#running
  }
  #attempts(): DrivenAttempt[] {
    return [...this.#held.values()].flatMap(({ attempt }) => (attempt?.end === null ? [attempt] : []))
  }

  async configure(config: DriversConfig): Promise<void> {
    this.#config = config
    mkdirSync(config.dir, { recursive: true, mode: 0o700 })
    this.#found ??= recover(config.dir)
    await this.#found
  }

  /** Those that the runner knows, of what an earlier process of ours may have left; then all of that is taken up. */
  takeUp(orders: readonly AttemptOrder[]): Promise<void> {
    return (this.#taken ??= this.#takeUp(new Map(orders.map((order) => [order.key, order]))))
  }

  async #takeUp(orders: ReadonlyMap<string, AttemptOrder>): Promise<void> {
    for (const found of (await this.#found) ?? []) {
      const { state, recorded } = found
      if (this.#held.has(state.key)) continue
      const held: Held = { state, teller: new Teller(state.key, null), attempt: null, recorded: recorded.length }
      this.#held.set(state.key, held)
      if (state.end === undefined) await this.#attach(found, orders.get(state.key), held)
    }
    // Behind one that was killed there is more than attempts: containers that waited for a job. The runner asks for it
    // only when it starts itself.
    this.sweep().catch(() => {})
  }

  async #attach({ state, recorded }: FoundState, order: AttemptOrder | undefined, held: Held): Promise<void> {
    if (state.handle === undefined) return this.#lose(held, 'its driver process was killed before it had begun')
    // Monotonic times are of one boot; a restart takes longer than the keeper waits.
    if (state.boot_id !== this.#boot) Object.assign(state, { keep_until: 0, due_at: 0, boot_id: this.#boot })
    let driver
    try {
      driver = await this.#driver(state.kind)
    } catch (error) {
      return this.#lose(held, `it cannot be found again: ${(error as Error).message}`)
    }
    held.attempt = this.#makeAttempt({ state, order, held, driver, recorded })
    this.#keeper.expect(state.keep_until)
    void held.attempt.attach()
  }

  #lose(held: Held, lost: string): void {
    held.state.end = { lost }
    writeState(this.#config!.dir, held.state)
  }

  #driver(kind: DrivenKind): Promise<Driver> {
    const there = this.#drivers.get(kind)
    if (there) return there
    const loading = this.#options.load(kind, this.#config!)
    this.#drivers.set(kind, loading)
    loading.then(
      (driver) => this.#loaded.set(kind, driver),
      () => this.#drivers.delete(kind),
    )
    return loading
  }

  async start(order: AttemptOrder, keepUntil: number, watcher: Watcher): Promise<Begun> {
    const config = this.#config!
    if (this.#held.has(order.key)) throw new Error(`attempt ${order.key} was started before`)
    if (keepUntil <= monotonicMs()) throw new Error('its lease ran out before it could be started')
    const kind = kindOf(order)
    const state: DrivenState = {
      ...{ version: 1, key: order.key, kind, note: order.note, boot_id: this.#boot, started_at: Date.now() },
      ...{ keep_until: keepUntil, timeout_ms: order.timeoutMs, stop_grace_ms: order.stopGraceMs, unenforced: [] },
      ...(order.limits.output_bytes === undefined ? {} : { output_bytes: order.limits.output_bytes }),
      secret: Object.keys(order.secretEnv).length > 0,
    }
    const held: Held = { state, teller: new Teller(order.key, watcher), attempt: null, recorded: 0 }
    this.#held.set(order.key, held)
    try {
      const driver = await this.#driver(kind)
      held.attempt = this.#makeAttempt({ state, order, held, driver })
      this.#keeper.expect(keepUntil)
      await held.attempt.start()
    } catch (error) {
      if (held.attempt) this.#ended()
      if (held.teller.watcher === watcher) this.#held.delete(order.key)
      else this.#refuseLate(held, error as Error)
      throw error
    }
    return {
      startedAt: state.started_at,
      unenforced: state.unenforced,
      recordFile: recordFileOf(config.dir, order.key),
    }
  }

  /** Whoever asked for the start is gone: the answer is for the runner that comes, or has come. */
  #refuseLate(held: Held, error: Error): void {
    const end: End = asRefusal(error)
    Object.assign(held, { attempt: null })
    held.state.end = end
    writeState(this.#config!.dir, held.state)
    held.teller.watcher?.({ event: 'ended', key: held.state.key, end, log: { length: 0 } })
  }

  #makeAttempt(given: {
    state: DrivenState
    order: AttemptOrder | undefined
    held: Held
    driver: Driver
    recorded?: FoundState['recorded']
  }): DrivenAttempt {
    const { held, ...parts } = given
    const attempt: DrivenAttempt = new DrivenAttempt({
      ...parts,
      config: this.#config!,
      sync: this.#sync,
      onGrown: () => held.teller.grown(attempt.log, () => attempt.end !== null),
      onEnd: (end) => this.#onEnd(held, attempt, end),
    })
    this.#running += 1
    return attempt
  }

  #onEnd(held: Held, attempt: DrivenAttempt, end: End): void {
    held.teller.watcher?.({ event: 'ended', key: held.state.key, ...endEvent(attempt, end) })
    this.#ended()
  }

  #ended(): void {
    this.#running -= 1
    if (this.#running === 0) this.#options.onIdle()
  }

  async stop(key: string, reason: StopReason, graceMs: number): Promise<void> {
    await this.#held.get(key)?.attempt?.stop(reason, graceMs)
  }

  async usage(key: string): Promise<Usage> {
    const { attempt, state } = this.#held.get(key) ?? {}
    if (attempt?.end === null) return attempt.usage()
    return state?.end && 'ended' in state.end ? state.end.ended.usage : {}
  }

  /** `keepUntil`: `monotonicMs`; 0: kill it now. */
  extend(keys: readonly string[], keepUntil: number): void {
    for (const key of keys) {
      const attempt = this.#held.get(key)?.attempt
      if (keepUntil === 0) attempt?.expire()
      else attempt?.extend(keepUntil)
    }
  }

  async release(key: string): Promise<void> {
    const held = this.#held.get(key)
    if (!held) return
    if (held.attempt) await held.attempt.release()
    else removeFilesOf(this.#config!.dir, held.state)
    this.#held.delete(key)
  }

  attempts(watcher: Watcher): Snapshot[] {
    return [...this.#held].flatMap(([key, held]) => {
      const { state, attempt, recorded, teller } = held
      // Its driver is being loaded.
      if (attempt === null && state.end === undefined) return []
      teller.watcher = watcher
      const { started_at: startedAt, unenforced, note, end } = state
      const recordFile = recordFileOf(this.#config!.dir, key)
      const log = attempt ? logStateOf(attempt.log) : { length: recorded }
      const ended = end && (attempt ? endEvent(attempt, end) : { end, log })
      const secrets = attempt?.secrets
      return {
        key,
        note,
        startedAt,
        unenforced,
        recordFile,
        log,
        ...(ended && { end: ended }),
        ...(secrets && { secrets }),
      }
    })
  }

  /** Nobody listens at this end any more. */
  unwatch(watcher: Watcher): void {
    for (const { teller } of this.#held.values()) if (teller.watcher === watcher) teller.watcher = null
  }

  /** A place that does not answer is left for later; hosts have their own backstop, and nobody's credentials are here. */
  async sweep(): Promise<number> {
    const config = this.#config!
    const keys = new Set(this.#attempts().map(({ state }) => state.key))
    const kinds = drivenKinds.filter((kind) => kind !== 'ssh' && config[kind] !== undefined)
    const swept = await Promise.all(
      kinds.map((kind) =>
        this.#driver(kind)
          .then((driver) => driver.sweep(keys, config))
          .catch(() => 0),
      ),
    )
    return swept.reduce((sum, count) => sum + count, 0)
  }

  states(): Record<string, unknown> {
    return Object.fromEntries([...this.#loaded].map(([kind, driver]) => [kind, driver.state()]))
  }

  async cool(): Promise<void> {
    await Promise.all([...this.#loaded.values()].map((driver) => driver.cool().catch(() => {})))
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#attempts().map((attempt) => attempt.stop('keeper', 0)))
  }

  async close(): Promise<void> {
    for (const { attempt } of this.#held.values()) {
      if (attempt && !attempt.log.empty) attempt.log.toFile()
      await attempt?.log.settled()
    }
    await this.cool()
    await Promise.all([...this.#loaded.values()].map((driver) => driver.close().catch(() => {})))
  }
}

function kindOf({ spec, place }: AttemptOrder): DrivenKind {
  if (place?.refused !== undefined) throw new StartRefused('refused', place.refused)
  const kind = drivenKinds.find((one) => one === spec.executor)
  if (kind === undefined) throw new StartRefused('refused', `this runner has no executor ${spec.executor}`)
  return kind
}

function endEvent({ log }: DrivenAttempt, end: End): EndEvent {
  const whole = log.whole()
  const said = logStateOf(log)
  if (whole === null) return { end, log: said }
  return { end, log: { ...said, length: whole.length }, whole: whole.toString('base64') }
}
