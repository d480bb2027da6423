/**
 * The supervisor of attempts: everything that the launcher process holds, running and ended, until it is released. It
 * does not know of sockets; events go to a listener per attempt.
 */
import { basename } from 'node:path'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { AttemptOrder, StopReason } from '../executor.ts'
import type { Usage } from '../../job/outcome.ts'
import type { Begun, EndEvent, Snapshot } from '../launcher/protocol.ts'
import type { Starter, StarterEvents } from '../launcher/starter.ts'
import { createSyncGroup } from '../output/sync-group.ts'
import type { Ground } from '../sandbox/ground.ts'
import { beforeCommand } from '../sandbox/isolation.ts'
import { limiterArgv } from '../sandbox/limits.ts'
import { systemView } from '../sandbox/system-view.ts'
import { perlInside } from '../sandbox/waiter.ts'
import { wayOutLine } from '../sandbox/way-out.ts'
import { Attempt } from './attempt.ts'
import { check, withWayOut, type Checked, type ExecutorConfig } from './check.ts'
import { Host, type HostOptions } from './host.ts'
import { createKeeper } from './keeper.ts'
import { logStateOf, overOf, type Over } from './over.ts'
import { prepare, type Ready } from './prepare.ts'
import type { Recovered } from './recover.ts'
import type { Slot } from './slots.ts'
import { sweepMarks } from './sweep.ts'
import { Teller, type Watcher } from './teller.ts'
import type { Launched } from './warm-sandbox.ts'
import type { Warmed } from './warm.ts'

export interface SupervisorOptions extends Pick<HostOptions, 'runDir' | 'delegatedCgroup'> {
  makeStarter(events: StarterEvents): Promise<Starter>
  /** Nothing runs any more. */
  onIdle(): void
}

interface Held {
  note: unknown
  begun: Begun
  teller: Teller
  attempt: Attempt | null
  over: Over | null
}

export interface StartInput {
  order: AttemptOrder
  /** `monotonicMs`: counted from when the start was asked for, whatever came between. */
  keepUntil: number
  config: ExecutorConfig
  watcher: Watcher
}
interface Launching extends StartInput {
  at: Ground
  checked: Checked
  starter: Starter
  slot: Slot
  warm: Warmed | null
}

/** An end that nobody has taken away by then is put on disk. */
const keepEndAfterMs = 100
/** With more than these running, a file for each that has printed something would cost the others. */
const few = 2

export class Supervisor {
  readonly #onIdle: () => void
  readonly #host: Host
  readonly #held = new Map<string, Held>()
  readonly #starting = new Map<string, () => void>()
  readonly #sync = createSyncGroup()
  /** State files of an earlier launcher's attempts, by key. */
  readonly #earlier = new Map<string, string>()
  readonly #keeper = createKeeper(() => this.#attempts())
  #running = 0

