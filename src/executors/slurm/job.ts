/** One job of Slurm, from the moment that Slurm has it to its end: its files are followed, its lease is renewed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Usage } from '../../job/outcome.ts'
import type { DrivenEnd, Driven, DriveTools } from '../driver/driver.ts'
import { AttemptLost, StartRefused } from '../executor.ts'
import { ReportFile } from '../output/report-file.ts'
import { cannotRun } from '../sandbox/status.ts'
import { reportFileOf } from '../supervisor/state-file.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import { runCommand, type SlurmUser } from './commands.ts'
import { endByWrapper, endWithoutWrapper } from './end-of-job.ts'
import {
  askBeside,
  exitByScontrol,
  fromBooks,
  isHopeless,
  isOver,
  type JobState,
  type JobStates,
} from './job-states.ts'
import { copyReport } from './copy-report.ts'
import { lookMs, pauses } from './pauses.ts'
import { placeAt, readFrom, removePlace, writeLease, type Place } from './place.ts'
import { statusBytes, statusIn, type WrapperEnd, type WrapperStatus } from './status.ts'

/** What stands on disk of it, on the runner's side. */
export interface SlurmHandle {
  version: 1
  dir: string
  name: string
  id?: string
  begun?: true
  /** Its output cannot be masked without its order. */
  secret: boolean
  program: string
  unenforced: string[]
  /** Bytes of files that it may leave; absent: it leaves none. */
  leaves?: number
}

export interface JobParts {
  key: string
  handle: SlurmHandle & { id: string }
  user: SlurmUser
  states: JobStates
  facts(): Promise<ClusterFacts>
  tools: DriveTools
}

type Word = '-' | 'TERM' | 'KILL'

/** Ms: what a shared file system and a look at the lease may take before the wrapper hears of a deadline. */
const leaseMargin = 1_500
const askEveryMs = 3_000
/** After a lease: until its wrapper has certainly looked, and what it killed is dead. */
const certainMs = 15_000
/** A shared file system may show the end of a file later than its length. */
const lateBytesMs = 30_000

export class SlurmJob implements Driven {
  startedAt = 0
  readonly unenforced: string[]
  ended!: Promise<DrivenEnd>
  readonly #parts: JobParts
  readonly #place: Place
  readonly #buffer = Buffer.allocUnsafe(256 * 1024)
  readonly #at = { out: 0, err: 0 }
  #seq = 1
  #word: Word = '-'
  #kills = 0
  #killWritten = false
  /** When the lease that its wrapper may have seen last runs out; `performance.now()`. */
  #backstopAt = 0
  #over = false
  #cleared = false
  #wake: () => void = () => {}
  #writing: Promise<void> = Promise.resolve()

  constructor(parts: JobParts) {
    this.#parts = parts
    this.#place = placeAt(parts.handle.dir)
    this.unenforced = parts.handle.unenforced
  }

