/**
 * Warm sandboxes: while nothing else is to be done, the sandboxes that the next jobs will need are built in their slots.
 * The next jobs are thought to be like the last one. A sandbox is used for one job at most, and only for one that would
 * get exactly the same if it were built for it now; while it is there no other process runs in its slot, which has a uid
 * of its own.
 */
import type { AttemptOrder } from '../executor.ts'
import type { CgroupLimits } from '../cgroup/attempt-cgroup.ts'
import type { Starter } from '../launcher/starter.ts'
import type { Ground } from '../sandbox/ground.ts'
import { defaultEnv, jobIdentity } from '../sandbox/isolation.ts'
import { leavesFiles } from '../sandbox/pickup.ts'
import { fingerprintOf, systemView } from '../sandbox/system-view.ts'
import {
  canBeHandedOver,
  encodeCommand,
  encodeCommandWithPickup,
  perlInside,
  waiterArgv,
  waiterEnv,
  waiterLine,
} from '../sandbox/waiter.ts'
import type { Checked, ExecutorConfig } from './check.ts'
import { launchShape, shapeOf, type Shape } from './launch-of.ts'
import { outputPath, pickupOrder } from './picking-up.ts'
import type { Slot, Slots } from './slots.ts'
import { WarmSandbox, type Launched, type Proof } from './warm-sandbox.ts'

export interface WarmOptions {
  slots: Slots
  starter(): Promise<Starter>
}

export interface Order {
  order: AttemptOrder
  checked: Checked
  at: Ground
  config: ExecutorConfig
}

export interface Taken {
  slot: Slot
  /** The sandbox that waits in it for this order. */
  warm: Warmed | null
}

export interface Warmed {
  /** What its status pipe has said so far. */
  heard: string
  /** The beginning of its command line, which is not the command's. */
  line: string
  handOver(attempt: Launched): void
}

/** As many as wait at most; each holds some 3 MiB. */
const usualMost = 2
/** So long nothing must have begun or ended before a sandbox is built for nobody. */
const quietMs = 20
/** With nothing else running: the tasks of a chain come some 25 ms after one another. */
const soonMs = 2
/** A timer that comes later than this says that the host has other things to do. */
const lateMs = 20
const longestPauseMs = 2000
const keepForMs = 300_000
/** After one that did not come up. */
const backOffMs = 60_000
/** The kernel does not set a limit below what is in use, and a sandbox that waits uses some of it. */
const leastMemory = 16 * 1024 * 1024

interface Template {
  shape: Shape
  limits: CgroupLimits
  config: ExecutorConfig
}

export class WarmSandboxes {
  readonly #options: WarmOptions
  readonly #inSlot = new Map<Slot, WarmSandbox>()
  readonly #byId = new Map<string, WarmSandbox>()
  readonly #going = new Map<WarmSandbox, Promise<Proof>>()
  #counter = 0
  #used = 0
  #template: Template | null = null
  #timer: NodeJS.Timeout | undefined
  #pauseMs = quietMs
  #brokenUntil = 0
  /** One has come up: the next one will. */
  #proven = false

  constructor(options: WarmOptions) {
    this.#options = options
  }

