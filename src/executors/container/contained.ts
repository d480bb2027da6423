/** One attempt in its container, from the moment its order was given: its output, its end, its signals, its removal. */
import type { Duplex, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Usage } from '../../job/outcome.ts'
import type { Driven, DrivenEnd, DriveTools } from '../driver/driver.ts'
import { AttemptLost, StartRefused } from '../executor.ts'
import { descendantsOf, isAlive, signalTo } from '../processes.ts'
import { cannotRun, signalOf } from '../sandbox/status.ts'
import { isGone, isMissing, statusOf, unreachable, wordsOf, type Engine } from './engine.ts'
import type { FilesPipe } from './files.ts'
import { createDemux } from './frames.ts'
import { createMarks, type Marks } from './marks.ts'
import { placeAt, setLease } from './place.ts'
import { discard } from './prepare.ts'
import { usageOf } from './used.ts'

/** What `attach` needs; on disk. */
export interface ContainerHandle {
  id: string
  dir: string
  /** Null: without our own first process. */
  mark: string | null
  pid: number
  pid_start: string
  memory_limited: boolean
  /** Its files are wanted, of so many bytes at most. */
  files?: number
  /** Where it may connect to; its way out ends with its driver, and is opened again. */
  egress?: string[]
}

export interface ContainedParts {
  engine: Engine
  tools: DriveTools
  handle: ContainerHandle
  startedAt: number
  unenforced: string[]
  /** All that it has said so far and will say; absent: the engine's log is read. */
  stream?: Duplex
  files: FilesPipe | null
  /** Shuts its way out; says what it was not let to. */
  refusedWays(): Promise<string[]>
  /** What else ends with it. */
  onClear(): Promise<void>
}

interface State {
  Running: boolean
  OOMKilled: boolean
  ExitCode: number
}

const pauseMs = { least: 2, most: 500 } as const
/** Its first process is gone, and the engine goes on saying that it runs: what told the engine was killed. */
const untoldMs = 10_000
/** The engine's word that it has stopped comes later than the end of its output. */
const lateMs = 3000
const execPatienceMs = 10_000
/** A first process that has its order and is slower than this is left to SIGKILL. */
const beginsWithinMs = 3000

export class Contained implements Driven {
  readonly startedAt: number
  readonly unenforced: string[]
  readonly ended: Promise<DrivenEnd>
  readonly #parts: ContainedParts
  readonly #marks: Marks | null
  /** Bytes as they came, before the marks were taken out. */
  readonly #taken = { stdout: 0, stderr: 0 }
  #usage: Usage = {}
  readonly #begun = Promise.withResolvers<void>()
  #signalled: 'TERM' | 'KILL' | undefined
  #cleared = false
  #untoldSince: number | undefined

  constructor(parts: ContainedParts) {
    this.#parts = parts
    this.startedAt = parts.startedAt
    this.unenforced = parts.unenforced
    const { handle, tools } = parts
    this.#marks = handle.mark === null ? null : createMarks(handle.mark)
    const renew = (): void => {
      if (!this.#cleared) setLease(placeAt(handle.dir), tools.keepForMs())
    }
    renew()
    tools.onExtended(renew)
    this.ended = this.#live()
    this.ended.catch(() => {})
  }

  async #live(): Promise<DrivenEnd> {
    const { stream } = this.#parts
    let whole = stream !== undefined && (await this.#pump(stream)) && this.#marks?.seen.end !== undefined
    let state = await this.#state()
    const givesUpAt = performance.now() + (whole ? lateMs * 10 : lateMs)
    for (let pause: number = pauseMs.least; stream && state.Running && performance.now() < givesUpAt; pause *= 2) {
      await sleep(Math.min(pause, pauseMs.most))
      state = await this.#state()
    }
    if (state.Running) {
      whole = false
      state = await this.#followLog()
    }
    if (!whole) await this.#readRest()
    const rest = this.#marks?.rest()
    if (rest?.length) await this.#parts.tools.output('stderr', rest)
    return this.#endOf(state)
  }

  /** Until it has stopped. The end of a followed log is no sign of that, and podman's may have none. */
  async #followLog(): Promise<State> {
    for (;;) {
      const log = await this.#log(true)
      const pumping = log && this.#pump(log, true)
      let broken = log === null
      void pumping?.then(() => (broken = true))
      let state: State
      do {
        await sleep(pauseMs.most)
        state = await this.#state()
      } while (state.Running && !broken)
      log?.destroy()
      await pumping
      if (!state.Running) return state
    }
  }

