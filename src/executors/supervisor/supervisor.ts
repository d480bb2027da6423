/**
 * The supervisor of attempts: everything that the launcher process holds, running and ended, until it is released. It
 * does not know of sockets; events go to a listener per attempt.
 */
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { removeSpace } from '../cgroup/base.ts'
import type { AttemptOrder, StopReason } from '../executor.ts'
import type { Usage } from '../../job/outcome.ts'
import type { Begun, EndEvent, Snapshot } from '../launcher/protocol.ts'
import type { Starter, StarterEvents } from '../launcher/starter.ts'
import { createSyncGroup } from '../output/sync-group.ts'
import { bootId } from '../processes.ts'
import { bwrapSupport, hostLimits, runnerTag, surveyGround, type Ground } from '../sandbox/ground.ts'
import { beforeCommand } from '../sandbox/isolation.ts'
import { afterCgroup, limiterArgv } from '../sandbox/limits.ts'
import { ensureHome, homeOf, markerOf } from '../sandbox/unisolated.ts'
import { Attempt } from './attempt.ts'
import { createCatchUp } from './catch-up.ts'
import { check, type Checked, type ExecutorConfig } from './check.ts'
import { launchOf } from './launch-of.ts'
import { logStateOf, overOf, type Over } from './over.ts'
import { clearSlots, recover } from './recover.ts'
import { createSlots, type Slot, type Slots } from './slots.ts'
import { createStateFiles, recordFileOf, type StateFile, type StateFiles } from './state-file.ts'
import { sweepMarks } from './sweep.ts'
import { Teller, type Watcher } from './teller.ts'

export interface SupervisorOptions {
  /** Short private directory for pipes; also names this runner's cgroups. */
  runDir: string
  delegatedCgroup: string | null
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

/** An end that nobody has taken away by then is put on disk. */
const keepEndAfterMs = 100
const keepEveryMs = 250
/** With more than these running, a file for each that has printed something would cost the others. */
const few = 2

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #held = new Map<string, Held>()
  readonly #starting = new Map<string, () => void>()
  readonly #sync = createSyncGroup()
  readonly #boot = bootId()
  readonly #tag: string
  readonly #recovered = new Map<string, Promise<void>>()
  readonly #stateFilesIn = new Map<string, StateFiles>()
  /** State files of an earlier launcher's attempts, by key. */
  readonly #earlier = new Map<string, string>()
  #surveyed: Promise<Ground> | null = null
  #cleared: Promise<void> | null = null
  #starter: Promise<Starter> | null = null
  #slots: Slots | null = null
  #running = 0
  readonly #catchUp = createCatchUp()

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#tag = runnerTag(options.runDir)
    setInterval(() => this.#keep(), keepEveryMs).unref()
  }