  /** The process that the starter means, when it is one of ours. */
  find(id: string): Launched | undefined {
    return this.#byId.get(id)
  }
  figures(): { waiting: number; used: number } {
    return { waiting: [...this.#inSlot.values()].filter((warm) => warm.isWaiting()).length, used: this.#used }
  }

  /** The order's slot, and nothing in it but, perhaps, a sandbox for it. */
  async take(wanted: Order): Promise<Taken> {
    const { order, config } = wanted
    const shape = shapeFor(wanted)
    this.#template = shape && { shape, limits: wanted.checked.plan.cgroup, config }
    this.#rest()
    for (;;) {
      const slot = await this.#options.slots.take(order.slot)
      if (shape && config.warm?.always && slot.cgroup.dirs.length > 0) await this.#buildNow(slot)
      const there = this.#inSlot.get(slot)
      if (!there) return { slot, warm: null }
      if (shape && this.#fits(there, shape)) return { slot, warm: this.#warmed(there, order) }
      const { clean, cgroupClean } = await this.#remove(there)
      if (cgroupClean) return { slot, warm: null }
      this.#options.slots.giveBack(slot, clean, cgroupClean)
    }
  }

  #fits(there: WarmSandbox, shape: Shape): boolean {
    if (this.#going.has(there) || !there.isStarted || there.key !== keyOf(shape)) return false
    // One that is still being built is waited for as its own would be.
    this.#proven ||= there.isWaiting()
    return this.#proven
  }

  #warmed(there: WarmSandbox, order: AttemptOrder): Warmed {
    return {
      heard: there.heard(),
      line: waiterLine(perl() ?? ''),
      handOver: (attempt) => {
        this.#inSlot.delete(there.slot)
        this.#used += 1
        there.handOver(attempt, encoded(order))
      },
    }
  }

  giveBack(slot: Slot, clean: boolean, cgroupClean: boolean): void {
    const { slots } = this.#options
    const there = this.#inSlot.get(slot)
    // Taken, but the attempt came to nothing before it was handed over.
    if (there) void this.#remove(there).then(() => slots.giveBack(slot, false, false))
    else slots.giveBack(slot, clean, cgroupClean)
    this.#rest(slots.isIdle() ? soonMs : quietMs)
  }

  /** Something has begun or ended. */
  #rest(pauseMs = quietMs): void {
    this.#pauseMs = pauseMs
    this.#arm()
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const most = this.#template?.config.warm?.most ?? usualMost
    if (!this.#template || most === 0) return
    const at = performance.now() + this.#pauseMs
    this.#timer = setTimeout(() => {
      if (performance.now() - at < lateMs) return void this.#onQuiet(most)
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
      this.#arm()
    }, this.#pauseMs)
    this.#timer.unref()
  }

  /** Jobs come to the lowest slots that are free. */
  async #onQuiet(most: number): Promise<void> {
    const starter = await this.#options.starter().catch(() => null)
    const template = this.#template
    if (!starter || !template || performance.now() < this.#brokenUntil) return
    const next = this.#options.slots.idle().slice(0, most)
    for (const [slot, warm] of this.#inSlot) if (!slot.busy && !next.includes(slot)) void this.#removeIdle(warm)
    const slot = next.find((one) => one.cgroup.dirs.length > 0 && !this.#inSlot.has(one))
    if (!slot) return
    this.#build(slot, template, starter)
    this.#pauseMs = Math.max(this.#pauseMs, quietMs)
    this.#arm()
  }

  #build(slot: Slot, { shape, limits, config }: Template, starter: Starter): void {
    const inside = perl()
    if (inside === null || slot.cgroup.begin(limits).size > 0) return
    const identity = shape.identity && { uid: config.uidBase + slot.index, gid: config.uidBase + slot.index }
    const mine = { ...shape, identity }
    const warm: WarmSandbox = new WarmSandbox(`warm-${++this.#counter}`, slot, keyOf(mine), () => this.#onDeath(warm))
    this.#inSlot.set(slot, warm)
    this.#byId.set(warm.id, warm)
    const argv = (...fds: [string, string, string]): string[] => waiterArgv(inside, ...fds)
    const waiter = { order: slot.order, report: slot.reportPath, argv }
    starter.start(launchShape(warm.id, mine, slot, { command: [], env: waiterEnv, waiter }))
    warm.expireIn(keepForMs, () => void this.#removeIdle(warm))
  }

  /** For tests: as if there had been time. */
  async #buildNow(slot: Slot): Promise<void> {
    if (this.#template && !this.#inSlot.has(slot)) {
      this.#build(slot, this.#template, await this.#options.starter())
    }
    const warm = this.#inSlot.get(slot)
    while (warm && !warm.over && !warm.isWaiting()) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  #onDeath(warm: WarmSandbox): void {
    this.#byId.delete(warm.id)
    if (warm.taken || this.#going.has(warm)) return
    this.#brokenUntil = performance.now() + backOffMs
    void this.#removeIdle(warm)
  }

  /** Unless somebody has come for its slot, who sees to it then. */
  async #removeIdle(warm: WarmSandbox): Promise<void> {
    const { slot } = warm
    if (this.#inSlot.get(slot) !== warm || (slot.busy && !warm.over)) return
    const { clean, cgroupClean } = await this.#remove(warm)
    if (!slot.busy && !cgroupClean) this.#options.slots.giveBack(slot, clean, cgroupClean)
  }

  #remove(warm: WarmSandbox): Promise<Proof> {
    let going = this.#going.get(warm)
    if (!going) {
      going = warm.remove().finally(() => {
        this.#going.delete(warm)
        if (this.#inSlot.get(warm.slot) === warm) this.#inSlot.delete(warm.slot)
      })
      this.#going.set(warm, going)
    }
    return going
  }

  /** The starter died. */
  lost(): void {
    for (const warm of [...this.#byId.values()]) warm.lost()
    this.#brokenUntil = 0
  }

  /** Nothing is built until the next order comes. */
  async cool(): Promise<void> {
    this.#template = null
    clearTimeout(this.#timer)
    await Promise.all([...this.#inSlot.values()].map((warm) => this.#removeIdle(warm)))
    await Promise.all(this.#going.values())
  }
}

const perl = (): string | null => perlInside(systemView())

function encoded(order: AttemptOrder): Buffer {
  const { spec, env, secretEnv } = order
  if (!leavesFiles(spec)) return encodeCommand(spec.command, { ...env, ...secretEnv })
  const output = outputPath(order, undefined)
  const ours = { ...(output !== null && { RUNYARD_OUTPUT: output }), PWD: jobIdentity.home }
  return encodeCommandWithPickup(pickupOrder(order, { ...defaultEnv, ...env, ...secretEnv, ...ours }))
}

/** Null for what is not built ahead. */
function shapeFor({ order, checked, at }: Order): Shape | null {
  const { spec, env, secretEnv } = order
  if (spec.isolation !== 'full' || spec.network !== 'none' || checked.workingDir || checked.binds.length > 0)
    return null
  const shape = shapeOf(order, checked, at)
  if (shape.limiter.length > 0 || (checked.plan.cgroup.memoryBytes ?? Infinity) < leastMemory) return null
  return canBeHandedOver(spec.command, { ...env, ...secretEnv }) ? shape : null
}

const keyOf = (shape: Shape): string => JSON.stringify(shape) + fingerprintOf(systemView())
