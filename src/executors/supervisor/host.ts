/** What this host and an earlier launcher have in store for attempts: cgroups, slots, the starter, and old state files. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { removeSpace } from '../cgroup/base.ts'
import { WaysOut } from '../egress/ways-out.ts'
import type { Starter } from '../launcher/starter.ts'
import { bootId } from '../processes.ts'
import { bwrapSupport, hostLimits, runnerTag, surveyGround, type Ground } from '../sandbox/ground.ts'
import { clearSlots, recover, type Recovered } from './recover.ts'
import { createSlots, type Slots } from './slots.ts'
import { WarmSandboxes } from './warm.ts'
import { createStateFiles, type StateFiles } from './state-file.ts'

export interface HostOptions {
  /** Short private directory for pipes; also names this runner's cgroups. */
  runDir: string
  delegatedCgroup: string | null
  makeStarter(): Promise<Starter>
  onRecovered(recovered: Recovered): void
}

export class Host {
  readonly tag: string
  readonly boot = bootId()
  readonly pipesDir: string
  readonly #options: HostOptions
  readonly #recovered = new Map<string, Promise<void>>()
  readonly #stateFiles = new Map<string, StateFiles>()
  #surveyed: Promise<Ground> | null = null
  #cleared: Promise<void> | null = null
  #starter: Promise<Starter> | null = null
  #slots: Slots | null = null
  #warm: WarmSandboxes | null = null
  #waysOut: WaysOut | null = null

  constructor(options: HostOptions) {
    this.#options = options
    this.tag = runnerTag(options.runDir)
    this.pipesDir = join(options.runDir, 'pipes')
  }

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
  recover(attemptsDir: string): Promise<void> {
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
    this.#cleared ??= clearSlots(space, this.pipesDir, this.tag)
    await this.#cleared
    this.#slots ??= createSlots({
      space,
      pipesDir: this.pipesDir,
      forget: (paths) => void this.#starter?.then((starter) => starter.forget(paths)),
    })
    this.#warm ??= new WarmSandboxes({ slots: this.#slots, starter: () => this.starter() })
    for (const recovered of await recover(attemptsDir, this.boot)) this.#options.onRecovered(recovered)
    await this.starter()
  }

  /** There are some once something was recovered. */
  get warm(): WarmSandboxes {
    if (this.#warm === null) throw new Error('configure comes before any start')
    return this.#warm
  }
  get warmFigures(): { waiting: number; used: number } {
    return this.#warm?.figures() ?? { waiting: 0, used: 0 }
  }
  get slotNames(): ReadonlySet<string> {
    return this.#slots?.names() ?? new Set()
  }

  stateFiles(dir: string): StateFiles {
    let files = this.#stateFiles.get(dir)
    if (!files) this.#stateFiles.set(dir, (files = createStateFiles(dir)))
    return files
  }

  starter(): Promise<Starter> {
    this.#starter ??= this.#options.makeStarter()
    this.#starter.catch(() => (this.#starter = null))
    return this.#starter
  }
  async starterPid(): Promise<number | null> {
    return this.#starter ? (await this.#starter).pid : null
  }
  lostStarter(): void {
    this.#starter = null
    this.#warm?.lost()
  }

  /** Of network "egress". */
  get waysOut(): WaysOut {
    return (this.#waysOut ??= new WaysOut(join(this.#options.runDir, 'egress')))
  }

  /** Takes down what is warm for nobody; `idle`: nothing runs. */
  async cool(idle: () => boolean): Promise<void> {
    await this.#warm?.cool()
    await this.#slots?.closeIdle()
    for (const files of this.#stateFiles.values()) files.close()
    const at = await this.#surveyed?.catch(() => null)
    if (at && idle()) await removeSpace(at.space)
  }

  async close(): Promise<void> {
    this.#waysOut?.close()
    if (this.#starter) (await this.#starter).close()
  }
}