  /** Until its command runs. Rejects with StartRefused when it never will; then nothing is left of it. */
  async begin(startedAt?: number): Promise<this> {
    const { tools } = this.#parts
    try {
      await this.#resumeLease()
      if (startedAt === undefined) await this.#untilStarted()
    } catch (error) {
      await this.#remove().catch(() => {})
      throw error
    }
    this.startedAt = startedAt ?? Date.now()
    this.#backstopAt = Math.max(this.#backstopAt, performance.now() + tools.keepForMs())
    tools.save({ ...this.#parts.handle, begun: true })
    tools.onExtended(() => void this.#renew().catch(() => {}))
    this.ended = this.#follow()
    this.ended.catch(() => {})
    return this
  }

  async #untilStarted(): Promise<void> {
    const { tools, states, handle } = this.#parts
    const stopped = (): void => this.#wake()
    tools.signal.addEventListener('abort', stopped)
    let asked = performance.now()
    let told = false
    try {
      for (const pause = pauses(); ;) {
        if (tools.signal.aborted) throw new StartRefused('refused', 'it was stopped before Slurm had started it')
        const status = await this.#status()
        if (status.refused) throw this.#refusal(status.refused)
        if (status.started) return
        if (status.ready !== undefined && !told) {
          told = true
          await this.#renew()
          this.#poke()
        } else if (performance.now() - asked > 1_000) {
          asked = performance.now()
          const state = await states.get(handle.id).catch(() => undefined)
          if (state === null || (state && isOver(state))) await this.#endedUnbegun(state)
          if (state && isHopeless(state)) {
            throw new StartRefused('refused', `Slurm would never start it: ${state.reason}; ask for less, or elsewhere`)
          }
        }
        await this.#rest(told ? lookMs.least : pause())
      }
    } finally {
      tools.signal.removeEventListener('abort', stopped)
    }
  }

  /** Slurm is done with it and the command was not started; unless that is only now to be seen. */
  async #endedUnbegun(state: JobState | null): Promise<void> {
    await sleep(lookMs.mostWhenLong)
    const { started, refused } = await this.#status()
    if (started || refused) return
    const said = await this.#engineSaid()
    const why =
      state === null ? 'Slurm does not know it any more' : `Slurm ended it as ${state.state} (${state.reason})`
    const words = said === '' ? 'is RUNYARD_SLURM_DIR the same on all nodes, and open to the user of the job?' : said
    throw new StartRefused(
      state?.state === 'CANCELLED' ? 'refused' : 'infrastructure',
      `it never ran: ${why}; ${words}`,
    )
  }

  #refusal({ why, words }: NonNullable<WrapperStatus['refused']>): StartRefused {
    return why === 'exec' ? cannotRun(this.#parts.handle.program, words) : new StartRefused(why, words)
  }

  async #follow(): Promise<DrivenEnd> {
    const asking = askBeside(this.#parts.states, this.#parts.handle.id)
    let unread = 0
    for (let pause = pauses(); ;) {
      const before = this.#at.out + this.#at.err
      let status: WrapperStatus
      try {
        // In this order: what it printed before it wrote that it has ended is there when that is.
        status = await this.#status()
        await this.#hand()
        unread = 0
      } catch (error) {
        // A shared disk that is away for a while.
        status = { started: true }
        if ((error as NodeJS.ErrnoException).code === 'ENOENT' && ++unread > 5) return this.#vanished()
      }
      if (status.ended) return this.#finish(status.ended)
      if (status.refused) {
        this.#over = true
        throw this.#refusal(status.refused)
      }
      const { state } = asking
      if (state === null || (state && isOver(state))) return this.#finishWithout(state)
      if (asking.unanswered && performance.now() > this.#backstopAt + certainMs) return this.#givenUp()
      asking.ask(this.#word === '-' ? askEveryMs : 1_000)
      if (this.#at.out + this.#at.err > before) pause = pauses()
      await this.#rest(pause())
    }
  }

  #givenUp(): never {
    this.#over = true
    throw new AttemptLost('Slurm does not answer, and the lease of its wrapper on the node has run out')
  }

  async #vanished(): Promise<never> {
    await this.#cancel()
    this.#over = true
    throw new AttemptLost(`its directory ${this.#place.dir} is gone`)
  }

  async #finish(end: WrapperEnd): Promise<DrivenEnd> {
    await this.#handUntil(end)
    const { states, handle } = this.#parts
    let state: JobState | null = null
    // Whether Slurm had killed it for memory or time is only Slurm's to say.
    const asksSlurm = end.exitCode !== 0 && this.#word === '-'
    for (let tries = 0; asksSlurm && tries < 20; tries++) {
      state = await states.get(handle.id).catch(() => null)
      if (state === null || isOver(state)) break
    }
    this.#over = true
    const said = asksSlurm ? await this.#engineSaid() : ''
    const ended = endByWrapper(end, state, said, this.startedAt)
    const { key, tools } = this.#parts
    if (handle.leaves === undefined) return ended
    const kept = new ReportFile(reportFileOf(tools.config.dir, key), handle.leaves)
    return { ...ended, report: await copyReport(this.#place.file('files'), kept, end.filesLate) }
  }

  async #finishWithout(state: JobState | null): Promise<DrivenEnd> {
    // What the wrapper wrote last may come after Slurm's word.
    await sleep(lookMs.mostWhenLong)
    const status = await this.#status().catch((): WrapperStatus => ({ started: true }))
    if (status.ended) return this.#finish(status.ended)
    const { user, handle, facts } = this.#parts
    let known = state ?? (await fromBooks(user, await facts(), handle.id).catch(() => null))
    if (known !== null && known.exit === undefined) {
      const exit = await exitByScontrol(user, handle.id)
      known = { ...known, ...(exit && { exit }) }
    }
    await this.#hand().catch(() => {})
    this.#over = true
    return endWithoutWrapper(known, await this.#engineSaid(), this.#word, await this.usage())
  }

  async #hand(): Promise<void> {
    for (const [file, stream] of [
      ['out', 'stdout'],
      ['err', 'stderr'],
    ] as const) {
      for (;;) {
        const { bytes } = await readFrom(this.#place.file(file), this.#at[file], this.#buffer)
        if (bytes.length === 0) break
        this.#at[file] += bytes.length
        await this.#parts.tools.output(stream, bytes)
      }
    }
  }

  /** Both streams to the length that they had on the node. */
  async #handUntil({ stdoutBytes, stderrBytes }: WrapperEnd): Promise<void> {
    const giveUpAt = performance.now() + lateBytesMs
    for (;;) {
      await this.#hand().catch(() => {})
      if (this.#at.out >= stdoutBytes && this.#at.err >= stderrBytes) return
      if (performance.now() > giveUpAt) return
      await sleep(lookMs.most)
    }
  }

  async signal(which: 'TERM' | 'KILL'): Promise<void> {
    if (this.#over || this.#word === 'KILL') {
      // Told before: then Slurm does it.
      if (!this.#over && ++this.#kills > 1) await this.#cancel()
      return
    }
    this.#word = which
    if (which === 'KILL') this.#kills = 1
    await this.#renew().catch(() => {})
    this.#poke()
    this.#wake()
  }

  async usage(): Promise<Usage> {
    try {
      const { bytes } = await readFrom(this.#place.file('beat'), 0, Buffer.alloc(63))
      const [cpu, peak] = bytes.toString('latin1').split(' ').map(Number)
      return cpu && peak && Number.isSafeInteger(peak) ? { cpu_ms: cpu, memory_peak_bytes: peak } : {}
    } catch {
      return {}
    }
  }

  async clear(): Promise<void> {
    if (this.#cleared) return
    await this.#remove()
    this.#cleared = true
  }

  /** Without its lease file the wrapper ends by itself, too. */
  async #remove(): Promise<void> {
    if (!this.#over) await this.#cancel()
    await removePlace(this.#place)
  }

  async #cancel(): Promise<void> {
    const { user, handle } = this.#parts
    // By name too: a cluster that lost its state gives numbers again.
    await runCommand(user, 'scancel', ['--full', '--signal=KILL', `--name=${handle.name}`, handle.id])
    await runCommand(user, 'scancel', [`--name=${handle.name}`, handle.id])
  }

  #poke(): void {
    const { user, handle } = this.#parts
    // Only saves it a second; it looks by itself.
    void runCommand(user, 'scancel', ['--batch', '--signal=USR1', `--name=${handle.name}`, handle.id]).catch(() => {})
  }

  /** After one of an earlier driver process. */
  async #resumeLease(): Promise<void> {
    const { bytes } = await readFrom(this.#place.file('lease'), 0, Buffer.alloc(64))
    const [seq, , word] = bytes.toString('latin1').split(' ')
    this.#seq = Number(seq) || 1
    if (word === 'TERM' || word === 'KILL') this.#word = word
  }

  #renew(): Promise<void> {
    const write = async (): Promise<void> => {
      // It is to die in any case: the time that it has is not made longer.
      if (this.#killWritten) return
      const keep = this.#parts.tools.keepForMs()
      this.#backstopAt = Math.max(this.#backstopAt, performance.now() + keep)
      const word = this.#word
      await writeLease(this.#place, ++this.#seq, keep > 10_000 ? keep - leaseMargin : keep, word)
      this.#killWritten = word === 'KILL'
    }
    return (this.#writing = this.#writing.then(write, write))
  }

  async #status(): Promise<WrapperStatus> {
    const { bytes } = await readFrom(this.#place.file('status'), 0, Buffer.alloc(statusBytes))
    return statusIn(bytes.toString('utf8'))
  }

  async #engineSaid(): Promise<string> {
    try {
      const { bytes } = await readFrom(this.#place.file('engine'), 0, Buffer.alloc(statusBytes))
      return bytes.toString('utf8').trim().split('\n').slice(-5).join('; ')
    } catch {
      return ''
    }
  }

  async #rest(ms: number): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve))
    const control = new AbortController()
    await Promise.race([woken, sleep(ms, undefined, { signal: control.signal }).catch(() => {})])
    control.abort()
  }
}