  constructor({ runDir, delegatedCgroup, makeStarter, onIdle }: SupervisorOptions) {
    this.#onIdle = onIdle
    this.#host = new Host({
      runDir,
      delegatedCgroup,
      makeStarter: () => makeStarter(this.#starterEvents),
      onRecovered: (recovered) => this.#onRecovered(recovered),
    })
  }

  get running(): number {
    return this.#running
  }
  #attempts(): Attempt[] {
    return [...this.#held.values()].flatMap(({ attempt }) => attempt ?? [])
  }

  starterPid(): Promise<number | null> {
    return this.#host.starterPid()
  }
  get warm(): { waiting: number; used: number } {
    return this.#host.warmFigures
  }
  ground(): Promise<Ground> {
    return this.#host.ground()
  }
  configure({ attemptsDir }: ExecutorConfig): Promise<void> {
    return this.#host.recover(attemptsDir)
  }

  #onRecovered({ path, key, note, begun, over }: Recovered): void {
    if (this.#held.has(key)) return
    this.#earlier.set(key, basename(path))
    this.#held.set(key, { note, begun, over, teller: new Teller(key, null), attempt: null })
  }

  #launched(id: string): Launched | undefined {
    return this.#held.get(id)?.attempt ?? this.#host.warm.find(id)
  }

  readonly #starterEvents: StarterEvents = {
    started: (id, main) => this.#launched(id)?.started(main),
    failed: (id, failure) => this.#launched(id)?.failed(failure),
    exited: (id, code, signal) => this.#launched(id)?.exited(code, signal),
    // Its children died with it. What they left running goes too, and how they ended nobody knows.
    lost: () => {
      this.#host.lostStarter()
      for (const attempt of this.#attempts()) attempt.lost('the process that had started it was killed')
    },
  }

  async start(input: StartInput): Promise<Begun> {
    const { order, config } = input
    if (this.#held.has(order.key)) throw new Error(`attempt ${order.key} was started before`)
    refuseTooLate(input.keepUntil)
    const at = await this.#host.ground()
    const checked = await check(order, at, config)
    if (order.spec.network !== 'egress') return this.#startIn({ ...input, at, checked })
    const open = await withWayOut(order, checked, config, this.#host.waysOut)
    try {
      return await this.#startIn({ ...input, at, checked: open })
    } catch (error) {
      await open.wayOut?.close()
      throw error
    }
  }

  async #startIn(checkedInput: StartInput & Pick<Launching, 'at' | 'checked'>): Promise<Begun> {
    const { order, at, checked, config } = checkedInput
    const starter = await this.#host.starter()
    const { slot, warm } = await this.#host.warm.take({ order, checked, at, config })
    try {
      // The paths of a job may lie on a file system that hangs.
      refuseTooLate(checkedInput.keepUntil)
      return await this.#launch({ ...checkedInput, starter, slot, warm })
    } catch (error) {
      this.#host.warm.giveBack(slot, false, false)
      throw error
    }
  }

  async #launch(launching: Launching): Promise<Begun> {
    const { order, config, watcher, starter } = launching
    const ready = prepare({ ...launching, host: this.#host, attemptsDir: config.attemptsDir })
    const { startedAt, unenforced, recordFile, state, launch } = ready
    const begun = { startedAt, unenforced, recordFile }
    const held: Held = { note: order.note, begun, teller: new Teller(order.key, watcher), attempt: null, over: null }
    try {
      held.attempt = this.#makeAttempt(launching, ready, held)
    } catch (error) {
      state.free()
      throw error
    }
    this.#held.set(order.key, held)
    this.#running += 1
    this.#keeper.expect(launching.keepUntil)
    const answered = new Promise<void>((resolve) => this.#starting.set(order.key, resolve))
    if (launching.warm) launching.warm.handOver(held.attempt)
    else starter.start(launch)
    await answered
    return begun
  }

  #makeAttempt({ order, keepUntil, slot, checked, starter, warm }: Launching, ready: Ready, held: Held): Attempt {
    const isPlain = order.spec.isolation === 'none'
    const around = warm?.line ?? (checked.wayOut ? wayOutLine(perlInside(systemView()) ?? 'perl') : undefined)
    const asOurUser = isPlain && checked.identity === null
    const attempt: Attempt = new Attempt({
      ...ready,
      order,
      keepUntil,
      slot,
      foreword: isPlain ? starter.foreword : ['bwrap: ', 'prlimit: ', ...starter.foreword],
      before: isPlain
        ? starter.before
        : [...beforeCommand(limiterArgv(checked.plan.inside)), ...(around === undefined ? [] : [around])],
      heard: warm?.heard,
      waiter: around,
      wayOut: checked.wayOut,
      sync: this.#sync,
      alone: () => this.#running <= few,
      onStarted: () => this.#answerStart(order.key),
      onGrown: () => held.teller.grown(attempt.log, () => held.attempt === null),
      giveBack: (clean) => this.#host.warm.giveBack(slot, clean, clean && slot.cgroup.reusable(asOurUser)),
      onEnd: () => this.#onEnd(order.key, held),
    })
    return attempt
  }

  #answerStart(key: string): void {
    this.#starting.get(key)?.()
    this.#starting.delete(key)
  }

  #onEnd(key: string, held: Held): void {
    const { attempt } = held
    if (!attempt?.end) return
    this.#running -= 1
    held.over = overOf(attempt)
    held.attempt = null
    this.#answerStart(key)
    held.teller.watcher?.({ event: 'ended', key, ...held.over.event() })
    setTimeout(() => this.#held.get(key) === held && held.over?.persist(), keepEndAfterMs)
    if (this.#running === 0) this.#onIdle()
  }

  async stop(key: string, reason: StopReason, graceMs: number): Promise<void> {
    await this.#held.get(key)?.attempt?.stop(reason, graceMs)
  }

  usage(key: string): Usage {
    const held = this.#held.get(key)
    if (held?.attempt) return held.attempt.usage()
    return held?.over?.usage() ?? {}
  }

  /** `keepUntil`: `monotonicMs`. Never makes it shorter, but for 0: kill it now. */
  extend(keys: string[], keepUntil: number): void {
    for (const attempt of keys.flatMap((key) => this.#held.get(key)?.attempt ?? [])) {
      if (keepUntil === 0) attempt.expire()
      else attempt.keepUntil = Math.max(attempt.keepUntil, keepUntil)
    }
  }

  async release(key: string): Promise<void> {
    const held = this.#held.get(key)
    if (!held) return
    await held.attempt?.stop('shutdown', 0)
    this.#held.delete(key)
    await held.over?.remove()
    this.#earlier.delete(key)
  }

  attempts(watcher: Watcher): Snapshot[] {
    return [...this.#held].map(([key, held]) => {
      held.teller.watcher = watcher
      const { note, begun, attempt, over } = held
      const end: EndEvent | undefined = over?.event()
      const { helpersDir, secretEnv } = attempt?.parts.order ?? {}
      const secrets = helpersDir === undefined ? {} : { secrets: Object.values(secretEnv ?? {}) }
      return { key, note, ...begun, log: end?.log ?? logStateOf(attempt!.log), ...(end ? { end } : {}), ...secrets }
    })
  }

  /** Nobody listens at this end any more. */
  unwatch(watcher: Watcher): void {
    for (const { teller } of this.#held.values()) if (teller.watcher === watcher) teller.watcher = null
  }

  async sweep(attemptsDir: string): Promise<number> {
    const { space } = await this.ground()
    return sweepMarks({
      tag: this.#host.tag,
      space,
      pipesDir: this.#host.pipesDir,
      attemptsDir,
      slots: this.#host.slotNames,
      keys: new Set(this.#held.keys()),
      stateFiles: new Set([...this.#host.stateFiles(attemptsDir).names(), ...this.#earlier.values()]),
      markers: new Set(this.#attempts().flatMap(({ parts }) => parts.marker ?? [])),
    })
  }

  /** Takes down what is warm for nobody. */
  cool(): Promise<void> {
    return this.#host.cool(() => this.#running === 0)
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#attempts().map((attempt) => attempt.stop('keeper', 0)))
  }

  /** Everything that must not be lost with this process is on disk. */
  async close(): Promise<void> {
    for (const { over } of this.#held.values()) await over?.persist()
    await this.cool()
    await this.#host.close()
  }
}

function refuseTooLate(keepUntil: number): void {
  if (keepUntil <= monotonicMs()) throw new Error('its lease ran out before the launcher came to start it')
}