  get running(): number {
    return this.#running
  }
  starterPid = async (): Promise<number | null> => (this.#starter ? (await this.#starter).pid : null)

  async ground(): Promise<Ground> {
    this.#surveyed ??= surveyGround(this.#options.runDir, this.#options.delegatedCgroup)
    this.#surveyed.catch(() => (this.#surveyed = null))
    const found = await this.#surveyed
    // Installed meanwhile? `runyard setup` works beside a running runner.
    if (found.bwrap === null) {
      found.bwrap = await bwrapSupport()
      found.limits = hostLimits(found.space, found.bwrap)
    }
    return found
  }

  /** What an earlier launcher left is dead before anything starts. */
  configure({ attemptsDir }: ExecutorConfig): Promise<void> {
    let recovered = this.#recovered.get(attemptsDir)
    if (!recovered) {
      mkdirSync(attemptsDir, { recursive: true, mode: 0o700 })
      recovered = this.#recover(attemptsDir)
      this.#recovered.set(attemptsDir, recovered)
      recovered.catch(() => this.#recovered.delete(attemptsDir))
    }
    return recovered
  }

  async #recover(attemptsDir: string): Promise<void> {
    const { space } = await this.ground()
    const pipesDir = join(this.#options.runDir, 'pipes')
    this.#cleared ??= clearSlots(space, pipesDir, this.#tag)
    await this.#cleared
    this.#slots ??= createSlots({
      space,
      pipesDir,
      forget: (paths) => void this.#starter?.then((starter) => starter.forget(paths)),
    })
    for (const { path, key, note, begun, over } of await recover(attemptsDir, this.#boot)) {
      if (this.#held.has(key)) continue
      this.#earlier.set(key, basename(path))
      this.#held.set(key, { note, begun, over, teller: new Teller(key, null), attempt: null })
    }
    await this.#readyStarter()
  }

  #stateFiles(dir: string): StateFiles {
    let files = this.#stateFilesIn.get(dir)
    if (!files) this.#stateFilesIn.set(dir, (files = createStateFiles(dir)))
    return files
  }

  #readyStarter(): Promise<Starter> {
    this.#starter ??= this.#options.makeStarter({
      started: (id, main) => this.#held.get(id)?.attempt?.started(main),
      failed: (id, failure) => this.#held.get(id)?.attempt?.failed(failure),
      exited: (id, code, signal) => this.#held.get(id)?.attempt?.exited(code, signal),
      lost: () => this.#lostStarter(),
    })
    this.#starter.catch(() => (this.#starter = null))
    return this.#starter
  }

  /** Its children died with it. What they left running goes too, and how they ended nobody knows. */
  #lostStarter(): void {
    this.#starter = null
    for (const { attempt } of this.#held.values()) attempt?.lost('the process that had started it was killed')
  }

  async start(order: AttemptOrder, config: ExecutorConfig, watcher: Watcher): Promise<Begun> {
    if (this.#held.has(order.key)) throw new Error(`attempt ${order.key} was started before`)
    if (order.keepForMs <= 0) throw new Error('its lease ran out before the launcher came to start it')
    const at = await this.ground()
    const checked = await check(order, at, config)
    const starter = await this.#readyStarter()
    const slot = await this.#slots!.take(order.slot)
    return this.#launch({ order, config, watcher, at, checked, starter, slot })
  }

  async #launch(input: {
    order: AttemptOrder
    config: ExecutorConfig
    watcher: Watcher
    at: Ground
    checked: Checked
    starter: Starter
    slot: Slot
  }): Promise<Begun> {
    const { order, config, watcher, at, checked, starter, slot } = input
    const { key } = order
    const isPlain = order.spec.isolation === 'none'
    let made: StateFile | undefined
    try {
      const unenforced = afterCgroup(checked.plan, slot.cgroup.begin(checked.plan.cgroup), order.named)
      const marker = isPlain ? markerOf(this.#tag, key) : undefined
      if (isPlain) {
        slot.home = homeOf(this.#tag, slot.name)
        ensureHome(slot.home, checked.identity)
      }
      const { home } = isPlain ? slot : {}
      const startedAt = Date.now()
      const state = this.#stateFiles(config.attemptsDir).take({
        version: 1,
        key,
        note: order.note,
        boot_id: this.#boot,
        started_at: startedAt,
        cgroups: slot.cgroup.dirs,
        unenforced,
        marker,
        home,
      })
      made = state
      const launch = launchOf(order, checked, at, slot, { home, marker })
      const recordFile = recordFileOf(config.attemptsDir, key)
      const begun = { startedAt, unenforced, recordFile }
      const teller = new Teller(key, watcher)
      const held: Held = { note: order.note, begun, teller, attempt: null, over: null }
      const attempt = new Attempt({
        order,
        slot,
        state,
        recordFile,
        unenforced,
        startedAt,
        marker,
        home,
        foreword: isPlain ? starter.foreword : ['bwrap: ', 'prlimit: ', ...starter.foreword],
        before: beforeCommand(limiterArgv(checked.plan.inside)),
        sync: this.#sync,
        alone: () => this.#running <= few,
        onStarted: () => this.#answerStart(key),
        onGrown: () => teller.grown(attempt.log, () => held.attempt === null),
        giveBack: (clean) =>
          this.#slots!.giveBack(slot, clean, clean && slot.cgroup.reusable(isPlain && checked.identity === null)),
        onEnd: () => this.#onEnd(key, held),
      })
      held.attempt = attempt
      this.#held.set(key, held)
      this.#running += 1
      const answered = new Promise<void>((resolve) => this.#starting.set(key, resolve))
      starter.start(launch)
      await answered
      return begun
    } catch (error) {
      made?.free()
      this.#slots!.giveBack(slot, false, false)
      throw error
    }
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
    if (this.#running === 0) this.#options.onIdle()
  }

  async stop(key: string, reason: StopReason, graceMs: number): Promise<void> {
    await this.#held.get(key)?.attempt?.stop(reason, graceMs)
  }

  usage(key: string): Usage {
    const held = this.#held.get(key)
    if (held?.attempt) return held.attempt.usage()
    return held?.over?.usage() ?? {}
  }

  /** Never makes it shorter, but for 0: kill it now. */
  extend(keys: string[], keepForMs: number): void {
    for (const attempt of keys.flatMap((key) => this.#held.get(key)?.attempt ?? [])) {
      if (keepForMs === 0) void attempt.stop('keeper', 0)
      else attempt.keepUntil = Math.max(attempt.keepUntil, performance.now() + keepForMs)
    }
  }

  #keep(): void {
    if (!this.#catchUp.mayKill()) return
    const now = performance.now()
    for (const { attempt } of this.#held.values()) {
      if (attempt && now >= attempt.keepUntil) void attempt.stop('keeper', 0)
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
      return { key, note, ...begun, log: end?.log ?? logStateOf(attempt!.log), ...(end ? { end } : {}) }
    })
  }

  /** Nobody listens at this end any more. */
  unwatch(watcher: Watcher): void {
    for (const { teller } of this.#held.values()) if (teller.watcher === watcher) teller.watcher = null
  }

  async sweep(attemptsDir: string): Promise<number> {
    const at = await this.ground()
    return sweepMarks({
      tag: this.#tag,
      space: at.space,
      pipesDir: join(this.#options.runDir, 'pipes'),
      attemptsDir,
      slots: this.#slots?.names() ?? new Set(),
      keys: new Set(this.#held.keys()),
      stateFiles: new Set([...this.#stateFiles(attemptsDir).names(), ...this.#earlier.values()]),
      markers: new Set([...this.#held.values()].flatMap(({ attempt }) => attempt?.parts.marker ?? [])),
    })
  }

  /** Takes down what is warm for nobody. */
  async cool(): Promise<void> {
    await this.#slots?.closeIdle()
    for (const files of this.#stateFilesIn.values()) files.close()
    const at = await this.#surveyed?.catch(() => null)
    if (at && this.#running === 0) await removeSpace(at.space)
  }

  async killAll(): Promise<void> {
    const running = [...this.#held.values()].flatMap(({ attempt }) => attempt ?? [])
    await Promise.all(running.map((attempt) => attempt.stop('keeper', 0)))
  }

  /** Everything that must not be lost with this process is on disk. */
  async close(): Promise<void> {
    for (const { over } of this.#held.values()) await over?.persist()
    await this.cool()
    if (this.#starter) (await this.#starter).close()
  }
}