  /** Of the engine's log, what has not come yet. */
  async #readRest(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const log = await this.#log(false)
      if (log && (await this.#pump(log, true))) return
      if (tries >= 5) throw new AttemptLost('its container has ended, but the engine does not give its output')
      await sleep(pauseMs.most)
    }
  }

  #log(follow: boolean): Promise<Readable | null> {
    return this.#parts.engine.logs(this.#parts.handle.id, follow).catch(() => null)
  }

  async #pump(source: Readable, again = false): Promise<boolean> {
    const demux = createDemux()
    const skip = again ? { ...this.#taken } : { stdout: 0, stderr: 0 }
    try {
      for await (const piece of source as AsyncIterable<Buffer>) {
        for (const { stream, bytes } of demux(piece)) {
          const known = Math.min(skip[stream], bytes.length)
          skip[stream] -= known
          const wait = this.#take(stream, bytes.subarray(known))
          if (wait) await wait
        }
      }
      return true
    } catch {
      return false
    }
  }

  #take(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> | undefined {
    if (bytes.length === 0) return undefined
    this.#taken[stream] += bytes.length
    const passed = stream === 'stderr' && this.#marks ? this.#marks.take(bytes) : bytes
    if (this.#marks?.seen.ran) this.#begun.resolve()
    return passed.length > 0 ? this.#parts.tools.output(stream, passed) : undefined
  }

  /** Waits for an engine that does not answer, as long as the keeper does. */
  async #state(): Promise<State> {
    const { engine, handle, tools } = this.#parts
    for (let pause: number = 50; ; pause = Math.min(pause * 2, 2000)) {
      try {
        const state = (await engine.docker.getContainer(handle.id).inspect()).State
        this.#mustBeTold(state)
        return state
      } catch (error) {
        if (error instanceof AttemptLost) throw error
        if (isMissing(error)) throw new AttemptLost('its container is gone: somebody has removed it')
        if (tools.keepForMs() <= 0) {
          this.#killByPid()
          throw new AttemptLost(`the container engine at ${engine.socket} does not say how it ended: ${wordsOf(error)}`)
        }
      }
      await sleep(pause)
    }
  }

  /** Podman hears of an end from a process of its own beside each container; with that killed it says "running" for ever. */
  #mustBeTold({ Running }: State): void {
    const { pid, pid_start: startTime } = this.#parts.handle
    if (!Running || pid === 0 || isAlive({ pid, startTime })) return void (this.#untoldSince = undefined)
    this.#untoldSince ??= performance.now()
    if (performance.now() - this.#untoldSince > untoldMs) {
      throw new AttemptLost('its first process has ended, and the engine does not know it: how it ended, nobody knows')
    }
  }

  async #endOf(state: State): Promise<DrivenEnd> {
    const { handle, files } = this.#parts
    const seen = this.#marks?.seen
    if (seen?.refused !== undefined) throw refusalOf(seen.refused)
    if (seen && !seen.ran && this.#signalled === undefined) {
      throw new StartRefused(
        'infrastructure',
        `its container ended (${state.ExitCode}) before its command was executed`,
      )
    }
    const code = seen?.end?.code ?? state.ExitCode
    const signal = signalOf(code)
    // Our first process is killed only together with everything.
    const allKilled = seen !== undefined && seen.end === undefined && signal !== null
    const usage = this.#usageAt(seen?.end)
    const notReached = await this.#parts.refusedWays()
    return {
      exitCode: allKilled ? null : code,
      signal,
      ...this.#memory(state, signal),
      usage,
      ...(notReached.length > 0 ? { notReached } : {}),
      remaining: await this.#remaining(),
      ...(files === null ? {} : { report: await files.finish() }),
      ...(handle.files !== undefined && seen === undefined
        ? { report: { path: null, trouble: 'its image has no /bin/sh, through which they are read' } }
        : {}),
    }
  }

  /** The kernel's count where the container could read it; else a kill that is not ours means what it looks like. */
  #memory(state: State, signal: string | null): Pick<DrivenEnd, 'oomKilled' | 'oomProbably'> {
    if (signal !== 'SIGKILL' || this.#signalled !== undefined) return { oomKilled: false }
    const kills = this.#marks?.seen.end?.oomKills
    if (typeof kills === 'number') return { oomKilled: kills > 0 }
    if (state.OOMKilled) return { oomKilled: true }
    return this.#parts.handle.memory_limited ? { oomKilled: true, oomProbably: true } : { oomKilled: false }
  }

  #usageAt(end: { peakBytes: number | null; cpuNs: number | null } | undefined): Usage {
    return {
      ...this.#usage,
      ...(typeof end?.peakBytes === 'number' ? { memory_peak_bytes: end.peakBytes } : {}),
      ...(typeof end?.cpuNs === 'number' ? { cpu_ms: Math.round(end.cpuNs / 1e6) } : {}),
    }
  }

  /** With its first process gone the kernel has ended all others of its pid namespace before; that is looked at. */
  async #remaining(): Promise<number> {
    const { handle } = this.#parts
    if (handle.pid === 0) return 0
    const first = { pid: handle.pid, startTime: handle.pid_start }
    for (let round = 0; isAlive(first); round++) {
      if (round > 200) return 1
      await sleep(10)
    }
    return 0
  }

  async signal(which: 'TERM' | 'KILL'): Promise<void> {
    this.#signalled = which
    const { engine, handle } = this.#parts
    const container = engine.docker.getContainer(handle.id)
    try {
      if (which === 'TERM' && handle.mark !== null) await this.#terminateInside()
      else await container.kill({ signal: `SIG${which}` })
    } catch (error) {
      // 409, or podman's 500: it does not run any more.
      if (isMissing(error) || statusOf(error) === 409 || /not running|is not|stopped/i.test(wordsOf(error))) return
      if (which === 'KILL' && this.#killByPid()) return
      throw isGone(error) ? unreachable(engine.socket, error) : error
    }
  }

  /**
   * Everybody but our first process, which waits for the command; before that there is nobody. Root does it itself: an
   * exec in the container leaves podman processes of its own for five minutes.
   */
  async #terminateInside(): Promise<void> {
    const { engine, handle } = this.#parts
    await Promise.race([
      this.#begun.promise,
      this.ended.catch(() => {}),
      sleep(beginsWithinMs, undefined, { ref: false }),
    ])
    const first = { pid: handle.pid, startTime: handle.pid_start }
    if (process.getuid?.() === 0 && handle.pid > 0 && isAlive(first)) {
      for (const { pid } of descendantsOf(handle.pid)) signalTo(pid, 'SIGTERM')
      return
    }
    const exec = await engine.docker.getContainer(handle.id).exec({
      Cmd: ['/bin/sh', '-c', 'kill -TERM -1'],
      AttachStdout: true,
      AttachStderr: true,
    })
    const stream = await exec.start({})
    stream.on('error', () => {})
    stream.resume()
    const late = setTimeout(() => stream.destroy(), execPatienceMs)
    await new Promise((resolve) => stream.once('close', resolve))
    clearTimeout(late)
  }

  #killByPid(): boolean {
    const { handle } = this.#parts
    if (handle.pid === 0 || !isAlive({ pid: handle.pid, startTime: handle.pid_start })) return false
    return signalTo(handle.pid, 'SIGKILL')
  }

  async usage(): Promise<Usage> {
    const { engine, handle } = this.#parts
    const seen = await usageOf(engine, handle.id, handle.pid).catch(() => ({}))
    this.#usage = { ...this.#usage, ...seen }
    return this.#usage
  }

  async clear(): Promise<void> {
    const { engine, handle, stream, files, onClear } = this.#parts
    this.#cleared = true
    await discard(engine, { id: handle.id, place: { dir: handle.dir } })
    stream?.destroy()
    files?.close()
    await onClear()
  }
}

function refusalOf(words: string): StartRefused {
  const [, program, why] = /^cannot run (.*): ([^:]+)$/s.exec(words) ?? []
  if (program === undefined) return new StartRefused('start', words)
  const { message } = cannotRun(program, why!)
  return new StartRefused('start', message.replace('the sandbox', 'its container'))
}
