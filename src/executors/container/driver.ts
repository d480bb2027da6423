/** The driver of containers: from an order to a container that has it, and back to it after a restart. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { helperFiles, helpersPlace } from '../../job/helper-places.ts'
import type { Driver, DriversConfig, DriveTools, Driven, FoundAttempt } from '../driver/driver.ts'
import { AttemptLost, StartRefused, type AttemptOrder } from '../executor.ts'
import { startTimeOf } from '../processes.ts'
import { leavesFiles } from '../sandbox/pickup.ts'
import { Contained, type ContainerHandle } from './contained.ts'
import { EgressPlaces } from './egress.ts'
import { connectEngine, isMissing, unreachable, wordsOf } from './engine.ts'
import { EngineView } from './engine-view.ts'
import { mostOf, openFilesPipe, pickUpOf } from './files.ts'
import { allowedImage, Images, type ImageFound } from './images.ts'
import { planMounts, type MountPlan } from './mounts.ts'
import { claim, claimOf, placeAt, placesOf, removeIfEmpty, removePlace, setLease, showHelpers } from './place.ts'
import { Pool } from './pool.ts'
import { discard, NoShell, pidOf, prepare, type Prepared } from './prepare.ts'
import { defaultEnv, defaultPath, planShape, type ShapePlan } from './shape.ts'
import { mustBeShown } from './shown.ts'
import { encodeOrder } from './wrapper.ts'

export function createContainerDriver(config: DriversConfig): Driver {
  if (config.container === undefined) {
    throw new StartRefused('refused', 'this runner has no container engine (setting RUNYARD_CONTAINER_ENGINE)')
  }
  return new ContainerDriver(config)
}

class ContainerDriver implements Driver {
  readonly kind = 'container'
  readonly #config: DriversConfig
  readonly #engine
  readonly #view: EngineView
  readonly #images: Images
  readonly #pool: Pool
  readonly #egress: EgressPlaces
  readonly #root: string
  /** Names of containers that belong to an attempt of this process, or will. */
  readonly #ours = new Set<string>()
  readonly #shellLess = new Set<string>()
  #starting = 0

  constructor(config: DriversConfig) {
    this.#config = config
    this.#engine = connectEngine(config.container!.socket)
    this.#view = new EngineView(this.#engine)
    this.#images = new Images(this.#engine)
    this.#root = placesOf(config.tag)
    this.#egress = new EgressPlaces(config)
    this.#pool = new Pool({
      engine: this.#engine,
      root: this.#root,
      tag: config.tag,
      most: config.container!.warmMost,
      busy: () => this.#starting > 0,
      onTrouble: (error) => this.#view.say(`no container could be made ready: ${error.message}`),
    })
  }

  async start(order: AttemptOrder, tools: DriveTools): Promise<Driven> {
    this.#starting++
    try {
      return await this.#start(order, tools)
    } finally {
      this.#starting--
      this.#pool.tendSoon(100)
    }
  }

  async #start(order: AttemptOrder, tools: DriveTools): Promise<Driven> {
    const config = this.#config
    const asked = allowedImage(order.place, config.container!.images)
    const about = await this.#view.about()
    const image = await this.#images.find(asked, tools.signal)
    const mounts = await planMounts(order, this.#engine, config)
    const plan = planShape(order, image, mounts, about, config)
    const way = this.#egress.check(order)
    mustGoOn(tools)
    const prepared =
      (this.#shellLess.has(image.id) ? undefined : this.#pool.take(plan.shape, asked.warm)) ??
      (await this.#prepare(order, image, plan))
    this.#ours.add(prepared.name)
    try {
      mustGoOn(tools)
      if (!prepared.direct) await mustBeShown(prepared.pid, mounts.shown)
      return await this.#handOver(order, tools, prepared, plan, mounts, way)
    } catch (error) {
      await discard(this.#engine, prepared).catch(() => {})
      prepared.stream.destroy()
      this.#ours.delete(prepared.name)
      throw error
    }
  }

  async #prepare(order: AttemptOrder, image: ImageFound, { shape }: ShapePlan): Promise<Prepared> {
    const making = {
      engine: this.#engine,
      root: this.#root,
      tag: this.#config.tag,
      shape,
      key: order.key,
      onNamed: (name: string) => this.#ours.add(name),
    }
    try {
      if (!this.#shellLess.has(image.id)) return await prepare(making)
    } catch (error) {
      if (!(error instanceof NoShell)) {
        this.#images.forget(image.reference)
        throw error
      }
      this.#shellLess.add(image.id)
    }
    const direct = directOf(order, image)
    try {
      return await prepare({ ...making, direct: { ...direct, init: true } })
    } catch (error) {
      // Without the engine's own init the command is PID 1, and SIGTERM reaches only one that listens.
      if (!/init|catatonit|tini/i.test((error as Error).message)) throw error
      return prepare({ ...making, direct: { ...direct, init: false } })
    }
  }

  async #handOver(
    order: AttemptOrder,
    tools: DriveTools,
    prepared: Prepared,
    { shape, unenforced }: ShapePlan,
    { workingDir }: MountPlan,
    way: string[] | undefined,
  ): Promise<Driven> {
    const { place, stream, direct } = prepared
    const mark = direct ? null : `runyard-${randomBytes(16).toString('hex')}`
    const handle: ContainerHandle = {
      id: prepared.id,
      dir: place.dir,
      mark,
      pid: prepared.pid,
      pid_start: prepared.pidStart,
      memory_limited: shape.memoryBytes !== undefined,
      ...(leavesFiles(order.spec) ? { files: mostOf(order) } : {}),
      ...(way === undefined ? {} : { egress: way }),
    }
    const hide = order.helpersDir === undefined ? () => {} : showHelpers(order.helpersDir, place)
    const files =
      handle.files !== undefined && mark !== null
        ? openFilesPipe(place, order.key, handle.files, this.#config.dir)
        : null
    let shut = async (): Promise<string[]> => []
    try {
      if (way !== undefined) shut = await this.#egress.open(prepared.name, way, prepared.pid)
      setLease(place, tools.keepForMs())
      claim(place, order.key)
      tools.save(handle)
      mustGoOn(tools)
      if (direct) {
        await this.#engine.docker.getContainer(prepared.id).start()
        handle.pid = await pidOf(this.#engine, prepared.id).catch(() => 0)
        handle.pid_start = startTimeOf(handle.pid) ?? ''
        tools.save(handle)
      } else stream.write(this.#wrapped(order, workingDir?.path, mark!, way !== undefined))
    } catch (error) {
      hide()
      files?.close()
      await shut()
      throw error instanceof StartRefused
        ? error
        : new StartRefused('infrastructure', `its container could not be started: ${wordsOf(error)}`)
    }
    return new Contained({
      engine: this.#engine,
      tools,
      handle,
      startedAt: Date.now(),
      unenforced,
      stream,
      files,
      refusedWays: shut,
      onClear: async () => {
        hide()
        await shut()
        this.#ours.delete(prepared.name)
      },
    })
  }

  #wrapped(order: AttemptOrder, workingDir: string | undefined, mark: string, egress: boolean): string {
    const output = order.spec.outputs ? `/tmp/.runyard-${order.key}/output` : null
    return encodeOrder({
      mark,
      workingDir: workingDir ?? '/job',
      command: order.spec.command,
      env: {
        ...defaultEnv,
        ...this.#egress.envFor(egress),
        ...order.env,
        ...order.secretEnv,
        ...(output === null ? {} : { RUNYARD_OUTPUT: output }),
      },
      path: order.env.PATH ?? order.secretEnv.PATH,
      pathAfter:
        order.helpersDir === undefined ? [] : [`${helpersPlace}/${helperFiles.library}/bash`, `${helpersPlace}/bin`],
      output,
      pickUp: leavesFiles(order.spec) ? pickUpOf(order, workingDir ?? '/job', output) : null,
    })
  }

  async attach({ handle: found, startedAt, order, key }: FoundAttempt, tools: DriveTools): Promise<Driven> {
    const handle = found as ContainerHandle
    const place = placeAt(handle.dir)
    const name = handle.dir.slice(this.#root.length + 1)
    this.#ours.add(name)
    await this.#mustBeThere(handle, tools)
    const hide =
      order?.helpersDir !== undefined && existsSync(place.helpers) ? showHelpers(order.helpersDir, place) : () => {}
    const files =
      handle.files !== undefined && handle.mark !== null && existsSync(place.files)
        ? openFilesPipe(place, key, handle.files, this.#config.dir)
        : null
    let shut = async (): Promise<string[]> => []
    if (handle.egress !== undefined) {
      // Without a way out it goes on, and its connections fail: it may not need them any more.
      shut = await this.#egress.open(name, handle.egress, handle.pid).catch(() => shut)
    }
    return new Contained({
      engine: this.#engine,
      tools,
      handle,
      startedAt,
      unenforced: [],
      files,
      refusedWays: shut,
      onClear: async () => {
        hide()
        await shut()
        this.#ours.delete(name)
      },
    })
  }

  async #mustBeThere({ id }: ContainerHandle, tools: DriveTools): Promise<void> {
    for (let pause = 100; ; pause = Math.min(pause * 2, 2000)) {
      try {
        await this.#engine.docker.getContainer(id).inspect()
        return
      } catch (error) {
        if (isMissing(error)) throw new AttemptLost('its container is not there any more')
        if (tools.keepForMs() <= 0) throw new AttemptLost(unreachable(this.#engine.socket, error).message)
      }
      await sleep(pause)
    }
  }

  async sweep(known: ReadonlySet<string>, { tag }: DriversConfig): Promise<number> {
    const { docker } = this.#engine
    const all = await docker.listContainers({ all: true, filters: { label: [`runyard.tag=${tag}`] } })
    let removed = 0
    const there = new Set<string>()
    for (const { Id, Names } of all) {
      const name = (Names[0] ?? '').replace(/^\//, '')
      there.add(name)
      const dir = join(this.#root, name)
      if (this.#isOurs(name) || known.has(claimOf(dir) ?? '')) continue
      // One that the engine does not let go of must not keep the others.
      const gone = await discard(this.#engine, { id: Id, place: { dir } }).then(
        () => true,
        () => false,
      )
      if (gone) removed++
    }
    for (const name of existsSync(this.#root) ? readdirSync(this.#root) : []) {
      const dir = join(this.#root, name)
      if (!there.has(name) && !this.#isOurs(name) && !known.has(claimOf(dir) ?? '')) removePlace(dir)
    }
    return removed
  }

  #isOurs(name: string): boolean {
    return this.#ours.has(name) || this.#pool.names.has(name)
  }

  state(): unknown {
    return { ...this.#view.state(), warm: this.#pool.state() }
  }

  cool(): Promise<void> {
    return this.#pool.cool()
  }

  async close(): Promise<void> {
    await this.#pool.close()
    this.#egress.close()
    removeIfEmpty(this.#root)
  }
}

/** One whose image has no shell: nothing secret may reach it, since the engine keeps what it is given. */
function directOf({ spec, env, secretEnv }: AttemptOrder, { env: ofImage }: ImageFound) {
  const secrets = Object.keys(secretEnv)
  if (secrets.length > 0) {
    throw new StartRefused(
      'refused',
      `its image has no /bin/sh, through which secrets are handed over, and it has ${secrets.join(', ')}`,
    )
  }
  return {
    command: spec.command,
    env: { PATH: defaultPath, ...ofImage, ...defaultEnv, LANG: 'C.UTF-8', ...env },
    workingDir: spec.working_dir ?? '/job',
  }
}

function mustGoOn({ signal }: DriveTools): void {
  if (signal.aborted) throw new StartRefused('infrastructure', 'stopped before it started')
}
